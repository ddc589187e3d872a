import { formatDuration } from "../config/durations.ts";
import type { Terminal } from "../runtime/terminal.ts";
import { formatBytes, formatProgress } from "./format.ts";
import { StatusLine } from "./status_line.ts";

/** Between two lines where no terminal is that a line could be rewritten on. */
const PLAIN_INTERVAL_MS = 10_000;

/** Tells how much has come of what was promised, of one file or of several at once. */
export class Progress implements Disposable {
  readonly #isWanted: boolean;
  readonly #terminal: Terminal;
  readonly #clock: { now(): number };
  readonly #line: StatusLine;
  readonly #startedAt: number;
  #toldAt: number;
  #done = 0;
  #total = 0;
  #expected: number | undefined;

  constructor({ progress }: { readonly progress: boolean }, terminal: Terminal, clock: { now(): number }) {
    this.#isWanted = progress;
    this.#terminal = terminal;
    this.#clock = clock;
    this.#line = new StatusLine(terminal, clock);
    this.#startedAt = this.#toldAt = clock.now();
  }

  /** How much all files have together, where that is known before. */
  expect(bytes: number): void {
    this.#expected = bytes;
  }

  /** Another file. */
  file(): FileProgress {
    return new FileProgress((done, total) => {
      this.#done += done;
      this.#total += total;
      this.#tell();
    });
  }

  [Symbol.dispose](): void {
    this.#line[Symbol.dispose]();
  }

  #tell(): void {
    if (!this.#isWanted) return;
    if (this.#terminal.isTty) return this.#line.show(() => this.#text(formatProgress));
    const now = this.#clock.now();
    if (now - this.#toldAt < PLAIN_INTERVAL_MS) return;
    this.#toldAt = now;
    this.#terminal.printError(`${this.#text(formatShare)}\n`);
  }

  #text(format: (done: number, total: number) => string): string {
    const done = this.#done;
    const total = this.#expected ?? this.#total;
    const perSecond = done * 1_000 / Math.max(1, this.#clock.now() - this.#startedAt);
    const rate = `${formatBytes(perSecond)}/s`;
    if (total === 0) return `${formatBytes(done)}, ${rate}`;
    const left = perSecond === 0 ? "" : `, ${formatDuration(Math.ceil((total - done) / perSecond) * 1_000)} left`;
    return `${format(done, total)}, ${rate}${done < total ? left : ""}`;
  }
}

function formatShare(done: number, total: number): string {
  return `${Math.floor(100 * done / total)}% of ${formatBytes(total)}`;
}

/** One file of a {@link Progress}. */
export class FileProgress {
  readonly #add: (done: number, total: number) => void;
  #done = 0;
  #total = 0;

  constructor(add: (done: number, total: number) => void) {
    this.#add = add;
  }

  /** So many bytes are promised. */
  started(total: number): void {
    this.#total += total;
    this.#add(0, total);
  }

  came(bytes: number): void {
    this.#done += bytes;
    this.#add(bytes, 0);
  }

  /** It begins anew, and what came does not count. */
  restart(): void {
    if (this.#done === 0 && this.#total === 0) return;
    this.#add(-this.#done, -this.#total);
    this.#done = this.#total = 0;
  }
}
