import type { Terminal } from "../runtime/terminal.ts";
import { formatProgress } from "./format.ts";
import { StatusLine } from "./status_line.ts";

/** Counts what has come of the bytes that were promised. */
export class Progress implements Disposable {
  readonly #line: StatusLine | undefined;
  #done = 0;
  #total = 0;

  constructor({ progress }: { readonly progress: boolean }, terminal: Terminal, clock: { now(): number }) {
    this.#line = progress ? new StatusLine(terminal, clock) : undefined;
  }

  started(total: number): void {
    this.#total = total;
    this.#show();
  }

  came(bytes: number): void {
    this.#done += bytes;
    this.#show();
  }

  [Symbol.dispose](): void {
    this.#line?.[Symbol.dispose]();
  }

  #show(): void {
    this.#line?.show(() => formatProgress(this.#done, this.#total));
  }
}
