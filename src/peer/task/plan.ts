import type { PiecePlan } from "../../core/piece.ts";
import type { Random } from "../../runtime/random.ts";

/** Pieces, from a reader's position on, that are fetched before all others: what the reader waits for, and the next. */
const READER_PIECES_FIRST = 2;

/** What is known when the next piece is chosen. */
export interface PickState<Holder> {
  /** The pieces that are missing and that nobody fetches, with the parents that have them and may be asked. */
  readonly offers: ReadonlyMap<number, readonly Holder[]>;
  /** The pieces that readers wait for. */
  readonly readerPieces: Iterable<number>;
  /** Whether a parent may be asked for one more piece. */
  readonly isFree: (holder: Holder) => boolean;
}

/**
 * Chooses the piece to fetch next: what readers wait for; then what the fewest parents have, so that rare pieces spread
 * and no parent stays the only one; among equals by chance, so that the children of one seed peer come to hold
 * different pieces and can serve each other instead of all asking the seed for the same.
 */
export function pickPiece<Holder>(state: PickState<Holder>, random: Random): number | undefined {
  return urgentPiece(state) ?? rarestPiece(state, random);
}

function urgentPiece<Holder>({ offers, readerPieces, isFree }: PickState<Holder>): number | undefined {
  const positions = [...readerPieces];
  for (let ahead = 0; ahead < READER_PIECES_FIRST; ahead++) {
    const urgent = positions.find((position) => offers.get(position + ahead)?.some(isFree) === true);
    if (urgent !== undefined) return urgent + ahead;
  }
  return undefined;
}

function rarestPiece<Holder>({ offers, isFree }: PickState<Holder>, random: Random): number | undefined {
  let [rarity, equals] = [Infinity, 0];
  let chosen: number | undefined;
  for (const [number, holders] of offers) {
    const { length } = holders;
    if (length > rarity || !holders.some(isFree)) continue;
    equals = length < rarity ? 1 : equals + 1;
    rarity = length;
    // Each of the equals so far is the chosen one with the same chance.
    if (random.below(equals) === 0) chosen = number;
  }
  return chosen;
}

/** The pieces of a plan that are not in `finished`, ascending. */
export function missingPieces(plan: PiecePlan, isFinished: (number: number) => boolean): number[] {
  const missing: number[] = [];
  for (let number = 0; number < plan.pieceCount; number++) if (!isFinished(number)) missing.push(number);
  return missing;
}
