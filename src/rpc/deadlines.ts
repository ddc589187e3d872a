import type { Clock } from "../runtime/clock.ts";
import type { Log } from "../runtime/log.ts";

/** How late a deadline may be: they are looked at once in so long. */
const STEP_MS = 100;

/** What ends when its time is over. */
export interface Expiring {
  expire(): void;
}

/**
 * The deadlines of many calls, most of which end long before. A timer for each would cost more than a short call, and
 * timers that are taken back keep each other, and their calls, in memory until all of it is gone through: pauses that
 * other calls wait for. So there is one timer for all of them, as long as there are any.
 */
export class Deadlines implements Disposable {
  readonly #clock: Clock;
  readonly #log: Log;
  /** By the step in which they are over. */
  readonly #steps = new Map<number, Set<Expiring>>();
  #lastStep = 0;
  #timer: Disposable | undefined;

  /** `log` hears of an item that fails to end; the others end all the same. */
  constructor(clock: Clock, log: Log) {
    this.#clock = clock;
    this.#log = log;
  }

  /** Ends `item` when `ms` are over; the step is for {@link remove}. */
  add(ms: number, item: Expiring): number {
    if (this.#timer === undefined) {
      this.#lastStep = this.#step();
      this.#timer = this.#clock.every(STEP_MS, () => this.#expire());
    }
    const step = Math.max(this.#lastStep + 1, Math.ceil((this.#clock.now() + ms) / STEP_MS));
    const items = this.#steps.get(step);
    if (items === undefined) this.#steps.set(step, new Set([item]));
    else items.add(item);
    return step;
  }

  /** `item` has ended by itself. */
  remove(step: number, item: Expiring): void {
    const items = this.#steps.get(step);
    if (items?.delete(item) && items.size === 0) this.#steps.delete(step);
  }

  [Symbol.dispose](): void {
    this.#timer?.[Symbol.dispose]();
    this.#steps.clear();
  }

  #step(): number {
    return Math.floor(this.#clock.now() / STEP_MS);
  }

  #end(item: Expiring): void {
    try {
      item.expire();
    } catch (error) {
      this.#log.error("Something could not be ended when its time was over", { error });
    }
  }

  #expire(): void {
    for (const now = this.#step(); this.#lastStep < now;) {
      const items = this.#steps.get(++this.#lastStep);
      this.#steps.delete(this.#lastStep);
      for (const item of items ?? []) this.#end(item);
    }
    if (this.#steps.size > 0) return;
    this.#timer?.[Symbol.dispose]();
    this.#timer = undefined;
  }
}
