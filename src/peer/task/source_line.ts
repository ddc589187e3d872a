import { DamselflyError } from "../../core/error.ts";

/**
 * The way to the source, which may be taken before it is known to be the right one, and left again: whoever is first
 * serves. What it has brought by then stays. Disposing it leaves it.
 */
export class SourceLine implements AsyncDisposable {
  readonly #fetch: (signal: AbortSignal) => Promise<void>;
  readonly #signal: AbortSignal;
  readonly #complete = Promise.withResolvers<void>();
  #leave = new AbortController();
  #running: Promise<void> | undefined;

  /** `fetch` gets all that is missing from the source. */
  constructor(fetch: (signal: AbortSignal) => Promise<void>, signal: AbortSignal) {
    this.#fetch = fetch;
    this.#signal = signal;
  }

  /** Resolves when it has brought everything that was missing; it does not tell of a failure. */
  get complete(): Promise<void> {
    return this.#complete.promise;
  }

  /** Whether it has been taken, and not left again. */
  get isUnderWay(): boolean {
    return this.#running !== undefined;
  }

  /** Sets out, unless it is on its way. */
  start(): void {
    if (this.#running !== undefined) return;
    this.#leave = new AbortController();
    this.#running = this.#fetch(AbortSignal.any([this.#signal, this.#leave.signal]));
    this.#running.then(() => this.#complete.resolve(), () => {});
  }

  /** Goes to the end. Throws what fetching throws. */
  async finish(): Promise<void> {
    this.start();
    await this.#running;
  }

  /** Leaves it: somebody else serves. */
  async stop(): Promise<void> {
    const running = this.#running;
    if (running === undefined) return;
    this.#leave.abort(new DamselflyError("cancelled", "The source is not needed"));
    await running.catch(() => {});
    this.#running = undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}
