import { DamselflyError } from "../../core/error.ts";
import type { Clock } from "../../runtime/clock.ts";

/**
 * How long a download of which only what is read is fetched waits for another reader: lazy formats read in bursts. Until
 * then it is a parent to others that lacks what nobody read here, so it must not be long.
 */
const UNREAD_MS = 5_000;

/** What {@link Users} works with. */
export interface UsersOptions {
  readonly clock: Clock;
  /** Whether the download is only there to be read. */
  readonly isOnlyRead: () => boolean;
  /** Called when nobody uses what is stored any more. */
  readonly onNone: () => void;
}

/** Who uses a download: itself, until it ends, and whoever reads it. */
export class Users {
  readonly #options: UsersOptions;
  readonly #over = new AbortController();
  readonly #unread = new AbortController();
  /** Ends the wait for another user. */
  #isUsed = new AbortController();
  #count = 1;

  constructor(options: UsersOptions) {
    this.#options = options;
    this.#endUnread();
  }

  /** Aborts when the download has ended. */
  get over(): AbortSignal {
    return this.#over.signal;
  }

  /** Aborts when nobody reads the download any more, where it is only there for that; the next reader begins it anew. */
  get unread(): AbortSignal {
    return this.#unread.signal;
  }

  /** Uses it until the result is disposed; undefined when it is let go already. */
  add(): Disposable | undefined {
    if (this.#count === 0 || this.#unread.signal.aborted) return undefined;
    this.#count++;
    this.#isUsed.abort();
    let isUsing = true;
    return {
      [Symbol.dispose]: () => {
        if (isUsing) this.#leave();
        isUsing = false;
      },
    };
  }

  /** The download itself has ended. */
  end(): void {
    this.#over.abort(new DamselflyError("cancelled", "The download has ended"));
    this.#leave();
  }

  #leave(): void {
    this.#count--;
    if (this.#count === 0) this.#options.onNone();
    if (this.#count === 1) this.#endUnread();
  }

  #endUnread(): void {
    const { clock, isOnlyRead } = this.#options;
    if (!isOnlyRead()) return;
    this.#isUsed = new AbortController();
    clock.sleep(UNREAD_MS, AbortSignal.any([this.#isUsed.signal, this.#over.signal])).then(
      () => this.#unread.abort(new DamselflyError("cancelled", "Nobody reads the task")),
      () => {},
    );
  }
}
