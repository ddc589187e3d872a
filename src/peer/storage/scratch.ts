/**
 * Bytes that are read back at a time. Above 256 KiB the disk works off the event loop, so that a long run lets others
 * have their turn between two reads.
 */
const BUFFER_BYTES = 512 * 1024;
/** Buffers that are kept although nobody uses them. */
const FREE_MAX = 4;

/** Buffers for bytes that are read back, used again: a new one costs more than what is read into it. */
export class Scratch {
  readonly #bufferBytes: number;
  readonly #free: Uint8Array<ArrayBuffer>[] = [];

  constructor(bufferBytes: number = BUFFER_BYTES) {
    this.#bufferBytes = bufferBytes;
  }

  /** Lends a buffer until `use` is done with it. */
  async lend<T>(use: (buffer: Uint8Array<ArrayBuffer>) => Promise<T>): Promise<T> {
    const buffer = this.#free.pop() ?? new Uint8Array(this.#bufferBytes);
    try {
      return await use(buffer);
    } finally {
      if (this.#free.length < FREE_MAX) this.#free.push(buffer);
    }
  }
}
