import { DamselflyError } from "../../core/error.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { Log } from "../../runtime/log.ts";
import type { Store } from "../store/store.ts";
import { liveSchedulers } from "./live_schedulers.ts";
import type { PeerSync } from "./sync_peers.ts";

const TURN = "sync_peers";
/** How often a manager looks whether the peers shall be counted. */
const LOOK_INTERVAL_MS = 60_000;
/** When it is tried again after it failed, or when there was nobody to ask. */
const RETRY_MS = 5 * 60_000;

/** `job.syncPeers` of the configuration, in milliseconds. */
export interface PeerSyncTimes {
  readonly interval: number;
  readonly timeout: number;
}

/** What {@link syncPeersInTurn} works with. */
export interface PeerSyncTurnOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Log;
}

/** Synchronizes peers by the clock, where no other manager of the database has just done it. Disposing it ends that. */
export function syncPeersInTurn(
  sync: PeerSync,
  options: PeerSyncTurnOptions,
  { interval: everyMs, timeout: timeoutMs }: PeerSyncTimes,
): AsyncDisposable {
  const { store, clock, log } = options;
  const stop = new AbortController();
  const takeTurn = async () => {
    if (!await store.turns.take(TURN, { everyMs, holdMs: timeoutMs + RETRY_MS })) return;
    using limit = clock.deadline(timeoutMs);
    let nextMs = RETRY_MS;
    try {
      await sync.run(await liveSchedulers(options, []), AbortSignal.any([stop.signal, limit.signal]));
      nextMs = everyMs;
    } finally {
      await store.turns.next(TURN, nextMs);
    }
  };
  let round: Promise<void> | undefined;
  const look = () => {
    round ??= takeTurn()
      .catch((error) => {
        // Without a scheduler there is nothing to count: so it is at a first start.
        const isIdle = error instanceof DamselflyError && error.code === "failed_precondition";
        if (!isIdle && !stop.signal.aborted) {
          log.warn("Peers could not be synchronized, which is tried again", { error });
        }
      })
      .finally(() => round = undefined);
  };
  look();
  const timer = clock.every(LOOK_INTERVAL_MS, look);
  return {
    async [Symbol.asyncDispose]() {
      timer[Symbol.dispose]();
      stop.abort(new DamselflyError("unavailable", "The manager stops"));
      await round;
    },
  };
}
