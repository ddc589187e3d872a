const MIB = 1024 * 1024;

/** Bytes for people: `27.3 MiB`, far below that in KiB, from 10,000 MiB on in GiB, and from 10,000 GiB on in TiB. */
export function formatBytes(bytes: number): string {
  if (bytes === 0) return "0";
  if (bytes >= 10_000 * 1024 * MIB) return `${(bytes / MIB / 1024 / 1024).toFixed(1)} TiB`;
  if (bytes >= 10_000 * MIB) return `${(bytes / MIB / 1024).toFixed(1)} GiB`;
  return bytes < MIB / 10 ? `${(bytes / 1024).toFixed(1)} KiB` : `${(bytes / MIB).toFixed(1)} MiB`;
}

/** A time for people: `740 ms`, `1.52 s`. */
export function formatMs(ms: number): string {
  return ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(2)} s`;
}
