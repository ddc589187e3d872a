import { Duplex } from "node:stream";
import type { Conn } from "./net.ts";

/** A head fits into it, and a body is read in as many rounds as it takes. */
const READ_BYTES = 16 * 1024;

/** A connection as a stream of Node, which is what its HTTP parser reads from and its answers are written to. */
export class ConnStream extends Duplex {
  /** When a byte last came or went. */
  movedAtMs: number;
  readonly #conn: Conn;
  readonly #now: () => number;
  readonly #onBytes: () => void;
  #pending: Promise<Uint8Array | null> | undefined;
  #isDetached = false;

  /** `onBytes` is called when bytes came, before anybody reads them. */
  constructor(conn: Conn, now: () => number, onBytes: () => void = () => {}) {
    super({ allowHalfOpen: true });
    this.#conn = conn;
    this.#now = now;
    this.#onBytes = onBytes;
    this.movedAtMs = now();
  }

  /**
   * The connection itself, for what comes after HTTP on it. Its first bytes are those that the stream or the parser
   * (`early`) have read already. The stream reads no more; destroying it still closes the connection.
   */
  detach(early: Uint8Array): Conn {
    this.#isDetached = true;
    const buffered: Uint8Array | null = this.read();
    const first = [early, buffered ?? new Uint8Array()].filter(({ length }) => length > 0);
    let pending = this.#pending;
    let isEnded = this.readableEnded;
    const conn = this.#conn;
    return {
      remote: conn.remote,
      read: async (into) => {
        if (first.length === 0 && pending !== undefined) {
          const bytes = await pending;
          pending = undefined;
          if (bytes === null) isEnded = true;
          else first.push(bytes);
        }
        const [bytes] = first;
        if (bytes === undefined) {
          const count = isEnded ? null : await conn.read(into);
          this.movedAtMs = this.#now();
          return count;
        }
        const part = bytes.subarray(0, into.length);
        into.set(part);
        if (part.length === bytes.length) first.shift();
        else first[0] = bytes.subarray(part.length);
        return part.length;
      },
      write: async (bytes) => {
        await conn.write(bytes);
        this.movedAtMs = this.#now();
      },
      closeWrite: () => conn.closeWrite(),
      close: () => void this.destroy(),
      [Symbol.dispose]: () => void this.destroy(),
    };
  }

  /** Closes the connection once what was written is sent; the parser calls it after a last answer. */
  destroySoon(): void {
    this.end(() => this.destroy());
  }

  override async _read(): Promise<void> {
    if (this.#isDetached || this.#pending !== undefined) return;
    try {
      this.#pending = this.#readSome();
      const bytes = await this.#pending;
      if (this.#isDetached) return;
      this.#pending = undefined;
      this.push(bytes);
    } catch {
      this.destroy(); // whoever waits for an answer learns of it from "close"
    }
  }

  override _write(bytes: Uint8Array, _encoding: string, done: (error?: Error | null) => void): void {
    const written = () => {
      this.movedAtMs = this.#now();
      done();
    };
    this.#conn.write(bytes).then(written, done);
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#conn.closeWrite().then(() => done(), () => done());
  }

  /** What was the matter is nobody's business: the connection is gone. It is closed when its last read has ended. */
  override _destroy(_error: Error | null, done: (error?: Error | null) => void): void {
    this.#conn.close();
    const ended = this.#pending ?? Promise.resolve();
    ended.then(() => done(null), () => done(null));
  }

  async #readSome(): Promise<Uint8Array | null> {
    const buffer = new Uint8Array(READ_BYTES);
    const count = await this.#conn.read(buffer);
    this.movedAtMs = this.#now();
    this.#onBytes();
    return count === null ? null : buffer.subarray(0, count);
  }
}
