import { DamselflyError } from "../../core/error.ts";

/** Lets a few through at a time and keeps a limited number waiting, so that costly work cannot pile up. */
export class Turnstile {
  readonly #runningMax: number;
  readonly #waitingMax: number;
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  constructor({ runningMax, waitingMax }: { readonly runningMax: number; readonly waitingMax: number }) {
    this.#runningMax = runningMax;
    this.#waitingMax = waitingMax;
  }

  /** Runs `work` when it is its turn. Fails with `unavailable` when too many wait. */
  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#running < this.#runningMax) this.#running++;
    else await this.#turn();
    try {
      return await work();
    } finally {
      // Who waits takes over the place, so that nobody slips in between.
      const next = this.#waiting.shift();
      if (next === undefined) this.#running--;
      else next();
    }
  }

  #turn(): Promise<void> {
    if (this.#waiting.length >= this.#waitingMax) {
      throw new DamselflyError("unavailable", "Cannot check passwords: too many people sign in at once, try again");
    }
    return new Promise((resolve) => this.#waiting.push(resolve));
  }
}
