import { createHash } from "node:crypto";
import { ExpiringMap } from "../../core/expiring_map.ts";
import type { Clock } from "../../runtime/clock.ts";

/** Whose right to what: all headers that may have proved it, the URL, and from where. */
export interface AccessSubject {
  readonly rights: readonly (readonly [name: string, value: string])[];
  readonly url: string;
  /** A process of this host asks, which may be sent on to where others may not go. */
  readonly isOfThisHost: boolean;
}

const LEASES_MAX = 65_536;

/**
 * Remembers which requester a source has let at which content, for a limited time (design §4, "Rights"). Credentials
 * are kept as a hash only. When full, the oldest lease goes: its holder is checked once more.
 *
 * What it protects: requesters who share a node and come through its mirror to the same registry see only what their
 * own credentials open there. What it does not, unless `proxy.allowedRegistries` says which registries requests may
 * name: blobs are shared across registries by digest, so who may reach the mirror and knows the digest of a private blob
 * that the swarm has can name a registry of his own that says yes. The digest is then the secret, as it is on the ports
 * for peers, and the mirror's loopback address keeps other machines out.
 */
export class AccessLeases {
  readonly #leases: ExpiringMap<true>;
  readonly #clock: Clock;
  readonly #ttlMs: number;

  constructor(clock: Clock, ttlMs: number) {
    this.#clock = clock;
    this.#leases = new ExpiringMap({ now: () => clock.now(), sizeMax: LEASES_MAX });
    this.#ttlMs = ttlMs;
  }

  /** Whether the source has said yes lately. */
  isLive(subject: AccessSubject): boolean {
    return this.#leases.has(subjectKey(subject));
  }

  /** Notes that the source said yes just now. */
  grant(subject: AccessSubject): void {
    this.#leases.set(subjectKey(subject), true, this.#clock.now() + this.#ttlMs);
  }
}

/** What tells one subject from another, without what it says in clear. */
export function subjectKey({ rights, url, isOfThisHost }: AccessSubject): string {
  return createHash("sha256").update(JSON.stringify([rights, url, isOfThisHost])).digest("base64");
}
