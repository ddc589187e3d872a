import type { PiecePlan } from "../../core/piece.ts";
import { type Chance, RandomSet, sampled } from "../../core/random_set.ts";

/** Pieces, from a reader's position on, that are fetched before all others: what the reader waits for, and the next. */
const READER_PIECES_FIRST = 2;

/** What is known when the next piece is chosen. */
export interface PickState<Holder> {
  readonly offers: Offers<Holder>;
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
export function pickPiece<Holder>(state: PickState<Holder>, random: Chance): number | undefined {
  return urgentPiece(state) ?? state.offers.rarest(state.isFree, random);
}

function urgentPiece<Holder>({ offers, readerPieces, isFree }: PickState<Holder>): number | undefined {
  const positions = [...readerPieces];
  for (let ahead = 0; ahead < READER_PIECES_FIRST; ahead++) {
    const urgent = positions.find((position) => offers.holders(position + ahead).some(isFree));
    if (urgent !== undefined) return urgent + ahead;
  }
  return undefined;
}

/**
 * The pieces that are missing and that nobody fetches, with the parents that have them and may be asked. There may be
 * very many of them, and few parents: each parent has his pieces by how many parents have them, so that to choose one
 * takes a look at the parents and none at the pieces.
 */
export class Offers<Holder> {
  readonly #holders = new Map<number, readonly Holder[]>();
  /** The pieces of each parent; at place n those that n parents have. */
  readonly #byHolder = new Map<Holder, RandomSet<number>[]>();

  /** The pieces that are offered. */
  get pieces(): number[] {
    return [...this.#holders.keys()];
  }

  /** Who offers a piece. */
  holders(number: number): readonly Holder[] {
    return this.#holders.get(number) ?? [];
  }

  /** From now on a piece is offered by these parents, and by nobody else. */
  set(number: number, holders: readonly Holder[]): void {
    this.delete(number);
    if (holders.length === 0) return;
    this.#holders.set(number, holders);
    for (const holder of holders) {
      const pieces = this.#byHolder.get(holder) ?? [];
      this.#byHolder.set(holder, pieces);
      while (pieces.length <= holders.length) pieces.push(new RandomSet());
      pieces[holders.length]?.add(number);
    }
  }

  /** Takes back a piece; nothing happens when it is not offered. */
  delete(number: number): void {
    const holders = this.holders(number);
    this.#holders.delete(number);
    for (const holder of holders) this.#byHolder.get(holder)?.[holders.length]?.delete(number);
  }

  /** One of the pieces that the fewest parents have, of those that somebody has who is free. */
  rarest(isFree: (holder: Holder) => boolean, random: Chance): number | undefined {
    let rarity = Infinity;
    let rarest: RandomSet<number>[] = [];
    for (const [holder, pieces] of this.#byHolder) {
      if (!isFree(holder)) continue;
      const least = pieces.findIndex(({ size }) => size > 0);
      if (least < 0 || least > rarity) continue;
      if (least < rarity) rarest = [];
      rarity = least;
      rarest.push(pieces[least] as RandomSet<number>);
    }
    const [piece] = sampled(rarest, 1, random);
    return piece;
  }
}

/** The pieces of a plan that are not in `finished`, ascending. */
export function missingPieces(plan: PiecePlan, isFinished: (number: number) => boolean): number[] {
  const missing: number[] = [];
  for (let number = 0; number < plan.pieceCount; number++) if (!isFinished(number)) missing.push(number);
  return missing;
}
