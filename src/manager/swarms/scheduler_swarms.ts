import { formatHostPort } from "../../config/addresses.ts";
import { DamselflyError, toDamselflyError } from "../../core/error.ts";
import { type SchedulerAddress, SchedulerRing } from "../../core/scheduler_ring.ts";
import { type CallOptions, RpcChannels, type RpcClient } from "../../rpc/client.ts";
import type { ListPullsRequest } from "../../rpc/gen/damselfly/v1/pulls.ts";
import { SwarmsService, type SwarmSummary } from "../../rpc/gen/damselfly/v1/swarms.ts";
import { type Tickets, withTicket } from "../../rpc/tickets.ts";
import { msOfTimestamp } from "../../rpc/time.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { TlsFiles } from "../../runtime/tls_files.ts";
import { isLive } from "../store/liveness.ts";
import type { SchedulerRecord } from "../store/services.ts";
import type { Store } from "../store/store.ts";
import type { FoundPulls, FoundSwarms, SwarmReader } from "./swarm_reader.ts";

/** Schedulers of one cluster that are asked; who has more is shown what these know. */
const SCHEDULERS_MAX = 16;
const CHANNELS_MAX = 64;
const CONNECT_TIMEOUT_MS = 2_000;
/** Somebody looks on and asks again every few seconds. */
const CALL_TIMEOUT_MS = 4_000;
/** The scheduler asks the host in turn. */
const PULLS_TIMEOUT_MS = 8_000;
/** Tasks of one scheduler that are told. */
const TASKS_MAX = 1_000;

/** What {@link SchedulerSwarms} work with. */
export interface SchedulerSwarmsParts {
  readonly store: Pick<Store, "schedulers">;
  readonly tickets: Pick<Tickets, "ticket">;
  readonly clock: Clock;
  readonly tls: TlsFiles | undefined;
}

type Client = RpcClient<typeof SwarmsService>;
type Options = CallOptions & { readonly timeoutMs: number };

/** Asks the schedulers of a cluster, each with a ticket for it, and through them one host at a time. */
export class SchedulerSwarms implements SwarmReader, Disposable {
  readonly #parts: SchedulerSwarmsParts;
  readonly #channels: RpcChannels;

  constructor(parts: SchedulerSwarmsParts) {
    this.#parts = parts;
    const { clock, tls } = parts;
    this.#channels = new RpcChannels({ clock, tls, channelsMax: CHANNELS_MAX, connectTimeoutMs: CONNECT_TIMEOUT_MS });
  }

