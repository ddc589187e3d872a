/** Chance as an argument. */
export interface Chance {
  /** An integer in [0, bound). */
  below(bound: number): number;
}

/** A set of which one can take the member at a place, so that a sample costs as much as it is large. */
export class RandomSet<T> implements Iterable<T> {
  readonly #items: T[] = [];
  readonly #places = new Map<T, number>();

  get size(): number {
    return this.#items.length;
  }

  has(item: T): boolean {
    return this.#places.has(item);
  }

  /** Adds a member, if it is none yet. */
  add(item: T): void {
    if (this.#places.has(item)) return;
    this.#places.set(item, this.#items.push(item) - 1);
  }

  /** Takes a member out; the last one moves to its place. */
  delete(item: T): void {
    const place = this.#places.get(item);
    if (place === undefined) return;
    this.#places.delete(item);
    const last = this.#items.pop() as T;
    if (last === item) return;
    this.#items[place] = last;
    this.#places.set(last, place);
  }

  /** The member at a place in [0, size). */
  at(place: number): T {
    return this.#items[place] as T;
  }

  [Symbol.iterator](): Iterator<T> {
    return this.#items[Symbol.iterator]();
  }
}

/** Up to `count` members of all sets together, in random order: the beginning of a shuffle that moves nothing. */
export function* sampled<T>(sets: readonly RandomSet<T>[], count: number, chance: Chance): Generator<T> {
  const size = sets.reduce((sum, set) => sum + set.size, 0);
  const moved = new Map<number, number>();
  for (let index = 0; index < Math.min(size, count); index++) {
    const other = index + chance.below(size - index);
    yield memberOf(sets, moved.get(other) ?? other);
    moved.set(other, moved.get(index) ?? index);
  }
}

function memberOf<T>(sets: readonly RandomSet<T>[], place: number): T {
  let left = place;
  for (const set of sets) {
    if (left < set.size) return set.at(left);
    left -= set.size;
  }
  throw new RangeError(`there is no member ${place}`);
}
