const MIB = 1024 * 1024;
const LEVEL_MAX = 20;

/** The size of a task as Dragonfly's metrics label it: level n is up to 2^(n-1) MiB, 0 when it is not known. */
export function sizeLevel(bytes: number | undefined): number {
  if (bytes === undefined) return 0;
  let level = 1;
  while (level < LEVEL_MAX && bytes > MIB * 2 ** (level - 1)) level++;
  return level;
}

/** The buckets of Dragonfly's durations in milliseconds: 1 ms to 2 h 20 min. */
export const DURATION_BUCKETS_MS: readonly number[] = Array.from({ length: 24 }, (_, n) => 2 ** n);
