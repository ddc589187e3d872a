import { DamselflyError } from "../core/error.ts";

/**
 * A bounded queue between somebody who produces and one who iterates. A full queue makes the producer wait, or tells
 * him; nothing is ever dropped. Made for handlers that answer a stream from several places.
 */
export class AsyncQueue<T> implements AsyncIterable<T> {
  readonly #itemsMax: number;
  readonly #items: T[] = [];
  #end: { readonly error: unknown } | "closed" | undefined;
  /** Producers that wait for room, if there are any. */
  #changed: PromiseWithResolvers<void> | undefined;
  /** The consumer that waits for an item. */
  #taker: PromiseWithResolvers<IteratorResult<T, void>> | undefined;

  /** A queue that holds up to `itemsMax` items that nobody has taken yet. */
  constructor(itemsMax: number) {
    this.#itemsMax = itemsMax;
  }

  /** How many items wait to be taken. */
  get length(): number {
    return this.#items.length;
  }

  /** Adds an item if there is room; false when there is none, or the queue is at its end. */
  tryPush(item: T): boolean {
    if (this.#end !== undefined || this.#items.length >= this.#itemsMax) return false;
    const taker = this.#taker;
    this.#taker = undefined;
    if (taker === undefined) this.#items.push(item);
    else taker.resolve({ done: false, value: item });
    return true;
  }

  /**
   * Adds an item once there is room. Rejects with the signal's reason when that aborts first, and with `cancelled`
   * when the queue ends first.
   */
  async push(item: T, signal: AbortSignal): Promise<void> {
    while (!this.tryPush(item)) {
      signal.throwIfAborted();
      if (this.#end !== undefined) throw new DamselflyError("cancelled", "Cannot add to the queue: it has ended");
      await this.#untilChanged(signal);
    }
  }

  /** No more items: the iteration ends after those that wait. */
  close(): void {
    this.#finish("closed");
  }

  /** No more items: the iteration fails with `error` after those that wait. */
  fail(error: unknown): void {
    this.#finish({ error });
  }

  /** Takes the items in order; leaving the loop early ends the queue. For one consumer. */
  [Symbol.asyncIterator](): AsyncIterator<T, void, undefined> {
    return {
      next: () => this.#next(),
      return: () => {
        this.#leave();
        return Promise.resolve({ done: true, value: undefined });
      },
    };
  }

  #next(): Promise<IteratorResult<T, void>> {
    if (this.#items.length > 0) {
      const value = this.#items.shift() as T;
      this.#wake();
      return Promise.resolve({ done: false, value });
    }
    if (this.#end !== undefined) return this.#ended();
    this.#taker ??= Promise.withResolvers();
    return this.#taker.promise;
  }

  /** The failure is told once. */
  #ended(): Promise<IteratorResult<T, void>> {
    const end = this.#end;
    this.#leave();
    if (end === "closed" || end === undefined) return Promise.resolve({ done: true, value: undefined });
    this.#end = "closed";
    return Promise.reject(end.error);
  }

  #leave(): void {
    this.#items.length = 0;
    this.close();
  }

  #finish(end: { readonly error: unknown } | "closed"): void {
    this.#end ??= end;
    this.#wake();
    const taker = this.#taker;
    this.#taker = undefined;
    if (taker !== undefined) this.#ended().then(taker.resolve, taker.reject);
  }

  #wake(): void {
    this.#changed?.resolve();
    this.#changed = undefined;
  }

  #nextChange(): Promise<void> {
    this.#changed ??= Promise.withResolvers<void>();
    return this.#changed.promise;
  }

  #untilChanged(signal: AbortSignal): Promise<void> {
    const changed = this.#nextChange();
    return new Promise((resolve, reject) => {
      const onAbort = () => reject(signal.reason);
      signal.addEventListener("abort", onAbort, { once: true });
      changed.then(() => {
        signal.removeEventListener("abort", onAbort);
        resolve();
      });
    });
  }
}
