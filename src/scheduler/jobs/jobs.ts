import { DamselflyError, errorText, toDamselflyError } from "../../core/error.ts";
import { inParallel, mergeInParallel } from "../../core/in_parallel.ts";
import { taskIdOf } from "../../core/task_id.ts";
import { asSourceError, findImageBlobs, type ImageBlobs } from "../../oci/image_blobs.ts";
import type { RegistryAccess } from "../../oci/registry_access.ts";
import type { Download, Host } from "../../rpc/gen/common/v2/common.ts";
import { HostResult } from "../../rpc/gen/damselfly/v1/jobs.ts";
import type { Backend } from "../../rpc/gen/errordetails/v2/errordetails.ts";
import type { Runtime } from "../../runtime/runtime.ts";
import { type HostCalls, isHostAtFault } from "./host_calls.ts";
import type { JobLimits, PreheatOrder, StatOrder, TaskOrder } from "./job_order.ts";
import { chooseHosts, rankSeeds } from "./targets.ts";

/** Orders that run at a time. */
const JOBS_MAX = 100;

/** What {@link Jobs} work with. */
export interface JobsOptions {
  readonly calls: Pick<HostCalls, "download" | "stat" | "delete">;
  /** All hosts that are known now. */
  readonly hosts: () => Host[];
  /** The way to the registries of images. */
  readonly registries: Pick<RegistryAccess, "fetch">;
  readonly runtime: Pick<Runtime, "clock" | "log">;
}

/** How hosts log in at the registry of an image; undefined of a file. */
type Login = ImageBlobs["login"] | undefined;

/** What an order is about. */
interface Contents {
  /** One for each content, with the headers of the order. */
  readonly downloads: readonly Download[];
  readonly login: Login;
}

/** What registries answer to a login that is not, or no longer, good. */
const UNAUTHORIZED = 401;

/** Runs jobs: each is a loop over what became of each content on each host, and ends when all have ended. */
export class Jobs {
  readonly #options: JobsOptions;
  readonly #stop = new AbortController();
  #running = 0;

  constructor(options: JobsOptions) {
    this.#options = options;
  }

  /**
   * Makes hosts fetch contents. Throws `failed_precondition` when no host is in the scope of the order, and what
   * `findImageBlobs` throws; what goes wrong on a host is a result.
   */
  preheat(order: PreheatOrder, caller: AbortSignal): AsyncGenerator<HostResult, void, undefined> {
    return this.#run(order, caller, (signal) => this.#preheat(order, signal));
  }

  /** Finds the hosts that hold contents, whose URLs it tells first; a host that cannot be asked holds none. */
  stat(
    order: StatOrder,
    onContents: (urls: readonly string[]) => void,
    caller: AbortSignal,
  ): AsyncGenerator<HostResult, void, undefined> {
    return this.#run(order, caller, (signal) => this.#stat(order, onContents, signal));
  }

  /** Finds the hosts that hold a task. */
  find(order: TaskOrder, caller: AbortSignal): AsyncGenerator<HostResult, void, undefined> {
    return this.#run(order, caller, (signal) => this.#find(order.taskIds, "", order, signal));
  }

  /** Makes all hosts delete a task; those that have none are no results. */
  delete(order: TaskOrder, caller: AbortSignal): AsyncGenerator<HostResult, void, undefined> {
    return this.#run(order, caller, (signal) => this.#delete(order, signal));
  }

  /** Ends all that runs. */
  stop(): void {
    this.#stop.abort(new DamselflyError("unavailable", "The scheduler stops"));
  }

