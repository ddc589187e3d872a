import { DamselflyError } from "../../core/error.ts";
import { pieceRange } from "../../core/piece.ts";
import type { SyncPiecesRequest, SyncPiecesResponse } from "../../rpc/gen/dfdaemon/v2/dfdaemon.ts";
import type { Clock } from "../../runtime/clock.ts";
import { currentSpan } from "../../runtime/tracing.ts";
import type { ChildFacts } from "../piece/parent.ts";
import type { Follower } from "../storage/changes.ts";
import { contentVersion } from "../storage/content_version.ts";
import type { Storage, StoredTask } from "../storage/storage.ts";
import { Arrivals, planOfChild } from "./asked_piece.ts";
import type { Turns } from "./turns.ts";

/** A download in which nothing happens for so long has failed, or does not want the pieces that the child wants. */
const STALLED_TIMEOUT_MS = 60_000;

/** Where our pieces can be had. */
export interface PieceAddress {
  /** An IP literal. */
  readonly ip: string;
  readonly tcpPort: number;
}

/** What a child asks: the message, and what it says of itself. */
export type PiecesQuestion = SyncPiecesRequest & ChildFacts;

/** What pieces are told from. */
export interface SyncPiecesDeps {
  readonly storage: Storage;
  readonly clock: Clock;
  readonly address: PieceAddress;
  /** Without it every child is told of everything at once. */
  readonly turns?: Turns;
}

/**
 * Tells a child of each wanted piece as it is finished (wire.md §2.10), in the child's own cut, but for those that the
 * child has told us of meanwhile. It ends when all are here. Throws `not_found` for a task that is not here, `failed_precondition` for one of another version than the
 * child's, `unavailable` when its download stalls or fails.
 */
export async function* syncPieces(
  { hostId, taskId, interestedPieceNumbers, pieceLength, version, waitsItsTurn }: PiecesQuestion,
  { storage, clock, address, turns }: SyncPiecesDeps,
  signal: AbortSignal,
): AsyncGenerator<SyncPiecesResponse, void, undefined> {
  // A seed peer tells the scheduler of a task while its file is being made.
  const task = await storage.findSoon(taskId);
  if (task === undefined) throw new DamselflyError("not_found", `Cannot find task ${taskId}`);
  const own = contentVersion(task.record);
  if (version !== undefined && own !== undefined && version !== own) {
    throw new DamselflyError("failed_precondition", `Cannot share task ${taskId}: its content is another version here`);
  }
  const plan = planOfChild(task.record, pieceLength);
  const wanted = new Set(interestedPieceNumbers.filter((number) => number < plan.pieceCount));
  const arrivals = new Arrivals(task, plan);
  const isOfOneCut = plan.pieceLength === task.record.plan.pieceLength;
  using turn = waitsItsTurn && isOfOneCut ? turns?.join(task) : undefined;
  // What it said it has, and wants all the same, it has lost.
  const isThere = (number: number) => isOfOneCut && task.holders.has(hostId, number);
  const lost = new Set([...wanted].filter(isThere));
  using stall = new Stall(clock);
  using changes = task.changes(AbortSignal.any([signal, stall.signal]));
  let change: Promise<void> | undefined;
  while (wanted.size > 0 || turn?.isOver === false) {
    const come = arrivals.next(wanted);
    for (const number of come) wanted.delete(number);
    const told = turn === undefined ? come : turn.sort(come);
    for (const number of told) {
      if (isThere(number) && !lost.has(number)) continue;
      const { start, end } = pieceRange(plan, number);
      currentSpan()?.event("piece_told", { number });
      yield { number, offset: start, length: end - start, ...address };
    }
    // While the child took what was yielded, more may have come.
    if (come.length > 0 || told.length > 0) continue;
    // It goes on while turns come. A failure stays: the bell rings for it once, and nobody may be waiting then.
    change ??= untilChanged(task, changes, stall, signal).then(() => change = undefined);
    await (turn === undefined ? change : Promise.race([change, turn.next().then(() => stall.moved())]));
  }
}

/** The next of `changes`, which end with `signal` and with `stall`. */
async function untilChanged(task: StoredTask, changes: Follower, stall: Stall, signal: AbortSignal): Promise<void> {
  const { taskId } = task.record;
  if (task.isDeleted) throw new DamselflyError("not_found", `Cannot tell of task ${taskId}: it was deleted`);
  try {
    await changes.next();
    stall.moved();
  } catch (error) {
    signal.throwIfAborted();
    const what = stall.signal.aborted ? "stalls" : "has failed";
    throw new DamselflyError("unavailable", `Cannot tell of task ${taskId}: its download ${what}`, { cause: error });
  }
}

/** Aborts when nothing happens for {@link STALLED_TIMEOUT_MS}, a quarter of it late at most. */
class Stall implements Disposable {
  readonly #clock: Clock;
  readonly #abort = new AbortController();
  readonly #timer: Disposable;
  #movedAt: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#movedAt = clock.now();
    this.#timer = clock.every(STALLED_TIMEOUT_MS / 4, () => {
      if (clock.now() - this.#movedAt < STALLED_TIMEOUT_MS) return;
      this.#abort.abort(new DamselflyError("timeout", `Nothing happened for ${STALLED_TIMEOUT_MS} ms`));
    });
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  moved(): void {
    this.#movedAt = this.#clock.now();
  }

  [Symbol.dispose](): void {
    this.#timer[Symbol.dispose]();
  }
}
