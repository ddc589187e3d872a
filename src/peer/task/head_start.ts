import type { Clock } from "../../runtime/clock.ts";
import type { StoredTask } from "../storage/storage.ts";

/** The longest that a source is held up for the first piece of its content to reach somebody else. */
const HEAD_START_MS = 25;

/**
 * Whoever is triggered fetches for others, and one of them waits for his first byte. So when the first piece is there
 * the next ones wait until a child has it, but for {@link HEAD_START_MS} at most: where processors are few, taking in
 * all that comes leaves nobody any time to ask. The line is not idle meanwhile, for the system goes on to receive.
 */
export class HeadStarts {
  readonly #clock: Pick<Clock, "sleep">;
  readonly #waiting = new WeakMap<StoredTask, PromiseWithResolvers<void>>();

  constructor(clock: Pick<Clock, "sleep">) {
    this.#clock = clock;
  }

  /** A child has got a piece. */
  given(task: StoredTask): void {
    this.#waiting.get(task)?.resolve();
  }

  /** Resolves when a child has got a piece, or has had the time to, or nobody wants it any more. */
  async give(task: StoredTask, signal: AbortSignal): Promise<void> {
    const given = Promise.withResolvers<void>();
    this.#waiting.set(task, given);
    const over = new AbortController();
    const late = this.#clock.sleep(HEAD_START_MS, AbortSignal.any([signal, over.signal])).catch(() => {});
    try {
      await Promise.race([given.promise, late]);
    } finally {
      over.abort();
    }
  }
}
