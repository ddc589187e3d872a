import { DamselflyError } from "../../core/error.ts";
import type { Clock } from "../../runtime/clock.ts";
import { type KeepAliveRequest, SourceType } from "../../rpc/gen/manager/v2/manager.ts";
import { type KeepAlives as KeepAliveTimes, silenceMaxMs } from "../store/liveness.ts";
import type { ServiceKey } from "../store/services.ts";
import type { Store } from "../store/store.ts";
import { checkClusterId, checkHost, checkSource } from "./validate.ts";

/** How long a caller may take from opening a stream to its first message, a keep-alive interval of stock schedulers. */
const FIRST_MESSAGE_TIMEOUT_MS = 30_000;

/** The part of a store of services that keep-alives need. */
interface LiveServices {
  keepAlive(key: ServiceKey): Promise<KeepAliveTimes>;
  markInactive(key: ServiceKey): Promise<void>;
}

/**
 * Streams of keep-alives. A service is active from the first message until its last stream ends: a scheduler that
 * reconnects before the transport noticed the end of its old stream stays active.
 */
export class KeepAlives {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #streams = new Map<string, number>();
  readonly #stop = new AbortController();

  constructor(store: Store, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
  }

  /**
   * Ends all streams and leaves the services as they are: they are alive, and peers that ask the next manager before
   * the schedulers have come back must still be told of them.
   */
  stop(): void {
    this.#stop.abort(new DamselflyError("unavailable", "Cannot go on with keep-alives: the manager is stopping"));
  }

  /**
   * Serves one stream until the caller ends it. Fails with `invalid_argument`, with `not_found` when the service is
   * not registered, and with `timeout` when it is silent for so long that it counts as dead.
   */
  async serve(requests: AsyncIterable<KeepAliveRequest>): Promise<void> {
    const iterator = requests[Symbol.asyncIterator]();
    const first = await this.#next(iterator, FIRST_MESSAGE_TIMEOUT_MS);
    if (first === undefined) return;
    const identity = identityOf(first);
    const services = this.#servicesOf(first);
    // Counted before anything is waited for: the end of an older stream meanwhile must not make the service inactive.
    this.#streams.set(identity, (this.#streams.get(identity) ?? 0) + 1);
    try {
      let times = await services.keepAlive(keyOf(first));
      while (true) {
        const request = await this.#next(iterator, silenceMaxMs(times.keepAliveIntervalMs));
        if (request === undefined) return;
        if (identityOf(request) !== identity) {
          throw new DamselflyError("invalid_argument", "Cannot keep another service alive on the same stream");
        }
        times = await services.keepAlive(keyOf(request));
      }
    } finally {
      await this.#ended(identity, keyOf(first), services);
    }
  }

  async #next(iterator: AsyncIterator<KeepAliveRequest>, ms: number): Promise<KeepAliveRequest | undefined> {
    using limit = this.#clock.deadline(ms);
    const signal = AbortSignal.any([limit.signal, this.#stop.signal]);
    const aborted = Promise.withResolvers<never>();
    const onAbort = () => aborted.reject(signal.reason);
    signal.addEventListener("abort", onAbort, { once: true });
    try {
      signal.throwIfAborted();
      const { done, value } = await Promise.race([iterator.next(), aborted.promise]);
      return done === true ? undefined : value;
    } finally {
      signal.removeEventListener("abort", onAbort);
    }
  }

  async #ended(identity: string, key: ServiceKey, services: LiveServices): Promise<void> {
    const left = (this.#streams.get(identity) ?? 1) - 1;
    if (left > 0) {
      this.#streams.set(identity, left);
      return;
    }
    this.#streams.delete(identity);
    if (!this.#stop.signal.aborted) await services.markInactive(key);
  }

  #servicesOf(request: KeepAliveRequest): LiveServices {
    checkSource(request.sourceType, SourceType.SCHEDULER_SOURCE, SourceType.SEED_PEER_SOURCE);
    checkHost(request);
    checkClusterId(request.clusterId, "cluster_id");
    return request.sourceType === SourceType.SCHEDULER_SOURCE ? this.#store.schedulers : this.#store.seedPeers;
  }
}

function keyOf({ hostname, ip, clusterId }: KeepAliveRequest): ServiceKey {
  return { hostname, ip, clusterId };
}

function identityOf({ sourceType, hostname, ip, clusterId }: KeepAliveRequest): string {
  return [sourceType, clusterId, ip, hostname].join(" ");
}
