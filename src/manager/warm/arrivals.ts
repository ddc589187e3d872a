import type { Clock } from "../../runtime/clock.ts";
import { type HostName, LEFT_AFTER_MS } from "./host_plan.ts";
import { hostKey } from "./job_outcome.ts";

/** Hosts that are remembered; full, all are forgotten, and each of them arrives once more. */
const HOSTS_REMEMBERED_MAX = 50_000;

/**
 * Notices hosts that ask for schedulers and have not for a while. That is only a hint to look at once who is there: what
 * hosts were brought to is stored, so that a manager that starts again and sees all of them arrive orders nothing.
 */
export class Arrivals {
  readonly #clock: Clock;
  readonly #seenAtMs = new Map<string, number>();
  #lastAtMs = -Infinity;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** When the last host arrived, on the monotonic clock. */
  get lastAtMs(): number {
    return this.#lastAtMs;
  }

  /** Notes that a host asks. */
  note(host: HostName): void {
    const key = hostKey(host);
    const now = this.#clock.now();
    const before = this.#seenAtMs.get(key) ?? -Infinity;
    if (before === -Infinity && this.#seenAtMs.size >= HOSTS_REMEMBERED_MAX) this.#seenAtMs.clear();
    this.#seenAtMs.set(key, now);
    if (now - before >= LEFT_AFTER_MS) this.#lastAtMs = now;
  }
}
