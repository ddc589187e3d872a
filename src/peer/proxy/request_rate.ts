import { DamselflyError } from "../../core/error.ts";
import type { Clock } from "../../runtime/clock.ts";

/** How long a request waits for its turn; container runtimes wait 30 s for an answer. */
const QUEUE_MS = 2_000;
/** Requests that were not used in a second come on top, and no more than those. */
const BURST_MS = 1_000;

/** Lets so many requests begin in a second. Those above it wait for a moment, in the order in which they came. */
export class RequestRate {
  readonly #clock: Clock;
  readonly #intervalMs: number;
  /** When the next request begins if requests come at just that rate. */
  #nextAt = -Infinity;

  constructor(perSecond: number, clock: Clock) {
    this.#clock = clock;
    this.#intervalMs = 1_000 / perSecond;
  }

  /** Resolves when a request may begin. Throws `resource_exhausted` for one too many, or the signal's reason. */
  async turn(signal: AbortSignal): Promise<void> {
    const now = this.#clock.now();
    const at = Math.max(this.#nextAt, now - BURST_MS);
    const waitMs = at - now;
    if (waitMs > QUEUE_MS) {
      const what = "Too many requests in a second: raise proxy.server.requestRateLimit if this host can serve more";
      throw new DamselflyError("resource_exhausted", what);
    }
    this.#nextAt = at + this.#intervalMs;
    if (waitMs > 0) await this.#clock.sleep(waitMs, signal);
  }
}
