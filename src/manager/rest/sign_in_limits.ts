import type { Clock } from "../../runtime/clock.ts";
import { AttemptLimit } from "./attempt_limit.ts";
import type { ClientAddress } from "./client_address.ts";

const WINDOW_MS = 5 * 60_000;
const KEYS_MAX = 10_000;
/** Failures of one network with one account. */
const PAIR_ATTEMPTS_MAX = 5;
/** Failures of one network with all accounts together. */
const NETWORK_ATTEMPTS_MAX = 50;
/** Failures of all networks from which nobody signed in to an account, with that account. */
const STRANGERS_ATTEMPTS_MAX = 30;
/** Accounts that one network may make. */
const SIGN_UPS_MAX = 10;
/** Accounts and their networks that are remembered as known. */
const KNOWN_MAX = 10_000;

/**
 * Limits guesses of passwords: by network, by account and network, and by account for all strangers together. Whoever
 * guesses from elsewhere does not lock an account's owner out of a network from which he has signed in.
 */
export class SignInLimits {
  readonly #byPair: AttemptLimit;
  readonly #byNetwork: AttemptLimit;
  readonly #byStrangers: AttemptLimit;
  readonly #signUps: AttemptLimit;
  /** Account and network of those who signed in, the one that did so longest ago first. */
  readonly #known = new Set<string>();

  constructor(clock: Clock) {
    const limit = (attemptsMax: number) => {
      return new AttemptLimit({ attemptsMax, windowMs: WINDOW_MS, keysMax: KEYS_MAX }, clock);
    };
    this.#byPair = limit(PAIR_ATTEMPTS_MAX);
    this.#byNetwork = limit(NETWORK_ATTEMPTS_MAX);
    this.#byStrangers = limit(STRANGERS_ATTEMPTS_MAX);
    this.#signUps = limit(SIGN_UPS_MAX);
  }

  /**
   * Counts an attempt. When there were too many, it returns the time in milliseconds until the next is allowed, and counts
   * nothing: a network that is refused must not fill the counters until they forget what others guessed.
   */
  take(account: string, { network, isLocal }: ClientAddress): number | undefined {
    const pair = `${network} ${account}`;
    const isKnown = isLocal || this.#known.has(pair);
    const counters: [AttemptLimit, string][] = [[this.#byNetwork, network], [this.#byPair, pair]];
    if (!isKnown) counters.push([this.#byStrangers, account]);
    for (const [index, [limit, key]] of counters.entries()) {
      const retryAfterMs = limit.take(key);
      if (retryAfterMs === undefined) continue;
      for (const [taken, takenKey] of counters.slice(0, index)) taken.giveBack(takenKey);
      return retryAfterMs;
    }
    return undefined;
  }

  /** Counts a new account, like {@link take}. */
  takeSignUp({ network }: ClientAddress): number | undefined {
    return this.#signUps.take(network);
  }

  /** The attempt was right: it does not count, and its network is known from now on. */
  succeeded(account: string, { network, isLocal }: ClientAddress): void {
    const pair = `${network} ${account}`;
    this.#byNetwork.giveBack(network);
    this.#byPair.giveBack(pair);
    if (!isLocal && !this.#known.delete(pair)) this.#byStrangers.giveBack(account);
    this.#known.add(pair);
    if (this.#known.size > KNOWN_MAX) this.#known.delete(this.#known.values().next().value ?? "");
  }
}