  /** Runs a job within its limits; its calls end when it does, also when the reader leaves. */
  async *#run(
    { timeoutMs }: JobLimits,
    caller: AbortSignal,
    run: (signal: AbortSignal) => AsyncIterable<HostResult>,
  ): AsyncGenerator<HostResult, void, undefined> {
    if (this.#running >= JOBS_MAX) {
      throw new DamselflyError("resource_exhausted", `Cannot take the job: ${JOBS_MAX} others run`);
    }
    this.#running += 1;
    const left = new AbortController();
    using limit = this.#options.runtime.clock.deadline(timeoutMs);
    try {
      yield* run(AbortSignal.any([caller, this.#stop.signal, left.signal, limit.signal]));
      caller.throwIfAborted();
      this.#stop.signal.throwIfAborted();
    } finally {
      this.#running -= 1;
      left.abort(new DamselflyError("cancelled", "The job has ended"));
    }
  }

  async *#preheat(order: PreheatOrder, signal: AbortSignal): AsyncGenerator<HostResult, void, undefined> {
    const { targets, tasksAtOnce, hostsAtOnce } = order;
    const { hosts, unknownIps } = chooseHosts(this.#options.hosts(), targets);
    if (hosts.length === 0) {
      const whom = targets.scope === "all_peers" ? "host" : "seed peer";
      throw new DamselflyError("failed_precondition", `Cannot preheat: the cluster has no ${whom} that is meant`);
    }
    const { downloads, login } = await this.#contents(order, signal);
    const isOneEach = targets.scope === "single_seed_peer";
    const answerCount = downloads.length * (unknownIps.length + (isOneEach ? 1 : hosts.length));
    for (const { url } of downloads) {
      for (const ip of unknownIps) {
        yield HostResult.create({ url, ip, error: `No host of the scope has address ${ip}`, answerCount });
      }
    }
    const fetchAll = (download: Download) => {
      const candidates = isOneEach ? [rankSeeds(hosts, taskIdsOf(download)[0] ?? "")] : hosts.map((host) => [host]);
      const fetch = async (some: readonly Host[]) => {
        return { ...await this.#fetch(download, some, login, signal), answerCount };
      };
      return inParallel(candidates, hostsAtOnce, fetch);
    };
    yield* mergeInParallel(downloads, tasksAtOnce, fetchAll);
  }

  /** Makes the first of the hosts fetch that can. */
  async #fetch(download: Download, hosts: readonly Host[], login: Login, signal: AbortSignal): Promise<HostResult> {
    let result: HostResult | undefined;
    for (const host of hosts) {
      const error = await this.#download(host, download, login, signal);
      result = hostResult(host, download.url, error === undefined ? {} : { error: errorText(error) });
      if (error === undefined || signal.aborted || !isHostAtFault(error)) break;
    }
    return result ?? HostResult.create({ url: download.url, error: "No seed peer is there" });
  }

  /** Makes a host fetch, and once more when the registry no longer takes the login that it was sent with. */
  async #download(host: Host, download: Download, login: Login, signal: AbortSignal) {
    const { calls } = this.#options;
    try {
      const authorization = await login?.authorization(signal);
      const error = await calls.download(host, withAuthorization(download, authorization), signal);
      const isRefused = error?.code === "source_error" && (error.details as Backend)?.statusCode === UNAUTHORIZED;
      const renewed = isRefused ? await login?.renew(authorization, signal) : undefined;
      if (renewed === undefined) return error;
      return await calls.download(host, withAuthorization(download, renewed), signal);
    } catch (error) {
      return toDamselflyError(error, "internal", "Cannot log in at the registry");
    }
  }

  async *#stat(
    order: StatOrder,
    onContents: (urls: readonly string[]) => void,
    signal: AbortSignal,
  ): AsyncGenerator<HostResult, void, undefined> {
    const { downloads } = await this.#contents(order, signal);
    onContents(downloads.map(({ url }) => url));
    const findAll = (download: Download) => this.#find(taskIdsOf(download), download.url, order, signal);
    yield* mergeInParallel(downloads, order.tasksAtOnce, findAll);
  }

  async *#find(
    taskIds: readonly string[],
    url: string,
    { hostsAtOnce }: JobLimits,
    signal: AbortSignal,
  ): AsyncGenerator<HostResult, void, undefined> {
    const { calls, hosts } = this.#options;
    const run = async (host: Host) => ({ host, task: await calls.stat(host, taskIds, signal) });
    for await (const { host, task } of inParallel(hosts(), hostsAtOnce, run)) {
      if (task === undefined) continue;
      const { createdAt, updatedAt, finishedAt } = task;
      yield hostResult(host, url, { createdAt, updatedAt, isFinished: finishedAt !== undefined });
    }
  }

  async *#delete(
    { taskIds, hostsAtOnce }: TaskOrder,
    signal: AbortSignal,
  ): AsyncGenerator<HostResult, void, undefined> {
    const { calls, hosts } = this.#options;
    const run = async (host: Host) => ({ host, end: await calls.delete(host, taskIds, signal) });
    for await (const { host, end } of inParallel(hosts(), hostsAtOnce, run)) {
      if (end !== false) yield hostResult(host, "", end === true ? {} : { error: errorText(end) });
    }
  }

  async #contents({ image, download, downloads = [download] }: StatOrder, signal: AbortSignal): Promise<Contents> {
    if (image === undefined) return { downloads, login: undefined };
    const { registries, runtime: { clock, log } } = this.#options;
    const effects = { clock, fetch: registries.fetch(image.trust) };
    const { urls, foreign, login } = await findImageBlobs(image, effects, signal).catch((cause) => {
      signal.throwIfAborted();
      // A manager would take "unavailable" for ours, and go on to another scheduler.
      throw asSourceError(cause);
    });
    if (foreign.length > 0) {
      log.info("Layers of an image are left out, for registries need not have them", { digests: foreign });
    }
    return { downloads: urls.map((url) => ({ ...download, url })), login };
  }
}

/** The ids of what a download is of; the first is the one that hosts are told. */
function taskIdsOf(download: Download): string[] {
  const ids = [true, false].map((byBlobDigest) => taskIdOf({ ...download, byBlobDigest }));
  const [byDigest = "", byUrl = ""] = ids;
  return byDigest === byUrl ? [byUrl] : download.enableTaskIdBasedBlobDigest ? [byDigest, byUrl] : [byUrl, byDigest];
}

function hostResult({ id, hostname, ip, type }: Host, url: string, rest: Partial<HostResult>): HostResult {
  return HostResult.create({ url, hostId: id, hostname, ip, hostType: type, ...rest });
}

/** A download with another login than the order's, if there is one. */
function withAuthorization(download: Download, authorization: string | undefined): Download {
  if (authorization === undefined) return download;
  const others = Object.entries(download.requestHeader).filter(([name]) => name.toLowerCase() !== "authorization");
  return { ...download, requestHeader: { ...Object.fromEntries(others), authorization } };
}
