/** Bounded waiting for programs that are not ours and announce readiness in no better way than by answering. */
import { realClock } from "../../../src/runtime/clock.ts";

const PROBE_INTERVAL_MS = 50;
const NEVER = new AbortController().signal;

/** Monotonic milliseconds, for timings that a test prints. */
export function stopwatch(): () => number {
  const clock = realClock();
  const start = clock.now();
  return () => Math.round(clock.now() - start);
}

/**
 * Calls `probe` until it returns something other than undefined, and returns that. A probe that throws counts as
 * "not yet"; its last error is the cause of the final one.
 */
export async function waitFor<T>(
  what: string,
  timeoutMs: number,
  probe: () => Promise<T | undefined> | T | undefined,
): Promise<T> {
  const clock = realClock();
  const elapsedMs = stopwatch();
  let lastError: unknown;
  while (elapsedMs() < timeoutMs) {
    try {
      const answer = await probe();
      if (answer !== undefined) return answer;
    } catch (error) {
      if (error instanceof Abandon) throw error.cause;
      lastError = error;
    }
    await clock.sleep(PROBE_INTERVAL_MS, NEVER);
  }
  throw new Error(`Cannot wait longer than ${timeoutMs} ms for ${what}`, { cause: lastError });
}

/** Thrown by a probe to say that waiting is pointless; {@link waitFor} rejects with its cause. */
export class Abandon extends Error {
  constructor(cause: Error) {
    super(cause.message, { cause });
  }
}
