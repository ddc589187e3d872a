import { DamselflyError } from "../../core/error.ts";
import type { PieceRecord } from "./storage.ts";

/** What becomes of pieces of an earlier run. */
export interface EarlierPiecesDeps {
  /** Compares the bytes on disk with the record. A rejection says nothing of the piece: the disk could not be read. */
  isAsRecorded(piece: PieceRecord): Promise<boolean>;
  onRight(piece: PieceRecord): void;
  onWrong(piece: PieceRecord): void;
}

/**
 * The pieces of a task that an earlier run left incomplete. After a crash of the machine records may be ahead of their
 * bytes, so each is compared before it counts: one by one, those that readers wait for first, for all of a large
 * content take many seconds.
 */
export class EarlierPieces {
  readonly #deps: EarlierPiecesDeps;
  readonly #pieces: Map<number, PieceRecord>;
  #wanted: number | undefined;
  #running: Promise<void> | undefined;
  #isStopped = false;

  /** `pieces` ascending; without a reader they are compared in this order. */
  constructor(pieces: readonly PieceRecord[], deps: EarlierPiecesDeps) {
    this.#deps = deps;
    this.#pieces = new Map(pieces.map((piece) => [piece.number, piece]));
  }

  /** How many are still to be compared. */
  get size(): number {
    return this.#pieces.size;
  }

  has(number: number): boolean {
    return this.#pieces.has(number);
  }

  /** Somebody waits for this piece: it is the next one, if it is of them. */
  want(number: number): void {
    this.#wanted = number;
  }

  /**
   * Compares all that are left; joins a run that is under way. Rejects with what {@link EarlierPiecesDeps.isAsRecorded}
   * throws, and may be called again then; rejects with `cancelled` after {@link stop}.
   */
  check(): Promise<void> {
    this.#running ??= this.#run().finally(() => this.#running = undefined);
    return this.#running;
  }

  /** Ends the run after the piece that is being compared. */
  stop(): void {
    this.#isStopped = true;
  }

  async #run(): Promise<void> {
    for (let piece = this.#next(); piece !== undefined; piece = this.#next()) {
      if (this.#isStopped) throw new DamselflyError("cancelled", "Pieces of an earlier run are not checked any more");
      const isRight = await this.#deps.isAsRecorded(piece);
      this.#pieces.delete(piece.number);
      if (isRight) this.#deps.onRight(piece);
      else this.#deps.onWrong(piece);
    }
  }

  #next(): PieceRecord | undefined {
    const wanted = this.#wanted === undefined ? undefined : this.#pieces.get(this.#wanted);
    if (wanted !== undefined) return wanted;
    const [first] = this.#pieces.values();
    return first;
  }
}
