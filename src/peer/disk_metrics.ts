import type { Disk } from "../runtime/disk.ts";
import type { Clock } from "../runtime/clock.ts";
import { orAbort } from "../runtime/or_abort.ts";
import type { Metrics } from "../runtime/metrics.ts";

/** A volume that does not answer, such as one of a server that is away, keeps nobody from all other metrics. */
const SPACE_TIMEOUT_MS = 1_000;

/**
 * Measures the volume of a directory, under Dragonfly's names; what cannot be known, or not within a second, stays as it
 * was.
 */
export function diskMeasure(
  { disk, metrics, clock }: { readonly disk: Pick<Disk, "space">; readonly metrics: Metrics; readonly clock: Clock },
  directory: string,
): () => Promise<void> {
  const total = metrics.gauge("dragonfly_client_disk_space_total", "Bytes of the volume of the storage.");
  const used = metrics.gauge("dragonfly_client_disk_usage_space_total", "Bytes of it that are in use, by whomever.");
  /** One question at a time: each that hangs holds a thread. */
  let asking: Promise<void> | undefined;
  const ask = async () => {
    const space = await disk.space(directory).catch(() => undefined);
    asking = undefined;
    if (space === undefined) return;
    total.set({}, space.totalBytes);
    used.set({}, space.totalBytes - space.freeBytes);
  };
  return async () => {
    using limit = clock.deadline(SPACE_TIMEOUT_MS);
    await orAbort(asking ??= ask(), limit.signal).catch(() => {});
  };
}
