/** What several tests of calls need. */
import { realClock } from "../../runtime/clock.ts";

/** The real clock: calls run on real sockets. */
export const clock = realClock();

/** Options of a call that should be over long before its limit, on a machine with far too much to do as well. */
export const limited = { signal: new AbortController().signal, timeoutMs: 300_000 };

/** Any free port on the loopback. */
export const loopback = { hostname: "127.0.0.1", port: 0 };

/** An endless wait that ends with the call. */
export function untilAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener("abort", () => reject(signal.reason));
  });
}
