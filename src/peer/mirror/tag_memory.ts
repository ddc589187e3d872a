import type { Digest } from "../../core/digest.ts";
import type { Clock } from "../../runtime/clock.ts";

/** Tags that are remembered, each for each of those who may see it; the one that was seen longest ago goes first. */
const TAGS_MAX = 16_384;

/** What a registry said of a tag. */
export interface KnownTag {
  readonly digest: Digest;
  /** Of its answer to a HEAD. */
  readonly headers: readonly (readonly [name: string, value: string])[];
}

/** What registries said of tags lately: it counts while a registry says nothing. */
export class TagMemory {
  readonly #tags = new Map<string, { readonly tag: KnownTag; readonly expiry: number }>();
  readonly #clock: Clock;
  readonly #leaseMs: number;

  /** `leaseMs`: for how long a tag is remembered; 0: not at all. */
  constructor(clock: Clock, leaseMs: number) {
    this.#clock = clock;
    this.#leaseMs = leaseMs;
  }

  /** `key` says which tag it is, and who was told. */
  remember(key: string, tag: KnownTag): void {
    this.#tags.delete(key);
    if (this.#leaseMs === 0) return;
    this.#tags.set(key, { tag, expiry: this.#clock.now() + this.#leaseMs });
    if (this.#tags.size <= TAGS_MAX) return;
    const oldest = this.#tags.keys().next();
    if (oldest.done !== true) this.#tags.delete(oldest.value);
  }

  /** What is to be known no longer, since the registry has said otherwise. */
  forget(key: string): void {
    this.#tags.delete(key);
  }

  get(key: string): KnownTag | undefined {
    const known = this.#tags.get(key);
    if (known === undefined) return undefined;
    if (known.expiry > this.#clock.now()) return known.tag;
    this.#tags.delete(key);
    return undefined;
  }
}
