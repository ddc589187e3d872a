import { type Clock, type Deadline, timeoutError } from "../runtime/clock.ts";

interface Timer {
  readonly at: number;
  readonly sequence: number;
  readonly fire: () => void;
  isOver: boolean;
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
  #sequence = 0;
  readonly #timers = new TimerHeap();
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
    const last = this.#sequence;
    do this.#timers.take()?.fire(); while (this.#grainMs > 0 && this.#timers.isDue(at, last));
  }

  #add(ms: number, fire: () => void): Timer {
    const exact = this.#now + Math.max(0, ms);
    const at = this.#grainMs > 0 ? Math.ceil(exact / this.#grainMs) * this.#grainMs : exact;
    const timer = { at, sequence: this.#sequence++, fire, isOver: false };
    this.#timers.add(timer);
    return timer;
  }
}

/** Timers, the next one first. What is cancelled stays in the heap until its time has come. */
class TimerHeap {
  readonly #heap: Timer[] = [];
  #size = 0;

  get size(): number {
    return this.#size;
  }

  add(timer: Timer): void {
    this.#size++;
    let at = this.#heap.push(timer) - 1;
    while (at > 0) {
      const above = (at - 1) >> 1;
      const other = this.#heap[above] as Timer;
      if (isBefore(other, timer)) break;
      this.#heap[at] = other;
      at = above;
    }
    this.#heap[at] = timer;
  }

  cancel(timer: Timer): void {
    if (timer.isOver) return;
    timer.isOver = true;
    this.#size--;
  }

  /** When the next timer fires. */
  nextAt(): number | undefined {
    while (this.#heap[0]?.isOver === true) this.#pop();
    return this.#heap[0]?.at;
  }

  /** Whether one fires at `at` that was made before the one numbered `last`. */
  isDue(at: number, last: number): boolean {
    return this.nextAt() === at && (this.#heap[0]?.sequence ?? last) < last;
  }

  /** Takes out the next timer. */
  take(): Timer | undefined {
    if (this.nextAt() === undefined) return undefined;
    const timer = this.#pop() as Timer;
    this.cancel(timer);
    return timer;
  }

  #pop(): Timer | undefined {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (last === undefined || last === first) return first;
    let at = 0;
    while (true) {
      let below = 2 * at + 1;
      if (below >= heap.length) break;
      if (below + 1 < heap.length && isBefore(heap[below + 1] as Timer, heap[below] as Timer)) below++;
      const other = heap[below] as Timer;
      if (isBefore(last, other)) break;
      heap[at] = other;
      at = below;
    }
    heap[at] = last;
    return first;
  }
}

function isBefore(a: Timer, b: Timer): boolean {
  return a.at < b.at || (a.at === b.at && a.sequence < b.sequence);
}
