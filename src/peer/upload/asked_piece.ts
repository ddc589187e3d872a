import { crc32 } from "node:zlib";
import { pieceDigest } from "../../core/digest.ts";
import { type PiecePlan, piecePlan, pieceRange, piecesOf, planByRule } from "../../core/piece.ts";
import type { PieceRecord, StoredTask, TaskRecord } from "../storage/storage.ts";

/** Digests that are remembered of one task. */
const DIGESTS_MAX = 4_096;

/**
 * How a child cuts the content of a task: by the piece length that it names. Stock children name none; they know
 * nothing of our rule, so what is cut by it they cut by theirs, and everything else is cut as they cut it.
 */
export function planOfChild({ plan, isOwnCut }: TaskRecord, pieceLength: number | undefined): PiecePlan {
  if (pieceLength !== undefined) return piecePlan(plan.contentLength, pieceLength);
  return isOwnCut === true ? planByRule(plan.contentLength, "dragonfly") : plan;
}

/** Whether all bytes of a piece of `plan` are there, however the task itself is cut. */
export function hasPiece(task: StoredTask, plan: PiecePlan, number: number): boolean {
  if (number >= plan.pieceCount || (task.isDeleted && task.record.isSealed)) return false;
  if (task.record.isSealed) return true;
  return piecesOf(task.record.plan, pieceRange(plan, number)).every((own) => task.piece(own) !== undefined);
}

/**
 * Pieces of `plan` as they come to be there, however the task itself is cut. Each look costs what is new since the one
 * before, so that whoever follows a download of many pieces does not go through all of them for each.
 */
export class Arrivals {
  readonly #task: StoredTask;
  readonly #plan: PiecePlan;
  #seen = 0;

  constructor(task: StoredTask, plan: PiecePlan) {
    this.#task = task;
    this.#plan = plan;
  }

  /** Those of `missing` that are there and were not at the last call. */
  next(missing: ReadonlySet<number>): number[] {
    const { isSealed, plan: own } = this.#task.record;
    if (isSealed) return [...missing].filter((number) => hasPiece(this.#task, this.#plan, number));
    const finished = this.#task.finishedAfter(this.#seen);
    this.#seen += finished.length;
    if (own.pieceLength === this.#plan.pieceLength) return finished.filter((number) => missing.has(number));
    const touched = new Set(finished.flatMap((number) => piecesOf(this.#plan, pieceRange(own, number))));
    return [...touched].filter((number) => missing.has(number) && hasPiece(this.#task, this.#plan, number));
  }
}

/** Gives pieces of tasks in the cut of whoever asks. A digest that has to be computed for that is remembered. */
export class AskedPieces {
  readonly #digests = new WeakMap<StoredTask, Map<string, string>>();

  /** A piece of `plan`, undefined when it is not there; `buffer` is used to read it. Throws what reading throws. */
  async record(
    task: StoredTask,
    plan: PiecePlan,
    number: number,
    buffer: Uint8Array,
  ): Promise<PieceRecord | undefined> {
    if (!hasPiece(task, plan, number)) return undefined;
    if (plan.pieceLength === task.record.plan.pieceLength) return task.piece(number);
    const parts = piecesOf(task.record.plan, pieceRange(plan, number)).flatMap((own) => task.piece(own) ?? []);
    const [first] = parts;
    if (first === undefined) return undefined;
    return {
      ...first,
      number,
      digest: await this.#digest(task, plan, number, buffer),
      costMs: parts.reduce((sum, { costMs }) => sum + costMs, 0),
      finishedAtMs: Math.max(...parts.map(({ finishedAtMs }) => finishedAtMs)),
    };
  }

  async #digest(task: StoredTask, plan: PiecePlan, number: number, buffer: Uint8Array): Promise<string> {
    const known = this.#digests.get(task) ?? new Map<string, string>();
    this.#digests.set(task, known);
    const key = `${number} of ${plan.pieceLength}`;
    const before = known.get(key);
    if (before !== undefined) return before;
    const digest = await digestOf(task, pieceRange(plan, number), buffer);
    if (known.size >= DIGESTS_MAX) known.clear();
    known.set(key, digest);
    return digest;
  }
}

async function digestOf(task: StoredTask, { start, end }: { start: number; end: number }, buffer: Uint8Array) {
  let checksum = 0;
  for (let position = start; position < end;) {
    const block = buffer.subarray(0, Math.min(buffer.length, end - position));
    position += await task.read(block, position);
    checksum = crc32(block, checksum);
  }
  return pieceDigest(checksum);
}
