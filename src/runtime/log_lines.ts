import { writeSync } from "node:fs";

/**
 * Where a log writes its lines, each whole or not at all. A full disk, or a reader who went away, ends nobody: lines
 * that cannot be written are counted, and the count is told with the next line that can.
 */
export class LogLines {
  readonly #write: (bytes: Uint8Array) => number;
  readonly #lostLine: (count: number) => string;
  #lost = 0;
  #isTorn = false;

  /** `lostLine` makes the line that tells of so many lost ones. */
  constructor(fd: number, lostLine: (count: number) => string, write = (bytes: Uint8Array) => writeSync(fd, bytes)) {
    this.#write = write;
    this.#lostLine = lostLine;
  }

  /** Writes a line, its end included. Never throws. */
  write(line: string): void {
    try {
      if (this.#isTorn) this.#put("\n");
      this.#isTorn = false;
      if (this.#lost > 0) this.#put(this.#lostLine(this.#lost));
      this.#lost = 0;
      this.#put(line);
    } catch {
      this.#lost++;
    }
  }

  #put(text: string): void {
    for (let left: Uint8Array = new TextEncoder().encode(text); left.length > 0;) {
      left = left.subarray(this.#write(left));
      this.#isTorn = left.length > 0;
    }
  }
}
