import type { Clock } from "../../runtime/clock.ts";

/** What costs too much to be found out for each who asks: found out once, and told to all for a while. */
export class Remembered<T> {
  readonly #clock: Pick<Clock, "now">;
  readonly #lifetimeMs: number;
  readonly #read: () => Promise<T>;
  #known: { readonly value: Promise<T>; readonly untilMs: number } | undefined;

  constructor(clock: Pick<Clock, "now">, lifetimeMs: number, read: () => Promise<T>) {
    this.#clock = clock;
    this.#lifetimeMs = lifetimeMs;
    this.#read = read;
  }

  /** What was found out, or is being found out, less than the lifetime ago. A failure is told to those who wait, once. */
  get(): Promise<T> {
    const now = this.#clock.now();
    if (this.#known !== undefined && now < this.#known.untilMs) return this.#known.value;
    const known = { value: this.#read(), untilMs: now + this.#lifetimeMs };
    this.#known = known;
    known.value.catch(() => {
      if (this.#known === known) this.#known = undefined;
    });
    return known.value;
  }
}
