import { orAbort } from "./or_abort.ts";

/** A call that runs, and how many wait for it. */
interface Running<T> {
  readonly result: Promise<T>;
  readonly limit: AbortController;
  waiting: number;
}

/** One call for all who want the same at the same time. */
export class SharedCalls<T> {
  readonly #running = new Map<string, Running<T>>();

  /**
   * What the running call with this key gives; without one `call` is begun. The signal it gets aborts when nobody waits
   * any more. Throws what the call throws, and the reason of `signal`.
   */
  async join(key: string, call: (signal: AbortSignal) => Promise<T>, signal: AbortSignal): Promise<T> {
    const running = this.#running.get(key) ?? this.#begin(key, call);
    running.waiting++;
    try {
      return await orAbort(running.result, signal);
    } finally {
      running.waiting--;
      if (running.waiting === 0) {
        this.#running.delete(key);
        running.limit.abort(new DOMException("Nobody waits for the call any more", "AbortError"));
      }
    }
  }

  #begin(key: string, call: (signal: AbortSignal) => Promise<T>): Running<T> {
    const limit = new AbortController();
    const running = { result: call(limit.signal), limit, waiting: 0 };
    this.#running.set(key, running);
    return running;
  }
}
