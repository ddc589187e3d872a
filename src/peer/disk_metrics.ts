import type { Disk } from "../runtime/disk.ts";
import type { Metrics } from "../runtime/metrics.ts";

/** Measures the volume of a directory, under Dragonfly's names; what cannot be known stays as it was. */
export function diskMeasure(
  { disk, metrics }: { readonly disk: Pick<Disk, "space">; readonly metrics: Metrics },
  directory: string,
): () => Promise<void> {
  const total = metrics.gauge("dragonfly_client_disk_space_total", "Bytes of the volume of the storage.");
  const used = metrics.gauge("dragonfly_client_disk_usage_space_total", "Bytes of it that are in use, by whomever.");
  return async () => {
    const space = await disk.space(directory).catch(() => undefined);
    if (space === undefined) return;
    total.set({}, space.totalBytes);
    used.set({}, space.totalBytes - space.freeBytes);
  };
}
