import type { DamselflyError } from "../../core/error.ts";

/** A buffer on loan; disposing it gives it back. */
export interface LoanedBuffer extends Disposable {
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** A bounded number of buffers of one size, made when first needed and used again; who comes too late waits his turn. */
export class BufferPool {
  readonly #bufferBytes: number;
  readonly #buffersMax: number;
  readonly #free: Uint8Array<ArrayBuffer>[] = [];
  readonly #waiting = new Set<(buffer: Uint8Array<ArrayBuffer>) => void>();
  #made = 0;

  constructor(bufferBytes: number, buffersMax: number) {
    this.#bufferBytes = bufferBytes;
    this.#buffersMax = buffersMax;
  }

  /** A buffer, as soon as one is there; rejects with the signal's reason when that comes first. */
  async take(signal: AbortSignal): Promise<LoanedBuffer> {
    signal.throwIfAborted();
    return this.takeFree() ?? this.#lend(await this.#wait(signal));
  }

  /** A buffer, if one is there now. */
  takeFree(): LoanedBuffer | undefined {
    const bytes = this.#free.pop() ?? this.#make();
    return bytes && this.#lend(bytes);
  }

  #lend(bytes: Uint8Array<ArrayBuffer>): LoanedBuffer {
    return { bytes, [Symbol.dispose]: () => this.#giveBack(bytes) };
  }

  #make(): Uint8Array<ArrayBuffer> | undefined {
    if (this.#made >= this.#buffersMax) return undefined;
    this.#made += 1;
    return new Uint8Array(this.#bufferBytes);
  }

  #wait(signal: AbortSignal): Promise<Uint8Array<ArrayBuffer>> {
    return new Promise((resolve, reject) => {
      const onAbort = () => {
        this.#waiting.delete(serve);
        reject(signal.reason as DamselflyError);
      };
      const serve = (buffer: Uint8Array<ArrayBuffer>) => {
        signal.removeEventListener("abort", onAbort);
        resolve(buffer);
      };
      this.#waiting.add(serve);
      signal.addEventListener("abort", onAbort, { once: true });
    });
  }

  #giveBack(buffer: Uint8Array<ArrayBuffer>): void {
    const [next] = this.#waiting;
    if (next === undefined) {
      this.#free.push(buffer);
      return;
    }
    this.#waiting.delete(next);
    next(buffer);
  }
}
