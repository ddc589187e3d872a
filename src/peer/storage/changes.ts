/** A bell: whoever waits wakes at the next ring. */
export class Changes {
  readonly #waiting = new Set<(failure?: { readonly error: unknown }) => void>();

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
      const wake = (failure?: { readonly error: unknown }) => {
        signal.removeEventListener("abort", onAbort);
        if (failure === undefined) resolve();
        else reject(failure.error);
      };
      this.#waiting.add(wake);
      signal.addEventListener("abort", onAbort, { once: true });
    });
  }
}
