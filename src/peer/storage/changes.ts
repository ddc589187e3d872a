/** Whoever waits for one ring after the other; disposing it ends that. */
export interface Follower extends Disposable {
  /** Resolves at the next ring; rejects like {@link Changes.next}. One waits at a time. */
  next(): Promise<void>;
}

type Wake = (failure?: { readonly error: unknown }) => void;

/** A bell: whoever waits wakes at the next ring. */
export class Changes {
  readonly #waiting = new Set<Wake>();

  ring(): void {
    this.#wake();
  }

  /** Tells those who wait now that it will not ring; who waits later does not know. */
  fail(error: unknown): void {
    this.#wake({ error });
  }

  #wake(failure?: { readonly error: unknown }): void {
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const wake of waiting) wake(failure);
  }

  /** Resolves at the next ring; rejects with the signal's reason, or that of {@link fail}, when that comes first. */
  next(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason);
      const onAbort = () => {
        this.#waiting.delete(wake);
        reject(signal.reason);
      };
      const wake: Wake = (failure) => {
        signal.removeEventListener("abort", onAbort);
        if (failure === undefined) resolve();
        else reject(failure.error);
      };
      this.#waiting.add(wake);
      signal.addEventListener("abort", onAbort, { once: true });
    });
  }

  /** For waits that follow each other: to listen to the signal for each of them costs more than all the rest. */
  follow(signal: AbortSignal): Follower {
    let waiter: PromiseWithResolvers<void> | undefined;
    const wake: Wake = (failure) => {
      if (failure === undefined) waiter?.resolve();
      else waiter?.reject(failure.error);
      waiter = undefined;
    };
    const onAbort = () => {
      this.#waiting.delete(wake);
      wake({ error: signal.reason });
    };
    signal.addEventListener("abort", onAbort, { once: true });
    return {
      next: () => {
        if (signal.aborted) return Promise.reject(signal.reason);
        waiter = Promise.withResolvers();
        this.#waiting.add(wake);
        return waiter.promise;
      },
      [Symbol.dispose]: () => {
        signal.removeEventListener("abort", onAbort);
        this.#waiting.delete(wake);
      },
    };
  }
}
