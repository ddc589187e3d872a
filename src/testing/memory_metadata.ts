import type { TaskMetadata, TaskRow } from "../peer/storage/metadata.ts";
import type { PieceRecord, Retention, TaskInit, TaskRecord } from "../peer/storage/storage.ts";
import { piecePlan } from "../core/piece.ts";

interface Entry {
  record: TaskRecord;
  readonly pieces: Map<number, PieceRecord>;
}

/** What a storage knows of tasks and pieces, for as long as it lives: a database for each of thousands would cost most. */
export class MemoryMetadata implements TaskMetadata {
  readonly #tasks = new Map<number, Entry>();
  #lastKey = 0;

  /** Nothing waits to be written. */
  flush(): void {}

  tasks(): TaskRow[] {
    return [...this.#tasks].map(([key, { record, pieces }]) => ({ key, record, finishedPieceCount: pieces.size }));
  }

  addTask(init: TaskInit, nowMs: number): number {
    this.#lastKey += 1;
    const times = { createdAtMs: nowMs, updatedAtMs: nowMs, finishedAtMs: undefined };
    const record = { ...init, isOwnCut: init.isOwnCut ?? false, otherIds: [], isSealed: false, ...times };
    this.#tasks.set(this.#lastKey, { record, pieces: new Map() });
    return this.#lastKey;
  }

  addId(taskKey: number, id: string): void {
    this.removeId(id);
    this.#change(taskKey, ({ otherIds }) => ({ otherIds: [...otherIds, id] }));
  }

  removeId(id: string): void {
    for (const key of this.#tasks.keys()) {
      this.#change(key, ({ otherIds }) => ({ otherIds: otherIds.filter((other) => other !== id) }));
    }
  }

  recut(taskKey: number, pieceLength: number, isOwnCut: boolean): void {
    this.#change(taskKey, ({ plan }) => ({ plan: piecePlan(plan.contentLength, pieceLength), isOwnCut }));
  }

  piece(taskKey: number, number: number): PieceRecord | undefined {
    return this.#tasks.get(taskKey)?.pieces.get(number);
  }

  pieces(taskKey: number): PieceRecord[] {
    return [...this.#tasks.get(taskKey)?.pieces.values() ?? []].sort((a, b) => a.number - b.number);
  }

  addPiece(taskKey: number, piece: PieceRecord): void {
    this.#tasks.get(taskKey)?.pieces.set(piece.number, piece);
  }

  removePieces(taskKey: number, numbers: readonly number[]): void {
    for (const number of numbers) this.#tasks.get(taskKey)?.pieces.delete(number);
  }

  seal(taskKey: number, finishedAtMs: number): void {
    this.#change(taskKey, () => ({ isSealed: true, finishedAtMs }));
  }

  touch(taskKey: number, updatedAtMs: number): void {
    this.#change(taskKey, () => ({ updatedAtMs }));
  }

  retain(taskKey: number, retention: Retention): void {
    this.#change(taskKey, () => ({ retention }));
  }

  clear(): void {
    this.#tasks.clear();
  }

  removeTask(taskKey: number): void {
    this.#tasks.delete(taskKey);
  }

  [Symbol.dispose](): void {
    this.clear();
  }

  #change(taskKey: number, change: (record: TaskRecord) => Partial<TaskRecord>): void {
    const entry = this.#tasks.get(taskKey);
    if (entry !== undefined) entry.record = { ...entry.record, ...change(entry.record) };
  }
}
