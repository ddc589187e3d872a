/** A map from texts that anybody may send; full, it forgets all, so that one round too many costs one round. */
export class BoundedMap<V> {
  readonly #map = new Map<string, V>();
  readonly #sizeMax: number;
  readonly #sizeOf: (key: string, value: V) => number;
  #size = 0;

  /** `sizeOf` an entry counts in the unit of `sizeMax`. */
  constructor(sizeMax: number, sizeOf: (key: string, value: V) => number) {
    this.#sizeMax = sizeMax;
    this.#sizeOf = sizeOf;
  }

  get(key: string): V | undefined {
    return this.#map.get(key);
  }

  /** Adds an entry that is not there; one that is larger than the whole map is not kept. */
  add(key: string, value: V): void {
    const size = this.#sizeOf(key, value);
    if (size > this.#sizeMax) return;
    if (this.#size + size > this.#sizeMax) this.clear();
    this.#size += size;
    this.#map.set(key, value);
  }

  clear(): void {
    this.#map.clear();
    this.#size = 0;
  }
}
