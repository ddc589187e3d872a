import type { Clock } from "../../runtime/clock.ts";

/** How many attempts {@link AttemptLimit} allows, and of how many callers it knows at most. */
export interface AttemptLimitOptions {
  readonly attemptsMax: number;
  readonly windowMs: number;
  readonly keysMax: number;
}

interface Window {
  attempts: number;
  readonly endsAtMs: number;
}

/**
 * Counts failed attempts by key, in windows that begin with the first one. An attempt counts from its start, so that
 * many at once do not slip through. When it knows too many keys, it forgets the oldest.
 */
export class AttemptLimit {
  readonly #options: AttemptLimitOptions;
  readonly #clock: Clock;
  /** In the order in which the windows end. */
  readonly #windows = new Map<string, Window>();

  constructor(options: AttemptLimitOptions, clock: Clock) {
    this.#options = options;
    this.#clock = clock;
  }

  /** Counts an attempt. When there were too many, it returns the time in milliseconds until the next is allowed. */
  take(key: string): number | undefined {
    this.#dropEnded();
    const window = this.#windows.get(key);
    if (window === undefined) {
      this.#windows.set(key, { attempts: 1, endsAtMs: this.#clock.now() + this.#options.windowMs });
      return undefined;
    }
    if (window.attempts >= this.#options.attemptsMax) return window.endsAtMs - this.#clock.now();
    window.attempts++;
    return undefined;
  }

  /** Takes an attempt back: it did not fail. */
  giveBack(key: string): void {
    const window = this.#windows.get(key);
    if (window === undefined) return;
    window.attempts--;
    if (window.attempts <= 0) this.#windows.delete(key);
  }

  #dropEnded(): void {
    for (const [key, { endsAtMs }] of this.#windows) {
      if (endsAtMs > this.#clock.now() && this.#windows.size < this.#options.keysMax) return;
      this.#windows.delete(key);
    }
  }
}
