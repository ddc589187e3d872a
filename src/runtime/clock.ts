import { DamselflyError } from "../core/error.ts";
import { forNobody } from "./tracing.ts";

/** A limit of time: `signal` aborts when it is over; disposing it stops the timer. */
export interface Deadline extends Disposable {
  readonly signal: AbortSignal;
}

/** Time as an argument. All durations are milliseconds; one beyond 24 days may end after 24 days. */
export interface Clock {
  /** Monotonic time; only differences mean something. */
  now(): number;
  /** Time since the Unix epoch, for what people or other machines read. */
  wallMs(): number;
  /** Resolves after `ms`; rejects with the signal's reason when that comes first. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
  /** A signal that aborts after `ms` with a {@link DamselflyError} `timeout`. */
  deadline(ms: number): Deadline;
  /** Calls `run` every `ms` until disposed. It does not keep the process alive. */
  every(ms: number, run: () => void): Disposable;
}

/** The reason a {@link Deadline} aborts with. */
export function timeoutError(ms: number): DamselflyError {
  return new DamselflyError("timeout", `Time limit of ${ms} ms is over`);
}

/** The longest timer of the platform, 24.8 days. A longer one would fire at once. */
const TIMER_MS_MAX = 2 ** 31 - 1;

function timerMs(ms: number): number {
  return Math.min(ms, TIMER_MS_MAX);
}

/** The clock of the machine. */
export function realClock(): Clock {
  return {
    now: () => performance.now(),
    wallMs: () => Date.now(),
    sleep(ms, signal) {
      return new Promise((resolve, reject) => {
        if (signal.aborted) return reject(signal.reason);
        const onAbort = () => {
          clearTimeout(timer);
          reject(signal.reason);
        };
        const timer = setTimeout(() => {
          signal.removeEventListener("abort", onAbort);
          resolve();
        }, timerMs(ms));
        signal.addEventListener("abort", onAbort, { once: true });
      });
    },
    deadline(ms) {
      const controller = new AbortController();
      const timer = setTimeout(() => controller.abort(timeoutError(ms)), timerMs(ms));
      return { signal: controller.signal, [Symbol.dispose]: () => clearTimeout(timer) };
    },
    every(ms, run) {
      const timer = forNobody(() => setInterval(run, timerMs(ms)));
      Deno.unrefTimer(timer);
      return { [Symbol.dispose]: () => clearInterval(timer) };
    },
  };
}
