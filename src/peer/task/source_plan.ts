import type { PiecePlan, PieceRun } from "../../core/piece.ts";

/**
 * Transfers of one download from its source at a time: one for all of it, the others for readers who are elsewhere, and
 * where what is missing is scattered.
 */
export const TRANSFERS_MAX = 4;
/** A reader waits for a transfer that is so many bytes before what he wants. */
const SOON_BYTES = 4 * 1024 * 1024;
/** The most that is fetched at a time for a reader who is elsewhere: he may leave in the middle. */
const ELSEWHERE_BYTES_MAX = 16 * 1024 * 1024;

/** With less before those that run, another one begins: a source takes its time to answer, and the line would idle. */
const AHEAD_BYTES_MIN = 8 * 1024 * 1024;

/** What is known when the next transfer is chosen. */
export interface TransferState {
  readonly plan: PiecePlan;
  /** Whether a piece has still to be fetched by anybody. */
  readonly isWanted: (number: number) => boolean;
  /** What transfers that run are at, and will come to. */
  readonly running: readonly PieceRun[];
  /** What readers have still before them. */
  readonly readers: Iterable<PieceRun>;
  /** A source without ranges gives only all of it. */
  readonly acceptsRanges: boolean;
}

/**
 * The next transfer to begin; undefined when those that run are enough. The first one begins where a reader waits and
 * takes all that is missing there, so that a cold content costs one request. A reader whose piece none of them comes to
 * soon gets one for what is before him. When those that run are near their ends, the next stretch of what is missing is
 * asked for.
 */
export function nextTransfer(state: TransferState): PieceRun | undefined {
  const { plan, running, isWanted, acceptsRanges } = state;
  const end = plan.pieceCount - 1;
  if (running.length >= TRANSFERS_MAX) return undefined;
  if (running.length === 0) {
    const missing = firstWanted(state, 0, end);
    if (missing === undefined) return undefined;
    if (!acceptsRanges) return { first: 0, last: end };
    for (const { first, last } of state.readers) {
      const awaited = firstWanted(state, first, last);
      if (awaited !== undefined) return stretch(state, awaited, end);
    }
    return stretch(state, missing, end);
  }
  if (!acceptsRanges) return undefined;
  for (const { first, last } of state.readers) {
    if (!isWanted(first) || running.some((run) => comesSoon(run, first, plan))) continue;
    const pieces = Math.max(1, Math.floor(ELSEWHERE_BYTES_MAX / plan.pieceLength));
    return stretch(state, first, Math.min(last, first + pieces - 1));
  }
  return bytesAhead(state) < AHEAD_BYTES_MIN ? nextStretch(state) : undefined;
}

function bytesAhead({ plan, running }: TransferState): number {
  return running.reduce((sum, { first, last }) => sum + (last - first + 1) * plan.pieceLength, 0);
}

/** What is missing behind the transfers that run, or else before them. */
function nextStretch(state: TransferState): PieceRun | undefined {
  const { plan, running } = state;
  const end = plan.pieceCount - 1;
  const behind = 1 + Math.max(...running.map(({ last }) => last));
  const isWanted = (number: number) =>
    state.isWanted(number) && !running.some(({ first, last }) => first <= number && number <= last);
  const others = { ...state, isWanted };
  const first = firstWanted(others, behind, end) ?? firstWanted(others, 0, behind - 1);
  return first === undefined ? undefined : stretch(others, first, end);
}

function firstWanted({ isWanted }: TransferState, first: number, last: number): number | undefined {
  for (let number = first; number <= last; number++) if (isWanted(number)) return number;
  return undefined;
}

/** The neighbours that are wanted, from `first` to `last` at most, up to where another transfer is. */
function stretch({ isWanted, running }: TransferState, first: number, last: number): PieceRun {
  const begun = new Set(running.map((run) => run.first));
  let end = first;
  while (end < last && isWanted(end + 1) && !begun.has(end + 1)) end++;
  return { first, last: end };
}

function comesSoon({ first, last }: PieceRun, number: number, { pieceLength }: PiecePlan): boolean {
  return first <= number && number <= last && (number - first) * pieceLength <= Math.max(SOON_BYTES, pieceLength);
}
