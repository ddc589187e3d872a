import { createHash } from "node:crypto";
import type { SharedScripts } from "./shared_scripts.ts";
import type { ClientAddress } from "./client_address.ts";
import { SIGN_IN_LIMITS, type SignInLimiter, type SignInLimits } from "./sign_in_limits.ts";

const { windowMs, networkAttemptsMax, pairAttemptsMax, strangersAttemptsMax, signUpsMax, knownMax } = SIGN_IN_LIMITS;

/** All keys, so that one script may touch several of them in a cluster too. */
const TAG = "{damselfly:sign_in}";
const KNOWN = `${TAG}:known`;

/**
 * Keys: counters by network, by account and network, by account; who is known. Arguments: the window, the most of each
 * counter, who asks, and whether he is no stranger. Returns -1, or the milliseconds until the next attempt.
 */
const TAKE = `
local counters = (ARGV[6] == '1' or redis.call('ZSCORE', KEYS[4], ARGV[5])) and 2 or 3
for i = 1, counters do
  if tonumber(redis.call('GET', KEYS[i]) or '0') >= tonumber(ARGV[i + 1]) then
    return math.max(redis.call('PTTL', KEYS[i]), 0)
  end
end
for i = 1, counters do
  if redis.call('INCR', KEYS[i]) == 1 then redis.call('PEXPIRE', KEYS[i], ARGV[1]) end
end
return -1`;

/** The same keys. Arguments: who asked, whether he was no stranger, and how many are remembered. */
const SUCCEEDED = `
local counters = (ARGV[2] == '1' or redis.call('ZSCORE', KEYS[4], ARGV[1])) and 2 or 3
for i = 1, counters do
  if redis.call('EXISTS', KEYS[i]) == 1 and redis.call('DECR', KEYS[i]) <= 0 then redis.call('DEL', KEYS[i]) end
end
redis.call('ZADD', KEYS[4], redis.call('TIME')[1], ARGV[1])
redis.call('ZREMRANGEBYRANK', KEYS[4], 0, -1 - tonumber(ARGV[3]))
return 0`;

/** Key: a counter. Arguments: the window and the most of it. */
const TAKE_ONE = `
if tonumber(redis.call('GET', KEYS[1]) or '0') >= tonumber(ARGV[2]) then
  return math.max(redis.call('PTTL', KEYS[1]), 0)
end
if redis.call('INCR', KEYS[1]) == 1 then redis.call('PEXPIRE', KEYS[1], ARGV[1]) end
return -1`;

/**
 * The limits of {@link SignInLimits}, counted for all managers in Redis, and by this one alone while Redis is away. Names
 * and networks are kept there as hashes: what people type for a name may be a password.
 */
export class SharedSignInLimits implements SignInLimiter {
  readonly #scripts: SharedScripts;
  readonly #own: SignInLimits;

  constructor(scripts: SharedScripts, own: SignInLimits) {
    this.#scripts = scripts;
    this.#own = own;
  }

  async take(account: string, client: ClientAddress): Promise<number | undefined> {
    const limits = [networkAttemptsMax, pairAttemptsMax, strangersAttemptsMax].map(String);
    const args = [String(windowMs), ...limits, pairOf(account, client), this.#isKnown(account, client)];
    const reply = await this.#scripts.run(TAKE, keysOf(account, client), args);
    return typeof reply === "number" ? waitOf(reply) : this.#own.take(account, client);
  }

  async takeSignUp(client: ClientAddress): Promise<number | undefined> {
    const key = `${TAG}:sign_up:${hash(client.network)}`;
    const reply = await this.#scripts.run(TAKE_ONE, [key], [windowMs, signUpsMax].map(String));
    return typeof reply === "number" ? waitOf(reply) : this.#own.takeSignUp(client);
  }

  async succeeded(account: string, client: ClientAddress): Promise<void> {
    const args = [pairOf(account, client), this.#isKnown(account, client), String(knownMax)];
    // Here too, for the time in which Redis is away; what was not counted here is not taken back.
    this.#own.succeeded(account, client);
    await this.#scripts.run(SUCCEEDED, keysOf(account, client), args);
  }

  /** What this manager knows counts as well: a Redis that has started again knows nobody. */
  #isKnown(account: string, client: ClientAddress): "0" | "1" {
    return this.#own.isKnown(account, client) ? "1" : "0";
  }
}

function waitOf(reply: number): number | undefined {
  return reply < 0 ? undefined : reply;
}

function keysOf(account: string, client: ClientAddress): string[] {
  const counters = { network: hash(client.network), pair: pairOf(account, client), strangers: hash(account) };
  return [...Object.entries(counters).map(([name, value]) => `${TAG}:${name}:${value}`), KNOWN];
}

function pairOf(account: string, { network }: ClientAddress): string {
  return hash(`${network} ${account}`);
}

function hash(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
