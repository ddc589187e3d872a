/** Where a command writes. */
export interface Terminal {
  /** Whether somebody watches standard error, so that a line may be rewritten in place. */
  readonly isTty: boolean;
  /** Writes to standard output. */
  print(text: string): void;
  /** Writes to standard error. */
  printError(text: string): void;
}

/** The terminal of the process. */
export function realTerminal(): Terminal {
  return {
    isTty: Deno.stderr.isTerminal(),
    print: (text) => writeAll(Deno.stdout, text),
    printError: (text) => writeAll(Deno.stderr, text),
  };
}

/** Writes all of `text`; what nobody reads any more, as behind `| head`, is dropped. */
function writeAll(stream: { writeSync(bytes: Uint8Array): number }, text: string): void {
  const bytes = new TextEncoder().encode(text);
  try {
    for (let done = 0; done < bytes.length;) done += stream.writeSync(bytes.subarray(done));
  } catch (error) {
    if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
  }
}

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
