import { formatHostPort } from "../../config/addresses.ts";
import { DamselflyError, toDamselflyError } from "../../core/error.ts";
import { SchedulerRing } from "../../core/scheduler_ring.ts";
import { RpcChannels, type RpcClient, type UnaryCallOptions } from "../../rpc/client.ts";
import type { ServiceDefinition } from "../../rpc/definition.ts";
import { schedulerAudience, type Tickets, withTicket } from "../../rpc/tickets.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { TlsFiles } from "../../runtime/tls_files.ts";
import { isLive } from "../store/liveness.ts";
import type { SchedulerRecord } from "../store/services.ts";
import type { Store } from "../store/store.ts";

/** Schedulers of one cluster that are asked; who has more is shown what these know. */
const SCHEDULERS_MAX = 16;
const CHANNELS_MAX = 64;
const CONNECT_TIMEOUT_MS = 2_000;
/** Somebody looks on and asks again every few seconds. */
const CALL_TIMEOUT_MS = 4_000;

/** What {@link TicketedCalls} work with. */
export interface TicketedCallsParts {
  readonly store: Pick<Store, "schedulers">;
  readonly tickets: Pick<Tickets, "ticket">;
  readonly clock: Clock;
  readonly tls: TlsFiles | undefined;
}

/** One call of a scheduler. */
export type TicketedCall<S extends ServiceDefinition, A> = (
  client: RpcClient<S>,
  options: UnaryCallOptions,
) => Promise<A>;

/** Calls of schedulers that only their manager may make: each with a ticket for the one that is called. */
export class TicketedCalls<S extends ServiceDefinition> implements Disposable {
  readonly #parts: TicketedCallsParts;
  readonly #channels: RpcChannels;
  readonly #service: S;
  readonly #what: string;

  /** `what` is what schedulers of Dragonfly do not tell of, for people. */
  constructor(service: S, what: string, parts: TicketedCallsParts) {
    this.#service = service;
    this.#what = what;
    this.#parts = parts;
    const { clock, tls } = parts;
    this.#channels = new RpcChannels({ clock, tls, channelsMax: CHANNELS_MAX, connectTimeoutMs: CONNECT_TIMEOUT_MS });
  }

  [Symbol.dispose](): void {
    this.#channels[Symbol.dispose]();
  }

  /** The live schedulers of a cluster, as many as are asked. Throws `failed_precondition` where there is none. */
  async schedulers(clusterId: number): Promise<SchedulerRecord[]> {
    return (await this.#atLeastOne(clusterId)).slice(0, SCHEDULERS_MAX);
  }

  /** The same, and an empty list where there is none. */
  async liveSchedulers(clusterId: number): Promise<SchedulerRecord[]> {
    return (await this.#live(clusterId)).slice(0, SCHEDULERS_MAX);
  }

  /** {@link schedulers}, the one of a task first, as its peers choose it: of all that there are. */
  async schedulersFor(clusterId: number, taskId: string): Promise<SchedulerRecord[]> {
    const live = await this.#atLeastOne(clusterId);
    const first = new SchedulerRing(live).pick(taskId);
    const inOrder = first === undefined ? live : [first, ...live.filter((other) => other !== first)];
    return inOrder.slice(0, SCHEDULERS_MAX);
  }

  /** Asks one. Throws what it says; see {@link failureOf}. */
  async ask<A>(scheduler: SchedulerRecord, call: TicketedCall<S, A>, signal: AbortSignal): Promise<A> {
    const address = formatHostPort({ hostname: scheduler.ip, port: scheduler.port });
    const metadata = withTicket(this.#parts.tickets.ticket(schedulerAudience(address)));
    const client = this.#channels.client(this.#service, address);
    return await call(client, { signal, timeoutMs: CALL_TIMEOUT_MS, metadata });
  }

  /** The first answer, in the order of the schedulers; who does not know, or cannot be asked, is passed over. */
  async first<A>(
    schedulers: readonly SchedulerRecord[],
    call: TicketedCall<S, A>,
    signal: AbortSignal,
  ): Promise<{ readonly scheduler: SchedulerRecord; readonly found: A }> {
    let failure: DamselflyError | undefined;
    for (const scheduler of schedulers) {
      try {
        return { scheduler, found: await this.ask(scheduler, call, signal) };
      } catch (error) {
        signal.throwIfAborted();
        const one = this.failureOf(scheduler, error);
        // That a scheduler could not say tells more than that others do not know.
        if (failure === undefined || failure.code === "not_found") failure = one;
      }
    }
    throw failure ?? new DamselflyError("failed_precondition", "active schedulers not found");
  }

  /** Why a scheduler does not say, in words that tell what can be done. */
  failureOf({ hostname }: SchedulerRecord, error: unknown): DamselflyError {
    const { code, message } = toDamselflyError(error, "internal", `Cannot ask scheduler ${hostname}`);
    if (code === "not_found") return new DamselflyError("not_found", message, { cause: error });
    if (code !== "unimplemented") {
      return new DamselflyError(code, `Scheduler ${hostname}: ${message}`, { cause: error });
    }
    const what = `Scheduler ${hostname} does not tell of ${this.#what}: it is Dragonfly's, or of an older version`;
    return new DamselflyError("unimplemented", what, { cause: error });
  }

  async #live(clusterId: number): Promise<SchedulerRecord[]> {
    const { store, clock } = this.#parts;
    const now = clock.wallMs();
    return (await store.schedulers.ofCluster(clusterId)).filter((scheduler) => isLive(scheduler, now));
  }

  async #atLeastOne(clusterId: number): Promise<SchedulerRecord[]> {
    const live = await this.#live(clusterId);
    if (live.length > 0) return live;
    const what = `Cannot look into scheduler cluster ${clusterId}: none of its schedulers is alive`;
    throw new DamselflyError("failed_precondition", what);
  }
}
