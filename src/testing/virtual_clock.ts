import { Heap } from "../core/heap.ts";
import { type Clock, type Deadline, timeoutError } from "../runtime/clock.ts";

interface Timer {
  readonly at: number;
  /** Undefined once it has fired or was cancelled: what it would have done need not be kept in memory. */
  fire: (() => void) | undefined;
}

/** Callbacks of promises that are already settled run before the next timer fires: one zero timer of the real runtime. */
export function settle(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}

/** What is other than usual in a {@link VirtualClock}. */
export interface VirtualClockOptions {
  /** The wall time at which virtual time begins. */
  readonly epochMs?: number;
  /** Timers fire at multiples of so many milliseconds, all those of one moment together. 0: each one by itself. */
  readonly grainMs?: number;
  /** Waits until all that the fired timers set going has run dry. */
  readonly settle?: () => Promise<void>;
}

/** Time that only moves when a test says so. Timers fire in the order of their time, then of their creation. */
export class VirtualClock implements Clock {
  #now = 0;
  #wallShiftMs = 0;
  readonly #timers = new TimerQueue();
  readonly #epochMs: number;
  readonly #grainMs: number;
  readonly #settle: () => Promise<void>;

  constructor(options: VirtualClockOptions = {}) {
    this.#epochMs = options.epochMs ?? 1_700_000_000_000;
    this.#grainMs = options.grainMs ?? 0;
    this.#settle = options.settle ?? settle;
  }

  now(): number {
    return this.#now;
  }

  wallMs(): number {
    return Math.floor(this.#epochMs + this.#now + this.#wallShiftMs);
  }

  /** How many timers wait. */
  get pendingTimers(): number {
    return this.#timers.size;
  }

  /** Somebody sets the wall clock; monotonic time goes on as it did. */
  jump(ms: number): void {
    this.#wallShiftMs += ms;
  }

  sleep(ms: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason);
      const onAbort = () => {
        this.#timers.cancel(timer);
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
    return { signal: controller.signal, [Symbol.dispose]: () => this.#timers.cancel(timer) };
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
    return { [Symbol.dispose]: () => this.#timers.cancel(timer) };
  }

  /** Calls `run` once, after `ms`. */
  after(ms: number, run: () => void): Disposable {
    const timer = this.#add(ms, run);
    return { [Symbol.dispose]: () => this.#timers.cancel(timer) };
  }

  /** Moves time forward by `ms`; in between, all that the fired timers set going runs dry. */
  async advance(ms: number): Promise<void> {
    await this.advanceUntil(ms, () => false);
  }

  /** The same, but stops as soon as `isDone`; whether that was before the time was over. */
  async advanceUntil(ms: number, isDone: () => boolean): Promise<boolean> {
    const end = this.#now + ms;
    await this.#settle();
    while (!isDone()) {
      const at = this.#timers.nextAt();
      if (at === undefined || at > end) {
        this.#now = end;
        return false;
      }
      this.#now = Math.max(this.#now, at);
      this.#fire(at);
      await this.#settle();
    }
    return true;
  }

  /** Fires what is due at `at`: with a grain all that waits by now, else the first. */
  #fire(at: number): void {
    let count = this.#grainMs > 0 ? this.#timers.countAt(at) : 1;
    while (count-- > 0) this.#timers.take(at)?.();
  }

  #add(ms: number, fire: () => void): Timer {
    const exact = this.#now + Math.max(0, ms);
    const at = this.#grainMs > 0 ? Math.ceil(exact / this.#grainMs) * this.#grainMs : exact;
    return this.#timers.add(at, fire);
  }
}

/** Timers of one moment, in the order of their creation; those before `taken` are over. */
interface Moment {
  readonly at: number;
  readonly timers: Timer[];
  taken: number;
}

/** Timers by their moments, the next one first: many share one, so that only moments are kept in a heap. */
class TimerQueue {
  readonly #moments = new Map<number, Moment>();
  readonly #heap = new Heap<Moment>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  add(at: number, fire: () => void): Timer {
    this.#size++;
    const timer: Timer = { at, fire };
    const moment = this.#moments.get(at);
    if (moment !== undefined) {
      moment.timers.push(timer);
      return timer;
    }
    const next = { at, timers: [timer], taken: 0 };
    this.#moments.set(at, next);
    this.#heap.add(next);
    return timer;
  }

  cancel(timer: Timer): void {
    if (timer.fire === undefined) return;
    timer.fire = undefined;
    this.#size--;
  }

  /** When the next timer fires. */
  nextAt(): number | undefined {
    for (let moment = this.#heap.first; moment !== undefined; moment = this.#heap.first) {
      const { timers } = moment;
      while (moment.taken < timers.length && timers[moment.taken]?.fire === undefined) moment.taken++;
      if (moment.taken < timers.length) return moment.at;
      this.#heap.take();
      this.#moments.delete(moment.at);
    }
    return undefined;
  }

  /** How many are left of a moment, with those that were cancelled. */
  countAt(at: number): number {
    const moment = this.#moments.get(at);
    return moment === undefined ? 0 : moment.timers.length - moment.taken;
  }

  /** Takes out the next timer of a moment; undefined when it was cancelled. */
  take(at: number): (() => void) | undefined {
    const moment = this.#moments.get(at);
    const timer = moment?.timers[moment.taken];
    if (moment === undefined || timer === undefined) return undefined;
    moment.taken++;
    const { fire } = timer;
    this.cancel(timer);
    return fire;
  }
}
