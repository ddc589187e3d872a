import type { Terminal } from "../runtime/terminal.ts";

const REWRITE_INTERVAL_MS = 100;
const CLEAR_LINE = "\r\x1b[2K";

/** One line that tells how far something is, rewritten in place; nothing at all where nobody watches. */
export class StatusLine implements Disposable {
  readonly #terminal: Terminal;
  readonly #clock: { now(): number };
  #writtenAt = -Infinity;
  #isShown = false;

  constructor(terminal: Terminal, clock: { now(): number }) {
    this.#terminal = terminal;
    this.#clock = clock;
  }

  /** Shows what `text` returns, unless the line was written a moment ago. */
  show(text: () => string): void {
    const now = this.#clock.now();
    if (!this.#terminal.isTty || now - this.#writtenAt < REWRITE_INTERVAL_MS) return;
    this.#writtenAt = now;
    this.#isShown = true;
    this.#terminal.printError(`${CLEAR_LINE}${text()}`);
  }

  /** Takes the line away. */
  [Symbol.dispose](): void {
    if (this.#isShown) this.#terminal.printError(CLEAR_LINE);
    this.#isShown = false;
  }
}
