import { DamselflyError } from "../../core/error.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { PieceRecord } from "./storage.ts";

/**
 * The records of pieces wait so long for each other, since a transaction costs far more than a row. A process that is
 * killed forgets the pieces that were finished since; they are fetched again.
 */
export const ROWS_WAIT_MS = 50;

/** Records that wait at most. */
const ROWS_MAX = 256;

/** The record of a piece, and the key of its task. */
export interface PieceRow {
  readonly taskKey: number;
  readonly piece: PieceRecord;
}

/** Records of finished pieces on their way to the database, which gets them in batches. */
export class WaitingRows implements Disposable {
  readonly #clock: Pick<Clock, "sleep">;
  readonly #write: (rows: readonly PieceRow[]) => void;
  readonly #closing = new AbortController();
  #rows: PieceRow[] = [];
  #isTimed = false;

  /** `write` stores all of the rows or, when it throws, none. */
  constructor(clock: Pick<Clock, "sleep">, write: (rows: readonly PieceRow[]) => void) {
    this.#clock = clock;
    this.#write = write;
  }

  /**
   * Takes a row. Throws what writing throws when there are too many, and `internal` when the database is closed; then
   * the row is not taken.
   */
  add(row: PieceRow): void {
    this.#closing.signal.throwIfAborted();
    if (this.#rows.length >= ROWS_MAX) this.flush();
    this.#rows.push(row);
    if (this.#isTimed) return;
    this.#isTimed = true;
    this.#clock.sleep(ROWS_WAIT_MS, this.#closing.signal).then(() => this.#onTime(), () => undefined);
  }

  /** The last record of a piece, if it waits. */
  find(taskKey: number, number: number): PieceRecord | undefined {
    return this.#rows.findLast((row) => row.taskKey === taskKey && row.piece.number === number)?.piece;
  }

  /** Stores what waits. Throws what writing throws; then all of it waits still. */
  flush(): void {
    if (this.#rows.length === 0) return;
    this.#write(this.#rows);
    this.#rows = [];
  }

  /** Forgets the rows of a task, or all. */
  drop(taskKey?: number): void {
    this.#rows = taskKey === undefined ? [] : this.#rows.filter((row) => row.taskKey !== taskKey);
  }

  [Symbol.dispose](): void {
    this.#closing.abort(new DamselflyError("internal", "Cannot store a piece: the metadata of the storage is closed"));
  }

  #onTime(): void {
    this.#isTimed = false;
    try {
      this.flush();
    } catch {
      // Told to whoever seals the task, or adds the row that is one too many.
    }
  }
}
