import { setImmediate } from "node:timers";
import type { Clock } from "../../runtime/clock.ts";
import type { Log } from "../../runtime/log.ts";
import type { Metrics } from "../../runtime/metrics.ts";

/** Metrics that nobody reads. */
export const NO_METRICS: Metrics = {
  counter: () => ({ inc: () => {} }),
  gauge: () => ({ set: () => {}, inc: () => {}, dec: () => {} }),
  histogram: () => ({ observe: () => {} }),
  expose: () => Promise.resolve(""),
};

/** Hears what is said, with the virtual time. */
export type LineListener = (nowMs: number, level: string, message: string, fields: unknown) => void;

/** What a simulated cluster has to say: warnings and errors by their text, and how often. */
export class SimLog implements Log {
  readonly counts = new Map<string, number>();
  /** Called with each line, at every level. */
  onLine: LineListener | undefined;

  readonly #clock: Pick<Clock, "now">;

  constructor(clock: Pick<Clock, "now">) {
    this.#clock = clock;
  }

  debug(message: string, fields?: unknown): void {
    this.onLine?.(this.#clock.now(), "debug", message, fields);
  }

  info(message: string, fields?: unknown): void {
    this.#note("info", message, fields);
  }

  warn(message: string, fields?: unknown): void {
    this.#note("warn", message, fields);
  }

  error(message: string, fields?: unknown): void {
    this.#note("error", message, fields);
  }

  child(): Log {
    return this;
  }

  #note(level: string, message: string, fields: unknown): void {
    const key = `${level}: ${message}`;
    this.counts.set(key, (this.counts.get(key) ?? 0) + 1);
    this.onLine?.(this.#clock.now(), level, message, fields);
  }
}

/** Lets everything run dry that waits for nothing but promises. In a simulation nothing else is waited for. */
export function settleAll(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
