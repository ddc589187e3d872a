import { DamselflyError } from "../core/error.ts";
import type { Clock } from "./clock.ts";

/** Requests that were not used in a second come on top, and no more than those. */
const BURST_MS = 1_000;

/** What a {@link RequestRate} allows. */
export interface RequestRateOptions {
  readonly perSecond: number;
  /** Requests that wait for their turn at most, one or more; left out, those of a second. */
  readonly waitingMax?: number;
  /** The key of the configuration that says so, for whoever is turned away. */
  readonly key: string;
  readonly clock: Clock;
}

interface Waiter {
  readonly begin: () => void;
  readonly refuse: (error: unknown) => void;
}

/**
 * Lets so many requests begin in a second. Those above it wait for a moment: callers take turns, and those of one caller
 * keep their order. Where too many wait it is the newest one of the caller who has the most that is turned away.
 */
export class RequestRate {
  readonly #options: RequestRateOptions;
  readonly #intervalMs: number;
  readonly #waitingMax: number;
  /** When the next request begins if requests come at just that rate. */
  #nextAt = -Infinity;
  /** Who waits of each caller; the first caller is the next. */
  readonly #callers = new Map<string, Waiter[]>();
  /** Callers by how many of theirs wait: who has the most is found without a look at thousands of others. */
  readonly #byCount: Set<string>[] = [];
  #waitingCount = 0;
  /** Ends the pause of who serves them. */
  #pause = new AbortController();

  constructor(options: RequestRateOptions) {
    this.#options = options;
    this.#intervalMs = 1_000 / options.perSecond;
    this.#waitingMax = options.waitingMax ?? options.perSecond;
  }

  /** Resolves when a request may begin. Throws `resource_exhausted` for one too many, or the signal's reason. */
  async turn(caller: string, signal: AbortSignal): Promise<void> {
    if (this.#waitingCount === 0 && this.#passesNow()) return;
    await this.#wait(caller, signal);
  }

  #passesNow(): boolean {
    const now = this.#options.clock.now();
    const at = Math.max(this.#nextAt, now - BURST_MS);
    if (at > now) return false;
    this.#nextAt = at + this.#intervalMs;
    return true;
  }

  #wait(caller: string, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason);
      const onAbort = () => {
        this.#remove(caller, waiter);
        reject(signal.reason);
      };
      const settled = <A extends unknown[]>(then: (...args: A) => void) => (...args: A) => {
        signal.removeEventListener("abort", onAbort);
        then(...args);
      };
      const waiter = { begin: settled(resolve), refuse: settled(reject) };
      signal.addEventListener("abort", onAbort, { once: true });
      const waiters = this.#callers.get(caller) ?? [];
      this.#callers.set(caller, waiters);
      waiters.push(waiter);
      this.#counted(caller, waiters.length - 1, waiters.length);
      if (this.#waitingCount === 1) void this.#serve();
      else if (this.#waitingCount > this.#waitingMax) this.#refuseOne(caller);
    });
  }

  async #serve(): Promise<void> {
    this.#pause = new AbortController();
    const { signal } = this.#pause;
    const { clock } = this.#options;
    while (!signal.aborted) {
      while (this.#waitingCount > 0 && this.#passesNow()) this.#beginNext();
      if (this.#waitingCount === 0) return;
      await clock.sleep(Math.max(1, this.#nextAt - clock.now()), signal).catch(() => {});
    }
  }

  /** Begins a request of the caller whose turn it is; the next turn is another's. */
  #beginNext(): void {
    const [caller, waiters] = this.#callers.entries().next().value ?? ["", []];
    const waiter = waiters.shift();
    this.#callers.delete(caller);
    if (waiters.length > 0) this.#callers.set(caller, waiters);
    this.#counted(caller, waiters.length + 1, waiters.length);
    waiter?.begin();
  }

  /** One too many came from `newest`. */
  #refuseOne(newest: string): void {
    const [first = newest] = this.#byCount.at(-1) ?? [];
    const most = this.#byCount.at(-1)?.has(newest) === true ? newest : first;
    const waiter = this.#callers.get(most)?.at(-1);
    if (waiter === undefined) return;
    this.#remove(most, waiter);
    const what = `Too many requests in a second: raise ${this.#options.key} if this host can serve more`;
    waiter.refuse(new DamselflyError("resource_exhausted", what));
  }

  #remove(caller: string, waiter: Waiter): void {
    const waiters = this.#callers.get(caller) ?? [];
    const at = waiters.indexOf(waiter);
    if (at < 0) return;
    waiters.splice(at, 1);
    if (waiters.length === 0) this.#callers.delete(caller);
    this.#counted(caller, waiters.length + 1, waiters.length);
    if (this.#waitingCount === 0) this.#pause.abort();
  }

  /** One request more or less of a caller waits. */
  #counted(caller: string, before: number, now: number): void {
    this.#waitingCount += now - before;
    this.#byCount[before]?.delete(caller);
    if (now > 0) (this.#byCount[now] ??= new Set()).add(caller);
    while (this.#byCount.at(-1)?.size === 0) this.#byCount.pop();
  }
}
