/** Which peers hold what of an image (manager-rest.md §4.1, `get_image_distribution`). */
import { DamselflyError } from "../../core/error.ts";
import { inParallel } from "../../core/in_parallel.ts";
import { asSourceError } from "../../oci/image_blobs.ts";
import type { HostResult } from "../../rpc/gen/damselfly/v1/jobs.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { ImageDistributionArgs, TaskArgs } from "../rest/job_args.ts";
import { millisecondsOfNanoseconds } from "../store/liveness.ts";
import type { SchedulerRecord } from "../store/services.ts";
import type { Images } from "./images.ts";
import { taskRequest } from "./job_requests.ts";
import { type SchedulerCalls, withAny } from "./scheduler_calls.ts";

/** How long an answer is waited for that does not say, and the longest: then the connection would be given up. */
const TIMEOUT_MS = { usual: 60_000, max: 9 * 60_000 };
/** Layers that are asked for at a time when the question does not say. */
const LAYERS_AT_ONCE = 8;
/** Layers of peers in an answer; one is a line of some 150 bytes. */
const ENTRIES_MAX = 200_000;
const NANOSECONDS_PER_MS = 1e6;
/** As in common.v2.Host. */
const NORMAL_PEER = 0;

/** What {@link imageDistribution} works with. */
export interface DistributionParts {
  readonly images: Pick<Images, "blobs">;
  readonly calls: Pick<SchedulerCalls, "task">;
  readonly clock: Clock;
}

interface Layer {
  readonly url: string;
}

/** The blobs of an image, and which peers that are no seed peers hold all of which. */
export interface ImageDistribution {
  readonly image: { readonly layers: readonly Layer[] };
  readonly peers: readonly {
    readonly ip: string;
    readonly hostname: string;
    readonly cached_layers: readonly Layer[];
    readonly scheduler_cluster_id: number;
  }[];
}

/**
 * Reads an image at its registry, and has the schedulers of each cluster ask their hosts for it. Throws what
 * `Images.blobs` and the schedulers throw, `timeout`, and `resource_exhausted` for more than an answer can hold.
 */
export async function imageDistribution(
  args: ImageDistributionArgs,
  clusters: ReadonlyMap<number, readonly SchedulerRecord[]>,
  { images, calls, clock }: DistributionParts,
  caller: AbortSignal,
): Promise<ImageDistribution> {
  const asked = args.timeout === undefined ? TIMEOUT_MS.usual : millisecondsOfNanoseconds(args.timeout);
  const timeoutMs = Math.min(asked, TIMEOUT_MS.max);
  using limit = clock.deadline(timeoutMs);
  const left = new AbortController();
  const signal = AbortSignal.any([caller, limit.signal, left.signal]);
  const holders = new Holders();
  try {
    const { urls } = await images.blobs(args, signal).catch((cause) => {
      throw asSourceError(cause);
    });
    const layers = urls.map((url): Layer => ({ url }));
    const questions = [...clusters].flatMap(([id, schedulers]) => layers.map((layer) => ({ id, schedulers, layer })));
    const ask = async ({ id, schedulers, layer }: typeof questions[number]) => {
      const task = taskRequest(taskArgs(args, layer, timeoutMs));
      const onResult = (result: HostResult) => holders.add(id, layer, result);
      await withAny(schedulers, (scheduler) => calls.task("get_task", scheduler, task, onResult, signal));
    };
    for await (const _ of inParallel(questions, args.concurrent_layer_count ?? LAYERS_AT_ONCE, ask));
    return { image: { layers }, peers: holders.peers };
  } catch (cause) {
    caller.throwIfAborted();
    if (!limit.signal.aborted) throw cause;
    const what = `Cannot tell who holds the image within ${timeoutMs} ms; ask for one cluster or one platform`;
    throw new DamselflyError("timeout", what, { cause });
  } finally {
    left.abort(new DamselflyError("cancelled", "The question is answered"));
  }
}

/** The question who holds one blob, which a preheat with the same arguments would have called the same. */
function taskArgs(args: ImageDistributionArgs, { url }: Layer, timeoutMs: number): TaskArgs {
  const { piece_length, tag, application, filtered_query_params, concurrent_peer_count } = args;
  return {
    ...{ url, piece_length, tag, application, filtered_query_params, concurrent_peer_count },
    ...{ task_id: undefined, content_for_calculating_task_id: undefined, timeout: timeoutMs * NANOSECONDS_PER_MS },
  };
}

interface Holder {
  readonly ip: string;
  readonly hostname: string;
  readonly clusterId: number;
  readonly layers: Set<Layer>;
}

/** Who holds what, each host once in a cluster, however often it is told. */
class Holders {
  readonly #holders = new Map<string, Holder>();
  #entries = 0;

  add(clusterId: number, layer: Layer, { hostId, hostname, ip, hostType, isFinished }: HostResult): void {
    if (hostType !== NORMAL_PEER || !isFinished) return;
    const key = `${clusterId} ${hostId}`;
    const holder = this.#holders.get(key) ?? { ip, hostname, clusterId, layers: new Set() };
    this.#holders.set(key, holder);
    if (holder.layers.has(layer)) return;
    holder.layers.add(layer);
    this.#entries += 1;
    if (this.#entries <= ENTRIES_MAX) return;
    const what = `Cannot tell who holds the image: there are more than ${ENTRIES_MAX} copies of its layers`;
    throw new DamselflyError("resource_exhausted", `${what}; ask for one cluster or one platform`);
  }

  get peers(): ImageDistribution["peers"] {
    return [...this.#holders.values()].map(({ ip, hostname, layers, clusterId }) => {
      return { ip, hostname, cached_layers: [...layers], scheduler_cluster_id: clusterId };
    });
  }
}
