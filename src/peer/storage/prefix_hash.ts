import type { Checksums, RunningHash } from "./checksums.ts";
import type { Digest } from "../../core/digest.ts";
import { type PiecePlan, pieceRange } from "../../core/piece.ts";
import type { Scratch } from "./scratch.ts";

/** A hash that goes along with the bytes of the piece that is next in order. */
export interface PassingHash {
  update(bytes: Uint8Array): void;
  /** The piece is finished: from now on its bytes count. */
  adopt(): void;
}

/** What a {@link PrefixHash} reads from. */
export interface HashedContent {
  /** As the content is cut now; it does not change once a piece is finished. */
  plan(): PiecePlan;
  isFinished(piece: number): boolean;
  read(buffer: Uint8Array, position: number): Promise<number>;
  /** For what is read. */
  readonly scratch: Scratch;
}

/** The running hash of a content along its contiguous prefix of finished pieces: each byte is hashed once. */
export class PrefixHash {
  readonly #content: HashedContent;
  readonly #expected: Digest;
  #hash: RunningHash;
  /** Pieces before this one are in the hash. */
  #next = 0;
  #running: Promise<void> | undefined;

  constructor(content: HashedContent, expected: Digest, checksums: Checksums) {
    this.#content = content;
    this.#expected = expected;
    this.#hash = checksums.hash(expected.algorithm);
  }

  /** How many pieces from the first on are in the hash. */
  get hashedPieceCount(): number {
    return this.#next;
  }

  /** For a piece that starts to be written: when it is next in order its bytes need not be read back. */
  startPassing(piece: number): PassingHash | undefined {
    if (piece !== this.#next) return undefined;
    const hash = this.#hash.copy();
    return {
      update: (bytes) => void hash.update(bytes),
      adopt: () => {
        if (piece !== this.#next) return;
        this.#hash = hash;
        this.#next += 1;
      },
    };
  }

  /** Takes in the finished pieces that are next in order; joins a run that is under way. */
  catchUp(): Promise<void> {
    this.#running ??= this.#run().finally(() => this.#running = undefined);
    return this.#running;
  }

  /** Whether the hash, which has all of the content, is the expected one. */
  isAsExpected(): boolean {
    return this.#hash.copy().digest("hex") === this.#expected.hex;
  }

  async #run(): Promise<void> {
    const plan = this.#content.plan();
    if (this.#next >= plan.pieceCount || !this.#content.isFinished(this.#next)) return;
    await this.#content.scratch.lend((buffer) => this.#readBack(plan, buffer));
  }

  async #readBack(plan: PiecePlan, buffer: Uint8Array): Promise<void> {
    while (this.#next < plan.pieceCount && this.#content.isFinished(this.#next)) {
      const { start, end } = pieceRange(plan, this.#next);
      // A read that fails half-way must leave the hash at the end of the piece before.
      const hash = this.#hash.copy();
      for (let position = start; position < end;) {
        const block = buffer.subarray(0, Math.min(buffer.length, end - position));
        position += await this.#content.read(block, position);
        hash.update(block);
      }
      this.#hash = hash;
      this.#next += 1;
    }
  }
}
