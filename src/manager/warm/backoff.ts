import type { Random } from "../../runtime/random.ts";

const FIRST_MS = 60_000;
const MAX_MS = 60 * 60_000;
/** More would be beyond any wait, and beyond what numbers hold. */
const DOUBLINGS_MAX = 16;
/** By how much a wait differs by chance, so that what failed together is not tried again together. */
const JITTER = 0.1;

/** `ms`, some percent more or less. */
export function jittered(ms: number, random: Random): number {
  return Math.round(ms * (1 - JITTER + 2 * JITTER * random.float()));
}

/** How long to wait after so many failures one after another: `firstMs`, then twice as long each time, up to `maxMs`. */
export function backoffMs(
  failures: number,
  random: Random,
  { firstMs = FIRST_MS, maxMs = MAX_MS }: { readonly firstMs?: number; readonly maxMs?: number } = {},
): number {
  const ms = firstMs * 2 ** Math.min(Math.max(failures, 1) - 1, DOUBLINGS_MAX);
  return jittered(Math.min(ms, Math.max(maxMs, firstMs)), random);
}
