import { pieceAt, type PiecePlan, pieceRange, type PieceRun } from "../../core/piece.ts";
import type { BandwidthLimit } from "../piece/bandwidth_limit.ts";
import { Changes } from "../storage/changes.ts";
import type { StoredTask } from "../storage/storage.ts";
import type { ReaderPosition } from "./reader.ts";
import type { TaskRequest } from "./task.ts";

/** What is prefetched at a time, when the limit has let it pass: one request of the source. */
const STEP_BYTES = 4 * 1024 * 1024;

/** Which pieces of a task are to be fetched: all, or those of its readers and what is prefetched besides. */
export class Wanted {
  readonly readers = new Set<ReaderPosition>();
  /** Rings when a reader waits for a piece, and when more is wanted. */
  readonly demand = new Changes();
  /** What becomes of what nobody reads; undefined when it is fetched too. */
  #rest: "prefetched" | "left" | undefined;
  /** What is prefetched ends here; all before it is wanted. */
  #prefetchEnd = 0;

  constructor(rest: TaskRequest["rest"]) {
    this.#rest = limitedRest(rest);
  }

  /** Whether everything is wanted by now. */
  get isAll(): boolean {
    return this.#rest === undefined;
  }

  /** Whether only what is read is ever wanted. */
  get isOnlyRead(): boolean {
    return this.#rest === "left";
  }

  /** Another request joins: what it wants is wanted too. Whether what nobody reads is to be prefetched from now on. */
  join(asked: TaskRequest["rest"]): boolean {
    const rest = limitedRest(asked);
    if (this.isAll || rest === "left" || rest === this.#rest) return false;
    this.#rest = rest;
    this.demand.ring();
    return rest === "prefetched";
  }

  isWanted(number: number, plan: PiecePlan): boolean {
    if (this.isAll || pieceRange(plan, number).start < this.#prefetchEnd) return true;
    for (const { first, last } of this.ahead(plan)) if (first <= number && number <= last) return true;
    return false;
  }

  /** Whether a wanted piece has still to be fetched. */
  isMissing(stored: StoredTask): boolean {
    const { plan } = stored.record;
    if (stored.recordedPieceCount === plan.pieceCount) return false;
    if (this.isAll) return true;
    const prefetched = this.#prefetchEnd === 0 ? [] : [{ first: 0, last: pieceAt(plan, this.#prefetchEnd - 1) }];
    for (const { first, last } of [...this.ahead(plan), ...prefetched]) {
      for (let number = first; number <= last; number++) if (!stored.isRecorded(number)) return true;
    }
    return false;
  }

  /** Has all that nobody reads fetched too, as `limit` lets it pass. Rejects with the signal's reason. */
  async prefetch(stored: () => StoredTask, limit: BandwidthLimit, signal: AbortSignal): Promise<void> {
    const { taskId, plan: { contentLength } } = stored().record;
    for (let start = 0; start < contentLength && !this.isAll; start += STEP_BYTES) {
      const end = Math.min(contentLength, start + STEP_BYTES);
      const bytes = missingBytes(stored(), start, end);
      const passing = bytes === 0 ? 0 : limit.pass(taskId, bytes, signal);
      if (typeof passing !== "number") await passing;
      this.#prefetchEnd = end;
      this.demand.ring();
    }
    this.#rest = undefined;
    this.demand.ring();
  }

  /** The pieces that readers have still before them. */
  *ahead(plan: PiecePlan): Generator<PieceRun> {
    for (const { position, end } of this.readers) {
      if (position < end) yield { first: pieceAt(plan, position), last: pieceAt(plan, end - 1) };
    }
  }
}

function limitedRest(rest: TaskRequest["rest"]): "prefetched" | "left" | undefined {
  return rest === "none" ? undefined : rest;
}

/** The bytes between `start` and `end` whose pieces are not here. */
function missingBytes(stored: StoredTask, start: number, end: number): number {
  const { plan } = stored.record;
  let bytes = 0;
  for (let number = pieceAt(plan, start); number <= pieceAt(plan, end - 1); number++) {
    const piece = pieceRange(plan, number);
    if (!stored.isRecorded(number)) bytes += Math.min(piece.end, end) - Math.max(piece.start, start);
  }
  return bytes;
}
