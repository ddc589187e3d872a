import type { Clock } from "../../runtime/clock.ts";
import type { Log } from "../../runtime/log.ts";
import type { Store } from "../store/store.ts";

/** How often it is looked for dead services (wire.md §5.2). */
const SWEEP_INTERVAL_MS = 60 * 60_000;
/** Services that said nothing for so long are removed; never shorter than the longest silence of a live one. */
const SILENCE_MAX_MS = 30 * 60_000;

/** What the sweep works on. */
export interface DeadServicesOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * Removes schedulers and seed peers that are gone for good, such as those of pods that came back with another IP, until
 * it is disposed. The first time is one interval after the start: after a long stop of the manager all look dead.
 */
export function removeDeadServices({ store, clock, log }: DeadServicesOptions): Disposable {
  return clock.every(SWEEP_INTERVAL_MS, () => {
    sweep(store).then(
      (removed) => {
        if (removed.schedulers + removed.seedPeers > 0) log.info("Removed dead services", removed);
      },
      (error) => log.error("Dead services could not be removed", { error }),
    );
  });
}

async function sweep(store: Store): Promise<{ schedulers: number; seedPeers: number }> {
  return {
    schedulers: await store.schedulers.removeSilent(SILENCE_MAX_MS),
    seedPeers: await store.seedPeers.removeSilent(SILENCE_MAX_MS),
  };
}
