import type { Clock } from "../../runtime/clock.ts";

/** What costs too much to be found out for each who asks: found out once, and told to all for a while. */
export class Remembered<T> {
  readonly #clock: Pick<Clock, "now">;
  readonly #lifetimeMs: number;
  readonly #read: () => Promise<T>;
  #known: { readonly value: Promise<T>; readonly untilMs: number } | undefined;
  #isReading = false;

  constructor(clock: Pick<Clock, "now">, lifetimeMs: number, read: () => Promise<T>) {
    this.#clock = clock;
    this.#lifetimeMs = lifetimeMs;
    this.#read = read;
  }

  /**
   * What was found out less than the lifetime ago, or is being found out: whoever asks meanwhile waits for it too, however
   * long it takes. A failure is told to those who wait, and to nobody after them.
   */
  get(): Promise<T> {
    const now = this.#clock.now();
    if (this.#known !== undefined && (this.#isReading || now < this.#known.untilMs)) return this.#known.value;
    this.#isReading = true;
    const value = this.#read();
    this.#known = { value, untilMs: now + this.#lifetimeMs };
    value.then(() => this.#ended(), () => this.#ended({ hasFailed: true }));
    return value;
  }

  #ended({ hasFailed = false } = {}): void {
    this.#isReading = false;
    if (hasFailed) this.#known = undefined;
  }
}
