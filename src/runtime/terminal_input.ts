import { DamselflyError } from "../core/error.ts";
import { orAbort } from "./or_abort.ts";

const READ_BYTES = 64 * 1024;

/** What comes on standard input. */
export interface TerminalInput {
  /** Whether a person types it. */
  readonly isTty: boolean;
  /** One line that is typed, without showing it. Rejects with the signal's reason. */
  readHiddenLine(signal: AbortSignal): Promise<string>;
  /** All of it as UTF-8. Throws `invalid_argument` beyond `bytesMax`; rejects with the signal's reason. */
  readAll(bytesMax: number, signal: AbortSignal): Promise<string>;
}

/** The standard input of the process. */
export function realTerminalInput(): TerminalInput {
  const { stdin } = Deno;
  return {
    isTty: stdin.isTerminal(),
    async readHiddenLine(signal) {
      stdin.setRaw(true, { cbreak: true }); // Ctrl-C stays a signal
      try {
        const buffer = new Uint8Array(READ_BYTES);
        const typed = new TypedLine();
        while (!typed.isDone) {
          const length = await orAbort(stdin.read(buffer), signal);
          typed.take(buffer.subarray(0, length ?? 0), length === null);
        }
        return typed.text;
      } finally {
        stdin.setRaw(false);
      }
    },
    async readAll(bytesMax, signal) {
      const parts: Uint8Array[] = [];
      let bytes = 0;
      const buffer = new Uint8Array(READ_BYTES);
      for (;;) {
        const length = await orAbort(stdin.read(buffer), signal);
        if (length === null) return new TextDecoder().decode(joined(parts, bytes));
        bytes += length;
        if (bytes > bytesMax) {
          throw new DamselflyError("invalid_argument", `Cannot read standard input: it has over ${bytesMax} bytes`);
        }
        parts.push(buffer.slice(0, length));
      }
    },
  };
}

function joined(parts: readonly Uint8Array[], bytes: number): Uint8Array {
  const all = new Uint8Array(bytes);
  let position = 0;
  for (const part of parts) {
    all.set(part, position);
    position += part.length;
  }
  return all;
}

const NEWLINE = "\n".charCodeAt(0);
const RETURN = "\r".charCodeAt(0);
const END = 4;
const BACKSPACES = [8, 127];
const ERASE_LINE = 21;
const LINE_BYTES_MAX = 4_096;

/** A line as it is typed while nothing but us looks at the keys: backspace takes one character back, Ctrl-U all. */
export class TypedLine {
  #bytes: number[] = [];
  #isDone = false;

  /** Whether the line has been ended. */
  get isDone(): boolean {
    return this.#isDone;
  }

  get text(): string {
    return new TextDecoder().decode(Uint8Array.from(this.#bytes));
  }

  /** Takes what was typed; with `isEnd` nothing more comes. */
  take(bytes: Uint8Array, isEnd = false): void {
    for (const byte of bytes) {
      if (this.#isDone) return;
      if (byte === NEWLINE || byte === RETURN || byte === END) this.#isDone = true;
      else if (BACKSPACES.includes(byte)) this.#dropCharacter();
      else if (byte === ERASE_LINE) this.#bytes = [];
      else if (this.#bytes.length < LINE_BYTES_MAX) this.#bytes.push(byte);
    }
    if (isEnd) this.#isDone = true;
  }

  /** A character of UTF-8 is its first byte and all that continue it. */
  #dropCharacter(): void {
    let byte = this.#bytes.pop();
    while (byte !== undefined && (byte & 0b1100_0000) === 0b1000_0000) byte = this.#bytes.pop();
  }
}
