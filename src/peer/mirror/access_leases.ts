import { createHash } from "node:crypto";
import type { Clock } from "../../runtime/clock.ts";

/** Whose right to what: the requester's own `Authorization`, and the blob as it was asked for. */
export interface AccessSubject {
  readonly authorization: string | null;
  readonly registry: string;
  readonly repository: string;
  readonly digest: string;
}

const LEASES_MAX = 65_536;

/**
 * Remembers which requester the registry has let at which blob, for a limited time (design §4, "Rights"). Credentials
 * are kept as a hash only. When full, the oldest lease goes: its holder is checked once more.
 */
export class AccessLeases {
  readonly #expiries = new Map<string, number>();
  readonly #clock: Clock;
  readonly #ttlMs: number;

  constructor(clock: Clock, ttlMs: number) {
    this.#clock = clock;
    this.#ttlMs = ttlMs;
  }

  /** Whether the registry has said yes lately. */
  isLive(subject: AccessSubject): boolean {
    const key = keyOf(subject);
    const expiry = this.#expiries.get(key);
    if (expiry === undefined) return false;
    if (expiry > this.#clock.now()) return true;
    this.#expiries.delete(key);
    return false;
  }

  /** Notes that the registry said yes just now. */
  grant(subject: AccessSubject): void {
    const key = keyOf(subject);
    this.#expiries.delete(key);
    this.#expiries.set(key, this.#clock.now() + this.#ttlMs);
    if (this.#expiries.size <= LEASES_MAX) return;
    const oldest = this.#expiries.keys().next();
    if (oldest.done !== true) this.#expiries.delete(oldest.value);
  }

  /** Notes that the registry said no. */
  revoke(subject: AccessSubject): void {
    this.#expiries.delete(keyOf(subject));
  }
}

function keyOf({ authorization, registry, repository, digest }: AccessSubject): string {
  return createHash("sha256").update(JSON.stringify([authorization, registry, repository, digest])).digest("base64");
}
