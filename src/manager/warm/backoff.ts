import type { Random } from "../../runtime/random.ts";

const FIRST_MS = 60_000;
const MAX_MS = 60 * 60_000;
/** By how much a wait differs by chance, so that what failed together is not tried again together. */
const JITTER = 0.1;

/** `ms`, some percent more or less. */
export function jittered(ms: number, random: Random): number {
  return Math.round(ms * (1 - JITTER + 2 * JITTER * random.float()));
}

/** How long to wait after so many failures one after another: `firstMs`, then twice as long each time, up to an hour. */
export function backoffMs(failures: number, random: Random, firstMs = FIRST_MS): number {
  const ms = firstMs * 2 ** Math.min(Math.max(failures, 1) - 1, 16);
  return jittered(Math.min(ms, Math.max(MAX_MS, firstMs)), random);
}
