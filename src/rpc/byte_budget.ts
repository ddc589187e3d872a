import { DamselflyError } from "../core/error.ts";

/** Bytes that several may hold together: so many, and with a `whole` no more than that has left. */
export class ByteBudget {
  readonly #bytesMax: number;
  readonly #whole: ByteBudget | undefined;
  #held = 0;

  constructor(bytesMax: number, whole?: ByteBudget) {
    this.#bytesMax = bytesMax;
    this.#whole = whole;
  }

  /** Bytes that are held now. */
  get held(): number {
    return this.#held;
  }

  /** Takes a part of it; nothing of it when there is not as much left, and throws `resource_exhausted`. */
  take(bytes: number): void {
    if (this.#held + bytes > this.#bytesMax) {
      const message =
        `Cannot take more messages: ${this.#held} bytes of them are held, and the limit is ${this.#bytesMax}`;
      throw new DamselflyError("resource_exhausted", message);
    }
    this.#whole?.take(bytes);
    this.#held += bytes;
  }

  /** Gives back what was taken. */
  give(bytes: number): void {
    this.#whole?.give(bytes);
    this.#held -= bytes;
  }
}
