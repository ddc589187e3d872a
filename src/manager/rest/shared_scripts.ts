import type { Clock } from "../../runtime/clock.ts";
import type { Log } from "../../runtime/log.ts";
import type { RedisReply } from "../../redis/client.ts";
import type { Redis } from "../../redis/redis.ts";

/** How long a request waits for Redis; one that is asked by somebody is never held up by it. */
const LIMIT_MS = 500;
/** After an answer that did not come in time it is not asked for so long: a Redis that hangs must not cost each request the limit. */
const PAUSE_MS = 1_000;
/** How often a failure is said. */
const WARNING_INTERVAL_MS = 60_000;

/** What {@link SharedScripts} work with. */
export interface SharedScriptsOptions {
  readonly redis: Redis;
  readonly clock: Clock;
  readonly log: Log;
}

/** Counts that managers share: small scripts, each one step for all of them, which must never be in the way. */
export class SharedScripts {
  readonly #options: SharedScriptsOptions;
  #pausedUntilMs = -Infinity;
  #warnedAtMs = -Infinity;

  constructor(options: SharedScriptsOptions) {
    this.#options = options;
  }

  /**
   * Runs a script on keys, which must have a hash tag in common, for a cluster keeps them on one node. Undefined when Redis
   * does not answer within half a second: then the caller counts by itself.
   */
  async run(script: string, keys: readonly string[], args: readonly string[]): Promise<RedisReply | undefined> {
    const { redis, clock, log } = this.#options;
    const startedAtMs = clock.now();
    if (startedAtMs < this.#pausedUntilMs) return undefined;
    const command = ["EVAL", script, String(keys.length), ...keys, ...args];
    try {
      return await redis.send(keys[0] ?? "", command, { timeoutMs: LIMIT_MS });
    } catch (error) {
      const now = clock.now();
      if (now - startedAtMs >= LIMIT_MS) this.#pausedUntilMs = now + PAUSE_MS;
      if (now - this.#warnedAtMs >= WARNING_INTERVAL_MS) {
        this.#warnedAtMs = now;
        log.warn("Sign-ins and jobs are limited by this manager alone, for Redis does not count them", { error });
      }
      return undefined;
    }
  }
}
