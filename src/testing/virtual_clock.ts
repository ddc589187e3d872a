import { type Clock, type Deadline, timeoutError } from "../runtime/clock.ts";

interface Timer {
  readonly at: number;
  readonly sequence: number;
  readonly fire: () => void;
}

/** Callbacks of promises that are already settled run before the next timer fires: one zero timer of the real runtime. */
export function settle(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}

/** Time that only moves when a test says so. Timers fire in the order of their time, then of their creation. */
export class VirtualClock implements Clock {
  #now = 0;
  #sequence = 0;
  readonly #timers = new Set<Timer>();
  readonly #epochMs: number;

  /** `epochMs` is the wall time at which virtual time begins. */
  constructor(epochMs = 1_700_000_000_000) {
    this.#epochMs = epochMs;
  }

  now(): number {
    return this.#now;
  }

  wallMs(): number {
    return this.#epochMs + this.#now;
  }

  /** How many timers wait. */
  get pendingTimers(): number {
    return this.#timers.size;
  }

  sleep(ms: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason);
      const onAbort = () => {
        this.#timers.delete(timer);
        reject(signal.reason);
      };
      const timer = this.#add(ms, () => {
        signal.removeEventListener("abort", onAbort);
        resolve();
      });
      signal.addEventListener("abort", onAbort, { once: true });
    });
  }

  deadline(ms: number): Deadline {
    const controller = new AbortController();
    const timer = this.#add(ms, () => controller.abort(timeoutError(ms)));
    return { signal: controller.signal, [Symbol.dispose]: () => void this.#timers.delete(timer) };
  }

  every(ms: number, run: () => void): Disposable {
    let timer: Timer;
    const schedule = () => {
      timer = this.#add(ms, () => {
        schedule();
        run();
      });
    };
    schedule();
    return { [Symbol.dispose]: () => void this.#timers.delete(timer) };
  }

  /** Moves time forward by `ms`; in between, all that the fired timers set going runs dry. */
  async advance(ms: number): Promise<void> {
    const end = this.#now + ms;
    await settle();
    for (let next = this.#next(end); next !== undefined; next = this.#next(end)) {
      this.#timers.delete(next);
      this.#now = Math.max(this.#now, next.at);
      next.fire();
      await settle();
    }
    this.#now = end;
  }

  #add(ms: number, fire: () => void): Timer {
    const timer = { at: this.#now + Math.max(0, ms), sequence: this.#sequence++, fire };
    this.#timers.add(timer);
    return timer;
  }

  #next(end: number): Timer | undefined {
    let next: Timer | undefined;
    for (const timer of this.#timers) {
      if (timer.at > end) continue;
      if (next === undefined || timer.at < next.at || (timer.at === next.at && timer.sequence < next.sequence)) {
        next = timer;
      }
    }
    return next;
  }
}
