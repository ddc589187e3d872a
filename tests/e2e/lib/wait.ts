/** Bounded waiting for programs that are not ours and announce readiness in no better way than by answering. */
import { realClock } from "../../../src/runtime/clock.ts";

const PROBE_INTERVAL_MS = 50;

/** Looks once; undefined, or an error, means "not yet". `signal` aborts when the time for waiting is over. */
export type Probe<T> = (signal: AbortSignal) => Promise<T | undefined> | T | undefined;

/** Thrown by a probe to say that waiting is pointless; {@link waitFor} rejects with its cause. */
export class Abandon extends Error {
  constructor(cause: Error) {
    super(cause.message, { cause });
  }
}

/** Monotonic milliseconds since the call, for timings that a test prints. */
export function stopwatch(): () => number {
  const clock = realClock();
  const start = clock.now();
  return () => Math.round(clock.now() - start);
}

/** Calls `probe` until it returns something other than undefined, and returns that; its last error is the cause. */
export async function waitFor<T>(what: string, timeoutMs: number, probe: Probe<T>): Promise<T> {
  const clock = realClock();
  using deadline = clock.deadline(timeoutMs);
  let lastError: unknown;
  while (!deadline.signal.aborted) {
    try {
      const answer = await probe(deadline.signal);
      if (answer !== undefined) return answer;
      lastError = undefined;
    } catch (error) {
      if (error instanceof Abandon) throw error.cause;
      if (!deadline.signal.aborted) lastError = error;
    }
    await clock.sleep(PROBE_INTERVAL_MS, deadline.signal).catch(() => {});
  }
  const why = lastError instanceof Error ? `: ${lastError.message}` : "";
  throw new Error(`Cannot wait longer than ${timeoutMs} ms for ${what}${why}`, { cause: lastError });
}
