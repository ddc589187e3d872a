import { DamselflyError } from "../../core/error.ts";
import { REAL_CHECKSUMS } from "../storage/checksums.ts";
import type { ComingPiece, StoredTask } from "../storage/storage.ts";

const BLOCK_BYTES = 64 * 1024;

/**
 * What a reader was given of a piece before it was complete. Mostly whoever was writing it finishes it, and then there
 * is nothing to ask. But a transfer can be left for parents, and begin anew: then the piece may have got other bytes.
 */
export class EarlyBytes {
  readonly piece: ComingPiece;
  readonly #start: number;
  #end: number;
  #checksum = 0;

  constructor(piece: ComingPiece, start: number) {
    this.piece = piece;
    this.#start = start;
    this.#end = start;
  }

  /** Gives the reader more. */
  async read(stored: StoredTask, buffer: Uint8Array): Promise<number> {
    const count = await stored.readComing(this.piece, buffer, this.#end);
    this.#end += count;
    this.#checksum = REAL_CHECKSUMS.crc32(buffer.subarray(0, count), this.#checksum);
    return count;
  }

  /** Compares them with the finished piece. Throws `data_loss` when it has others. */
  async confirm(stored: StoredTask): Promise<void> {
    const block = new Uint8Array(Math.min(BLOCK_BYTES, this.#end - this.#start));
    let checksum = 0;
    for (let position = this.#start; position < this.#end;) {
      const bytes = block.subarray(0, Math.min(block.length, this.#end - position));
      position += await stored.read(bytes, position);
      checksum = REAL_CHECKSUMS.crc32(bytes, checksum);
    }
    if (checksum !== this.#checksum) throw wrongBytes();
  }
}

/** The error of a reader who has bytes that turned out not to be those of the content. */
export function wrongBytes(): DamselflyError {
  return new DamselflyError("data_loss", "Cannot go on reading: bytes that were given already were wrong");
}
