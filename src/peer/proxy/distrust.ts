import type { Clock } from "../../runtime/clock.ts";

/** How long a client that does not trust our certificate for a host has his tunnels to it left alone. */
export const DISTRUST_MS = 10 * 60_000;
/** Clients and hosts that are remembered for that. */
const REMEMBERED_MAX = 1_000;

/**
 * Who does not trust our certificates, and for which host: without us his pull would succeed, so the next one does too.
 */
export class Distrust {
  readonly #clock: Clock;
  /** Until when, in the order of that. */
  readonly #untilMs = new Map<string, number>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Takes note of a client that refused the certificate of a host. */
  add(client: string, host: string): void {
    const key = keyOf(client, host);
    this.#untilMs.delete(key);
    this.#untilMs.set(key, this.#clock.now() + DISTRUST_MS);
    const [oldest] = this.#untilMs.keys();
    if (oldest !== undefined && this.#untilMs.size > REMEMBERED_MAX) this.#untilMs.delete(oldest);
  }

  /** Whether a client has refused the certificate of a host lately. */
  has(client: string, host: string): boolean {
    return (this.#untilMs.get(keyOf(client, host)) ?? -Infinity) > this.#clock.now();
  }
}

function keyOf(client: string, host: string): string {
  return `${client} ${host}`;
}