  async list(
    clusterId: number,
    { stopped, offset, limit }: { readonly stopped: boolean; readonly offset: number; readonly limit: number },
    signal: AbortSignal,
  ): Promise<FoundSwarms> {
    const wanted = Math.min(offset + limit, TASKS_MAX);
    const asked = await Promise.all((await this.#schedulers(clusterId)).map(async (scheduler) => {
      const request = { stopped, offset: 0, limit: wanted };
      try {
        return {
          scheduler,
          listed: await this.#ask(scheduler, (client, options) => client.listSwarms(request, options), signal),
        };
      } catch (error) {
        signal.throwIfAborted();
        return { scheduler, reason: failureOf(scheduler, error).message };
      }
    }));
    const known = asked.flatMap(({ scheduler, listed }) => listed === undefined ? [] : [{ scheduler, ...listed }]);
    const all = known.flatMap(({ scheduler, swarms }) => swarms.map((swarm) => ({ ...swarm, scheduler })));
    // Those that have moved for longest come first, and those that stopped last.
    all.sort((a, b) => stopped ? sinceMs(b) - sinceMs(a) : sinceMs(a) - sinceMs(b));
    return {
      swarms: all.slice(offset, offset + limit),
      total: known.reduce((sum, { total }) => sum + Math.min(total, TASKS_MAX), 0),
      silent: asked.flatMap(({ scheduler, reason }) => reason === undefined ? [] : [{ scheduler, reason }]),
    };
  }

  async get(clusterId: number, name: string, signal: AbortSignal) {
    const schedulers = inRingOrder(await this.#schedulers(clusterId), name.replace(/^sha256:/, ""));
    return await this.#first(schedulers, (client, options) => client.getSwarm({ name }, options), signal);
  }

  async pulls(clusterId: number, host: string, request: ListPullsRequest, signal: AbortSignal): Promise<FoundPulls> {
    const schedulers = await this.#schedulers(clusterId);
    const ask = (client: Client, options: Options) => client.findHost({ name: host }, options);
    const { scheduler, found } = await this.#first(schedulers, ask, signal);
    const asked = { hostId: found.hostId, ticket: this.#parts.tickets.ticket(found.hostId), pulls: request };
    try {
      const listed = await this.#ask(
        scheduler,
        (client, options) => client.listPullsOfHost(asked, { ...options, timeoutMs: PULLS_TIMEOUT_MS }),
        signal,
      );
      return { host: found, listed };
    } catch (error) {
      signal.throwIfAborted();
      throw hostFailureOf(found.hostname, error);
    }
  }

  [Symbol.dispose](): void {
    this.#channels[Symbol.dispose]();
  }

  /** The live ones of a cluster. Throws `failed_precondition` where there is none. */
  async #schedulers(clusterId: number): Promise<SchedulerRecord[]> {
    const { store, clock } = this.#parts;
    const now = clock.wallMs();
    const live = (await store.schedulers.ofCluster(clusterId)).filter((scheduler) => isLive(scheduler, now));
    if (live.length > 0) return live.slice(0, SCHEDULERS_MAX);
    const what = `Cannot look into scheduler cluster ${clusterId}: none of its schedulers is alive`;
    throw new DamselflyError("failed_precondition", what);
  }

  /** The first answer, in the order of the schedulers; who does not know, or cannot be asked, is passed over. */
  async #first<A>(
    schedulers: readonly SchedulerRecord[],
    call: (client: Client, options: Options) => Promise<A>,
    signal: AbortSignal,
  ): Promise<{ readonly scheduler: SchedulerRecord; readonly found: A }> {
    let failure: DamselflyError | undefined;
    for (const scheduler of schedulers) {
      try {
        return { scheduler, found: await this.#ask(scheduler, call, signal) };
      } catch (error) {
        signal.throwIfAborted();
        const one = failureOf(scheduler, error);
        // That a scheduler could not say tells more than that others do not know.
        if (failure === undefined || failure.code === "not_found") failure = one;
      }
    }
    throw failure ?? new DamselflyError("failed_precondition", "active schedulers not found");
  }

  async #ask<A>(
    { ip, port }: SchedulerAddress,
    call: (client: Client, options: Options) => Promise<A>,
    signal: AbortSignal,
  ): Promise<A> {
    const address = formatHostPort({ hostname: ip, port });
    const metadata = withTicket(this.#parts.tickets.ticket(address));
    return await call(this.#channels.client(SwarmsService, address), { signal, timeoutMs: CALL_TIMEOUT_MS, metadata });
  }
}

/** The scheduler of a task first, as its peers choose it. */
function inRingOrder(schedulers: readonly SchedulerRecord[], taskId: string): SchedulerRecord[] {
  const first = new SchedulerRing(schedulers).pick(taskId);
  return first === undefined ? [...schedulers] : [first, ...schedulers.filter((other) => other !== first)];
}

function sinceMs({ since }: SwarmSummary): number {
  return since === undefined ? 0 : msOfTimestamp(since);
}

/** Why a scheduler does not say, in words that tell what can be done. */
function failureOf({ hostname }: SchedulerRecord, error: unknown): DamselflyError {
  const { code, message } = toDamselflyError(error, "internal", `Cannot ask scheduler ${hostname}`);
  if (code === "not_found") return new DamselflyError("not_found", message, { cause: error });
  if (code !== "unimplemented") return new DamselflyError(code, `Scheduler ${hostname}: ${message}`, { cause: error });
  const what = `Scheduler ${hostname} does not tell of its swarms: it is Dragonfly's, or of an older version`;
  return new DamselflyError("unimplemented", what, { cause: error });
}

function hostFailureOf(hostname: string, error: unknown): DamselflyError {
  const { code, message } = toDamselflyError(error, "internal", `Cannot ask host ${hostname}`);
  if (code !== "unimplemented") return new DamselflyError(code, `Host ${hostname}: ${message}`, { cause: error });
  const what = `Host ${hostname} keeps no record of its pulls: it is Dragonfly's, or of an older version`;
  return new DamselflyError("unimplemented", what, { cause: error });
}
