import type { Clock } from "../../runtime/clock.ts";
import { AttemptLimit } from "./attempt_limit.ts";
import type { ClientAddress } from "./client_address.ts";

/** How many sign-ins are allowed, and for how long. */
export const SIGN_IN_LIMITS = {
  windowMs: 5 * 60_000,
  /** Failures of one network with one account. */
  pairAttemptsMax: 5,
  /** Failures of one network with all accounts together. */
  networkAttemptsMax: 50,
  /** Failures of all networks from which nobody signed in to an account, with that account. */
  strangersAttemptsMax: 30,
  /** Accounts that one network may make. */
  signUpsMax: 10,
  /** Accounts and their networks that are remembered as known. */
  knownMax: 10_000,
} as const;
const KEYS_MAX = 10_000;

/** Limits sign-ins, for one manager or for all. */
export interface SignInLimiter {
  /**
   * Counts an attempt. When there were too many, it gives the time in milliseconds until the next is allowed, and counts
   * nothing: a network that is refused must not fill the counters until they forget what others guessed.
   */
  take(account: string, client: ClientAddress): number | undefined | Promise<number | undefined>;
  /** Counts a new account, like {@link take}. */
  takeSignUp(client: ClientAddress): number | undefined | Promise<number | undefined>;
  /** The attempt was right: it does not count, and its network is known from now on. */
  succeeded(account: string, client: ClientAddress): void | Promise<void>;
}

/**
 * Limits guesses of passwords: by network, by account and network, and by account for all strangers together. Whoever
 * guesses from elsewhere does not lock an account's owner out of a network from which he has signed in.
 */
export class SignInLimits implements SignInLimiter {
  readonly #byPair: AttemptLimit;
  readonly #byNetwork: AttemptLimit;
  readonly #byStrangers: AttemptLimit;
  readonly #signUps: AttemptLimit;
  /** Account and network of those who signed in, the one that did so longest ago first. */
  readonly #known = new Set<string>();

  constructor(clock: Clock) {
    const limit = (attemptsMax: number) => {
      return new AttemptLimit({ attemptsMax, windowMs: SIGN_IN_LIMITS.windowMs, keysMax: KEYS_MAX }, clock);
    };
    this.#byPair = limit(SIGN_IN_LIMITS.pairAttemptsMax);
    this.#byNetwork = limit(SIGN_IN_LIMITS.networkAttemptsMax);
    this.#byStrangers = limit(SIGN_IN_LIMITS.strangersAttemptsMax);
    this.#signUps = limit(SIGN_IN_LIMITS.signUpsMax);
  }

  take(account: string, client: ClientAddress): number | undefined {
    const { network } = client;
    const counters: [AttemptLimit, string][] = [[this.#byNetwork, network], [this.#byPair, `${network} ${account}`]];
    if (!this.isKnown(account, client)) counters.push([this.#byStrangers, account]);
    for (const [index, [limit, key]] of counters.entries()) {
      const retryAfterMs = limit.take(key);
      if (retryAfterMs === undefined) continue;
      for (const [taken, takenKey] of counters.slice(0, index)) taken.giveBack(takenKey);
      return retryAfterMs;
    }
    return undefined;
  }

  /** Whether somebody signed in to the account from there, or is on this machine. */
  isKnown(account: string, { network, isLocal }: ClientAddress): boolean {
    return isLocal || this.#known.has(`${network} ${account}`);
  }

  takeSignUp({ network }: ClientAddress): number | undefined {
    return this.#signUps.take(network);
  }

  succeeded(account: string, { network, isLocal }: ClientAddress): void {
    const pair = `${network} ${account}`;
    this.#byNetwork.giveBack(network);
    this.#byPair.giveBack(pair);
    if (!isLocal && !this.#known.delete(pair)) this.#byStrangers.giveBack(account);
    this.#known.add(pair);
    if (this.#known.size > SIGN_IN_LIMITS.knownMax) this.#known.delete(this.#known.values().next().value ?? "");
  }
}
