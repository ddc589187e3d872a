/** Messages as gRPC puts them into the content of a stream: five bytes, which name the length, before each. */
import { Buffer } from "node:buffer";
import { DamselflyError } from "../core/error.ts";

const PREFIX_BYTES = 5;
/** What is set aside for a message at first, whatever length it claims. */
const FIRST_BYTES_MAX = 64 * 1024;

/** One message as it came. */
export interface RawMessage {
  readonly bytes: Buffer;
  readonly isCompressed: boolean;
  /** How much of the window of its stream it holds until it is taken. */
  readonly heldBytes: number;
}

/** Puts messages together from content as it arrives, in pieces of any length. */
export class MessageReader {
  readonly #bytesMax: number;
  readonly #onRoom: (bytes: number) => void;
  readonly #prefix = Buffer.alloc(PREFIX_BYTES);
  #prefixBytes = 0;
  #body = Buffer.alloc(0);
  #bodyBytes = 0;
  #length = 0;

  /** A reader of messages of up to `bytesMax` bytes. `onRoom` hears what it is about to set aside, and may throw. */
  constructor(bytesMax: number, onRoom: (bytes: number) => void) {
    this.#bytesMax = bytesMax;
    this.#onRoom = onRoom;
  }

  /** Whether the content may end here. */
  get isBetweenMessages(): boolean {
    return this.#prefixBytes === 0;
  }

  /**
   * The messages that are whole now, and how many bytes of the chunk belong to one that is not. Throws
   * `resource_exhausted` when a message is too long, `internal` when this is no message, and what `onRoom` throws.
   */
  push(chunk: Buffer): { readonly messages: readonly RawMessage[]; readonly partialBytes: number } {
    const messages: RawMessage[] = [];
    let begin = 0;
    let at = 0;
    while (at < chunk.length) {
      if (this.#prefixBytes < PREFIX_BYTES) {
        const end = Math.min(chunk.length, at + PREFIX_BYTES - this.#prefixBytes);
        chunk.copy(this.#prefix, this.#prefixBytes, at, end);
        this.#prefixBytes += end - at;
        at = end;
        if (this.#prefixBytes < PREFIX_BYTES) break;
        this.#beginBody();
      }
      const end = Math.min(chunk.length, at + this.#length - this.#bodyBytes);
      this.#append(chunk.subarray(at, end));
      at = end;
      if (this.#bodyBytes < this.#length) break;
      messages.push({ bytes: this.#body, isCompressed: this.#prefix[0] === 1, heldBytes: at - begin });
      begin = at;
      this.#prefixBytes = 0;
    }
    return { messages, partialBytes: chunk.length - begin };
  }

  #beginBody(): void {
    if ((this.#prefix[0] ?? 0) > 1) throw new DamselflyError("internal", "Cannot read the request: it is no message");
    this.#length = this.#prefix.readUInt32BE(1);
    if (this.#length > this.#bytesMax) {
      const message = `Cannot take a message of ${this.#length} bytes: the limit is ${this.#bytesMax}`;
      throw new DamselflyError("resource_exhausted", message);
    }
    this.#body = this.#room(Math.min(this.#length, FIRST_BYTES_MAX), 0);
    this.#bodyBytes = 0;
  }

  /** Copied, so that a field of a message that is kept for long does not keep all that came with it. */
  #append(bytes: Buffer): void {
    const needed = this.#bodyBytes + bytes.length;
    if (needed > this.#body.length) {
      const length = Math.min(this.#length, Math.max(needed, 2 * this.#body.length));
      const larger = this.#room(length, this.#body.length);
      this.#body.copy(larger, 0, 0, this.#bodyBytes);
      this.#body = larger;
    }
    bytes.copy(this.#body, this.#bodyBytes);
    this.#bodyBytes = needed;
  }

  #room(length: number, before: number) {
    this.#onRoom(length - before);
    return Buffer.allocUnsafe(length);
  }
}

/** What stands before a message that is not compressed. Throws `resource_exhausted` when it is too long. */
export function messagePrefix(length: number, bytesMax: number): Buffer {
  if (length > bytesMax) {
    throw new DamselflyError(
      "resource_exhausted",
      `Cannot send a message of ${length} bytes: the limit is ${bytesMax}`,
    );
  }
  const prefix = Buffer.allocUnsafe(PREFIX_BYTES);
  prefix[0] = 0;
  prefix.writeUInt32BE(length, 1);
  return prefix;
}
