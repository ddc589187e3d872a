import type { Digest } from "../../core/digest.ts";
import { ExpiringMap } from "../../core/expiring_map.ts";
import type { Clock } from "../../runtime/clock.ts";
import { replayedHeaders } from "../source/headers.ts";

/** Of all tags that are remembered, each for each of those who may see it: 16,000 of usual registries. */
const CHARACTERS_MAX = 8 * 1024 * 1024;
/** Of one: a registry that says more is not remembered. */
const TAG_CHARACTERS_MAX = 8 * 1024;

/** What a registry said of a tag. */
export interface KnownTag {
  readonly digest: Digest;
  /** Of its answer to a HEAD, those that a later requester may be told. */
  readonly headers: Readonly<Record<string, string>>;
}

/** What registries said of tags lately: it counts while a registry says nothing. */
export class TagMemory {
  readonly #tags: ExpiringMap<KnownTag>;
  readonly #clock: Clock;
  readonly #leaseMs: number;

  /** `leaseMs`: for how long a tag is remembered; 0: not at all. */
  constructor(clock: Clock, leaseMs: number) {
    this.#clock = clock;
    this.#leaseMs = leaseMs;
    this.#tags = new ExpiringMap({ now: () => clock.now(), sizeMax: CHARACTERS_MAX, sizeOf: charactersOf });
  }

  /** `key` says which tag it is, and who was told; `answered` are the headers of the answer to a HEAD. */
  remember(key: string, digest: Digest, answered: Headers): void {
    const length = answered.get("content-length");
    const headers = { ...replayedHeaders(answered), ...(length !== null && { "content-length": length }) };
    const tag = { digest, headers };
    if (charactersOf(key, tag) > TAG_CHARACTERS_MAX) return this.#tags.delete(key);
    this.#tags.set(key, tag, this.#clock.now() + this.#leaseMs);
  }

  /** What is to be known no longer, since the registry has said otherwise. */
  forget(key: string): void {
    this.#tags.delete(key);
  }

  get(key: string): KnownTag | undefined {
    return this.#tags.get(key);
  }
}

function charactersOf(key: string, { digest, headers }: KnownTag): number {
  return Object.entries(headers).flat().reduce((sum, text) => sum + text.length, key.length + digest.text.length);
}
