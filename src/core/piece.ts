import type { ByteRange } from "./byte_range.ts";
import { DamselflyError } from "./error.ts";
import { invariant } from "./invariant.ts";

const KIB = 1024;
const MIB = 1024 * KIB;

/** The rule by which peers agree on a piece length without talking: ours, or the stock one of wire.md §3.3. */
export type PieceLengthRule = "damselfly" | "dragonfly";

/** Bounds, in bytes, of a piece length that somebody asks for: those of stock schedulers (wire.md §1.4). */
export const PIECE_LENGTH_MIN = 4 * MIB;
export const PIECE_LENGTH_MAX = 64 * MIB;

/** A piece length that somebody asks for, in bytes. Throws `invalid_argument` when it is out of bounds. */
export function askedPieceLength(bytes: number): number {
  if (Number.isSafeInteger(bytes) && bytes >= PIECE_LENGTH_MIN && bytes <= PIECE_LENGTH_MAX) return bytes;
  throw new DamselflyError("invalid_argument", `Cannot cut into pieces of ${bytes} bytes: expected 4MiB to 64MiB`);
}

/** Pieces of one content; all of them are in lists of some tens of bytes each, and in messages. */
export const PIECES_MAX = 100_000;

interface RuleLimits {
  /** The content is cut into about this many pieces, between the two bounds. */
  readonly piecesTarget: number;
  readonly lengthBytesMin: number;
  readonly lengthBytesMax: number;
}

/**
 * The longer a piece takes, the longer it is before those that have it can pass it on, so ours cuts finer than the stock
 * rule; below 512 KiB the cost of a piece (a report, a row) begins to show. docs/scheduling.md has the figures.
 */
const RULES: Record<PieceLengthRule, RuleLimits> = {
  damselfly: { piecesTarget: 512, lengthBytesMin: 512 * KIB, lengthBytesMax: 16 * MIB },
  dragonfly: { piecesTarget: 500, lengthBytesMin: PIECE_LENGTH_MIN, lengthBytesMax: PIECE_LENGTH_MAX },
};

/** The piece length, in bytes, of a content of `contentLength` bytes: a pure function, the same on each peer. */
export function pieceLengthOf(contentLength: number, rule: PieceLengthRule): number {
  const { piecesTarget, lengthBytesMin, lengthBytesMax } = RULES[rule];
  return Math.min(lengthBytesMax, Math.max(lengthBytesMin, nextPowerOfTwo(Math.floor(contentLength / piecesTarget))));
}

/** Piece lengths, in bytes, that a peer takes over from others: from our shortest to the longest of the stock rule. */
const TAKEN_OVER = { min: RULES.damselfly.lengthBytesMin, max: RULES.dragonfly.lengthBytesMax };

/** Whether a piece length that others name may be taken over. */
export function isUsualPieceLength(pieceLength: number): boolean {
  return Number.isSafeInteger(pieceLength) && pieceLength >= TAKEN_OVER.min && pieceLength <= TAKEN_OVER.max;
}

function nextPowerOfTwo(value: number): number {
  let power = 1;
  while (power < value) power *= 2;
  return power;
}

/** How a content is cut: lengths in bytes, and the number of pieces. */
export interface PiecePlan {
  readonly contentLength: number;
  readonly pieceLength: number;
  readonly pieceCount: number;
}

/** The plan for a content cut into pieces of `pieceLength` bytes; the last piece is the remainder. */
export function piecePlan(contentLength: number, pieceLength: number): PiecePlan {
  invariant(Number.isSafeInteger(contentLength) && contentLength >= 0, `content length is ${contentLength}`);
  invariant(Number.isSafeInteger(pieceLength) && pieceLength > 0, `piece length is ${pieceLength}`);
  return { contentLength, pieceLength, pieceCount: Math.ceil(contentLength / pieceLength) };
}

/** The plan of a peer that follows `rule`. */
export function planByRule(contentLength: number, rule: PieceLengthRule): PiecePlan {
  return piecePlan(contentLength, pieceLengthOf(contentLength, rule));
}

/** Whether the plan is that of our own rule, and peers that follow the stock rule cut the content otherwise. */
export function isOwnPlan({ contentLength, pieceLength, pieceCount }: PiecePlan): boolean {
  return pieceCount > 1 && pieceLength === pieceLengthOf(contentLength, "damselfly") &&
    pieceLength !== pieceLengthOf(contentLength, "dragonfly");
}

/** A piece as a peer describes it; lengths in bytes. */
export interface DescribedPiece {
  readonly number: number;
  readonly offset: number;
  readonly length: number;
}

/**
 * The plan by which a content has this piece, undefined when there is none, or none that may be taken over. Of a piece
 * that is all of the content the plan is that of the stock rule, if it has room.
 */
export function planWith(contentLength: number, { number, offset, length }: DescribedPiece): PiecePlan | undefined {
  const isWhole = number === 0 && length === contentLength;
  const guess = number === 0 ? length : offset / number;
  const pieceLength = isWhole ? Math.max(length, pieceLengthOf(contentLength, "dragonfly")) : guess;
  if (!isUsualPieceLength(pieceLength)) return undefined;
  const plan = piecePlan(contentLength, pieceLength);
  return isPieceOf(plan, { number, offset, length }) ? plan : undefined;
}

/** Whether the plan has exactly this piece. */
export function isPieceOf(plan: PiecePlan, { number, offset, length }: DescribedPiece): boolean {
  if (number >= plan.pieceCount) return false;
  const { start, end } = pieceRange(plan, number);
  return offset === start && length === end - start;
}

/** The bytes of piece `number`. */
export function pieceRange(plan: PiecePlan, number: number): ByteRange {
  invariant(number >= 0 && number < plan.pieceCount, `piece ${number} is not one of ${plan.pieceCount}`);
  const start = number * plan.pieceLength;
  return { start, end: Math.min(plan.contentLength, start + plan.pieceLength) };
}

/** The number of the piece that holds the byte at `position`. */
export function pieceAt(plan: PiecePlan, position: number): number {
  return Math.floor(position / plan.pieceLength);
}

/** The numbers, ascending, of all pieces that overlap `range`. */
export function piecesOf(plan: PiecePlan, range: ByteRange): number[] {
  if (range.end <= range.start) return [];
  const first = pieceAt(plan, range.start);
  const last = Math.min(plan.pieceCount, pieceAt(plan, range.end - 1) + 1);
  const numbers: number[] = [];
  for (let number = first; number < last; number++) numbers.push(number);
  return numbers;
}

/** A run of neighbouring pieces, `first` to `last` included, so that one request to the source can fetch it. */
export interface PieceRun {
  readonly first: number;
  readonly last: number;
}
