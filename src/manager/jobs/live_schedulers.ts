import { DamselflyError } from "../../core/error.ts";
import type { Clock } from "../../runtime/clock.ts";
import { isLive } from "../store/liveness.ts";
import type { SchedulerRecord } from "../store/services.ts";
import type { Store } from "../store/store.ts";

/** The live schedulers of each scheduler cluster. */
export type LiveSchedulers = ReadonlyMap<number, readonly SchedulerRecord[]>;

/** Those of the clusters that are named, or of all. Throws `failed_precondition` where there is none. */
export async function liveSchedulers(
  { store, clock }: { readonly store: Store; readonly clock: Clock },
  ids: readonly number[],
): Promise<LiveSchedulers> {
  const now = clock.wallMs();
  const live = (await store.schedulers.all()).filter((scheduler) => isLive(scheduler, now));
  const clusters = Map.groupBy(live, ({ clusterId }) => clusterId);
  const missing = ids.find((id) => !clusters.has(id));
  if (clusters.size === 0 || missing !== undefined) {
    const where = missing === undefined ? "" : ` in scheduler cluster ${missing}`;
    throw new DamselflyError("failed_precondition", `active schedulers not found${where}`);
  }
  return ids.length === 0 ? clusters : new Map([...clusters].filter(([id]) => ids.includes(id)));
}
