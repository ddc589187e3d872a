import { pieceDigest } from "../../core/digest.ts";
import { DamselflyError } from "../../core/error.ts";
import type { ByteRange } from "../../core/byte_range.ts";
import { invariant } from "../../core/invariant.ts";
import type { Checksums } from "./checksums.ts";
import type { PassingHash } from "./prefix_hash.ts";
import type { ComingPiece, PieceRecord, PieceWriter } from "./storage.ts";

/** What a writer needs of its task. */
export interface PieceTarget {
  readonly number: number;
  readonly range: ByteRange;
  /** Keeps the file of the task open until disposed. */
  hold(): Disposable;
  /** Writes bytes of the content to disk. */
  store(bytes: Uint8Array, position: number): Promise<void>;
  readonly checksums: Pick<Checksums, "crc32">;
  /** Goes along when the piece is next in order. */
  readonly passingHash: PassingHash | undefined;
  /** Told of what is written, when it can be read at once. */
  readonly coming: ComingBytes | undefined;
  /** Records the piece. Throws when the task is gone or the record cannot be stored. */
  finish(piece: Omit<PieceRecord, "finishedAtMs">): PieceRecord;
  /** The piece is no longer being written; called once. */
  release(): void;
}

/** The bytes of a piece that can be read while it is being written. */
export class ComingBytes implements ComingPiece {
  readonly number: number;
  readonly #onBytes: () => void;
  #end: number;
  #isForgotten = false;

  constructor(number: number, start: number, onBytes: () => void) {
    this.number = number;
    this.#end = start;
    this.#onBytes = onBytes;
  }

  get end(): number {
    return this.#end;
  }

  get isForgotten(): boolean {
    return this.#isForgotten;
  }

  /** Bytes are there up to a position. */
  reach(end: number): void {
    this.#end = end;
    this.#onBytes();
  }

  forget(): void {
    this.#isForgotten = true;
  }
}

/** Writes one piece to the file of its task, counting its bytes and their CRC-32. */
export class TaskPieceWriter implements PieceWriter {
  readonly #target: PieceTarget;
  readonly #held: Disposable;
  #position: number;
  #crc32 = 0;
  #isEnded = false;

  constructor(target: PieceTarget) {
    this.#target = target;
    this.#held = target.hold();
    this.#position = target.range.start;
  }

  async write(bytes: Uint8Array): Promise<void> {
    invariant(!this.#isEnded, "a piece is written after it ended");
    const { range, passingHash, checksums, coming } = this.#target;
    if (bytes.length > range.end - this.#position) throw this.#mismatch("there are more bytes than the piece has");
    await this.#target.store(bytes, this.#position);
    this.#position += bytes.length;
    this.#crc32 = checksums.crc32(bytes, this.#crc32);
    passingHash?.update(bytes);
    coming?.reach(this.#position);
  }

  // deno-lint-ignore require-await -- asynchronous in the contract, so that a store may take its time
  async commit(from: Parameters<PieceWriter["commit"]>[0]): Promise<PieceRecord> {
    invariant(!this.#isEnded, "a piece is finished after it ended");
    const { number, range } = this.#target;
    const { parentId, trafficType, costMs, expectedDigest = "" } = from;
    const missing = range.end - this.#position;
    if (missing > 0) throw this.#mismatch(`${missing} of its bytes are missing`);
    const digest = pieceDigest(this.#crc32);
    if (expectedDigest !== "" && expectedDigest !== digest) {
      throw this.#mismatch(`its digest is ${digest}, expected was ${expectedDigest.slice(0, 80)}`);
    }
    const record = this.#target.finish({ number, digest, parentId, trafficType, costMs });
    this.#end();
    return record;
  }

  [Symbol.dispose](): void {
    if (this.#isEnded) return;
    this.#target.coming?.forget();
    this.#end();
  }

  #end(): void {
    this.#isEnded = true;
    this.#held[Symbol.dispose]();
    this.#target.release();
  }

  #mismatch(why: string): DamselflyError {
    return new DamselflyError("data_loss", `Cannot store piece ${this.#target.number}: ${why}`);
  }
}
