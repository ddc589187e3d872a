import { ExpiringMap } from "../../core/expiring_map.ts";
import type { Clock } from "../../runtime/clock.ts";

/** How long a client that does not trust our certificate for a host has his tunnels to it left alone. */
export const DISTRUST_MS = 10 * 60_000;
/** Clients and hosts that are remembered for that. */
const REMEMBERED_MAX = 1_000;
/** Of the name of a program. */
const AGENT_CHARACTERS_MAX = 256;

/** A program on a host, as well as its requests tell it from others there. */
export interface Client {
  readonly ip: string;
  /** Its User-Agent. */
  readonly agent: string | null;
}

/**
 * Who does not trust our certificates, and for which host: without us his pull would succeed, so the next one does too.
 * One program of a host that trusts nobody does not speak for the container runtime beside it.
 */
export class Distrust {
  readonly #clock: Clock;
  readonly #distrusted: ExpiringMap<true>;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#distrusted = new ExpiringMap({ now: () => clock.now(), sizeMax: REMEMBERED_MAX });
  }

  /** Takes note of a client that refused the certificate of a host. */
  add(client: Client, host: string): void {
    this.#distrusted.set(keyOf(client, host), true, this.#clock.now() + DISTRUST_MS);
  }

  /** Whether a client has refused the certificate of a host lately. */
  has(client: Client, host: string): boolean {
    return this.#distrusted.has(keyOf(client, host));
  }
}

function keyOf({ ip, agent }: Client, host: string): string {
  return `${ip} ${host} ${agent?.slice(0, AGENT_CHARACTERS_MAX) ?? ""}`;
}
