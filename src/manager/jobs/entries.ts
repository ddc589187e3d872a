import type { JsonObject } from "../store/records.ts";

/** A list that stays of a size that a row can hold: what is too much is only counted. */
export class Entries {
  readonly #charactersMax: number;
  readonly #list: JsonObject[] = [];
  /** Characters of the list until the end of each entry. */
  readonly #ends: number[] = [];
  #isFull = false;
  #count = 0;

  constructor(charactersMax: number) {
    this.#charactersMax = charactersMax;
  }

  /** How many were added. */
  get count(): number {
    return this.#count;
  }

  /** Whether one was only counted; then all that follow are. */
  get isFull(): boolean {
    return this.#isFull;
  }

  add(entry: JsonObject): void {
    this.#count += 1;
    if (this.#isFull) return;
    const end = (this.#ends.at(-1) ?? 0) + JSON.stringify(entry).length;
    this.#isFull = end > this.#charactersMax;
    if (this.#isFull) return;
    this.#list.push(entry);
    this.#ends.push(end);
  }

  /** The first of them, as many as `charactersMax` characters of JSON hold. */
  first(charactersMax: number): JsonObject[] {
    const count = this.#ends.findIndex((end) => end > charactersMax);
    return count === -1 ? [...this.#list] : this.#list.slice(0, count);
  }
}
