/** How much is remembered, and what time it is. */
export interface ExpiringMapOptions<V> {
  /** The time, in the unit of the ends that are given. */
  readonly now: () => number;
  /** In the unit of `sizeOf`. */
  readonly sizeMax: number;
  /** Left out, each entry counts as 1. */
  readonly sizeOf?: (key: string, value: V) => number;
}

/** A map whose entries have an end each. When there are too many, those go that were set longest ago. */
export class ExpiringMap<V> {
  readonly #options: ExpiringMapOptions<V>;
  readonly #entries = new Map<string, { readonly value: V; readonly until: number; readonly size: number }>();
  #size = 0;

  constructor(options: ExpiringMapOptions<V>) {
    this.#options = options;
  }

  /** What was set and has not ended; what has is forgotten. */
  get(key: string): V | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined || entry.until > this.#options.now()) return entry?.value;
    this.delete(key);
    return undefined;
  }

  has(key: string): boolean {
    return this.get(key) !== undefined;
  }

  /** Remembers a value until a time; one that is larger than the whole map is not kept, nor one whose end has been. */
  set(key: string, value: V, until: number): void {
    const { now, sizeMax, sizeOf = () => 1 } = this.#options;
    this.delete(key);
    const size = sizeOf(key, value);
    if (size > sizeMax || until <= now()) return;
    this.#entries.set(key, { value, until, size });
    this.#size += size;
    for (const oldest of this.#entries.keys()) {
      if (this.#size <= sizeMax) break;
      this.delete(oldest);
    }
  }

  delete(key: string): void {
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    this.#entries.delete(key);
    this.#size -= entry.size;
  }
}
