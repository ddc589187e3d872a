import type { Clock } from "../../runtime/clock.ts";

/** Does something again and again, and never twice at a time: while it lasts longer, rounds are left out. */
export class Rounds implements AsyncDisposable {
  readonly #stop = new AbortController();
  readonly #timer: Disposable;
  #round: Promise<void> | undefined;

  /** `round` must not throw. */
  constructor(clock: Clock, intervalMs: number, round: () => Promise<void>) {
    this.#timer = clock.every(intervalMs, () => {
      this.#round ??= round().finally(() => this.#round = undefined);
    });
  }

  /** Aborts when this is disposed, which then waits for the round that is under way. */
  get signal(): AbortSignal {
    return this.#stop.signal;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#timer[Symbol.dispose]();
    this.#stop.abort();
    await this.#round;
  }
}
