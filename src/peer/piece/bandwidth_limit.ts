import type { Clock } from "../../runtime/clock.ts";

/** What was not used for so long comes on top, and no more than that. */
const BURST_MS = 100;
/** A turn is what passes in so long, within limits: short turns share evenly, and long ones cost less. Nor is anybody looked after more often. */
const TURN_MS = 5;
const TURN_BYTES_MIN = 16 * 1024;
const TURN_BYTES_MAX = 256 * 1024;

/** Says when bytes may pass. */
export interface BandwidthLimit {
  /**
   * Resolves when some of `wanted` bytes may pass, at least one of them; to how many. Flows that wait share what there
   * is in turns, however many of their members wait. Rejects with the signal's reason when that comes first.
   */
  take(flow: string, wanted: number, signal: AbortSignal): Promise<number> | number;
  /** Resolves when all of `bytes` may pass: to the milliseconds for which they were held. Rejects as {@link take}. */
  pass(flow: string, bytes: number, signal: AbortSignal): Promise<number> | number;
}

/** Everything passes. */
export const UNLIMITED: BandwidthLimit = { take: (_flow, wanted) => wanted, pass: () => 0 };

interface Waiter {
  readonly wanted: number;
  /** Whether all of it is wanted together. */
  readonly isWhole: boolean;
  granted: number;
  readonly serve: (bytes: number) => void;
}

/** Who waits of a flow, and how far it is: its bytes, counted from what others had when it began to wait. */
interface Flow {
  served: number;
  readonly members: Waiter[];
}

/** Lets so many bytes pass in a second. */
export function limitBandwidth(bytesPerSecond: number, clock: Clock): BandwidthLimit {
  return new SharedBandwidth(bytesPerSecond, clock);
}

class SharedBandwidth implements BandwidthLimit {
  readonly #bytesPerMs: number;
  readonly #clock: Clock;
  readonly #turnBytes: number;
  readonly #budgetMax: number;
  /** What may pass now. */
  #budget: number;
  #countedAt: number;
  /** Flows that somebody waits of, and those that are further than the others and may come back. */
  readonly #flows = new Map<string, Flow>();
  #waitingCount = 0;
  /** How far the flow was that was served last. */
  #served = 0;
  /** Ends the pause of who serves them. */
  #pause = new AbortController();

  constructor(bytesPerSecond: number, clock: Clock) {
    this.#bytesPerMs = bytesPerSecond / 1_000;
    this.#clock = clock;
    this.#turnBytes = Math.round(Math.min(TURN_BYTES_MAX, Math.max(TURN_BYTES_MIN, this.#bytesPerMs * TURN_MS)));
    this.#budgetMax = Math.max(this.#turnBytes, this.#bytesPerMs * BURST_MS);
    this.#budget = this.#budgetMax;
    this.#countedAt = clock.now();
  }

  take(flow: string, wanted: number, signal: AbortSignal): Promise<number> | number {
    return this.#passesNow(wanted) ? wanted : this.#wait(flow, wanted, false, signal);
  }

  pass(flow: string, bytes: number, signal: AbortSignal): Promise<number> | number {
    return this.#passesNow(bytes) ? 0 : this.#hold(flow, bytes, signal);
  }

  async #hold(flow: string, bytes: number, signal: AbortSignal): Promise<number> {
    const startedAt = this.#clock.now();
    await this.#wait(flow, bytes, true, signal);
    return this.#clock.now() - startedAt;
  }

  #passesNow(bytes: number): boolean {
    if (this.#waitingCount > 0) return false;
    this.#count();
    if (bytes > this.#budget) return false;
    this.#budget -= bytes;
    return true;
  }

  #wait(flow: string, wanted: number, isWhole: boolean, signal: AbortSignal): Promise<number> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason);
      const onAbort = () => {
        this.#forget(flow, waiter);
        reject(signal.reason);
      };
      const serve = (bytes: number) => {
        signal.removeEventListener("abort", onAbort);
        resolve(bytes);
      };
      const waiter = { wanted, isWhole, granted: 0, serve };
      signal.addEventListener("abort", onAbort, { once: true });
      this.#flow(flow).members.push(waiter);
      this.#waitingCount += 1;
      if (this.#waitingCount === 1) void this.#serve();
    });
  }

  /** Serves who waits until nobody does. */
  async #serve(): Promise<void> {
    this.#pause = new AbortController();
    const { signal } = this.#pause;
    while (!signal.aborted) {
      this.#count();
      while (this.#serveTurn());
      if (this.#waitingCount === 0) break;
      const lacking = this.#turnBytes - this.#budget;
      await this.#clock.sleep(Math.max(TURN_MS, Math.ceil(lacking / this.#bytesPerMs)), signal).catch(() => {});
    }
    if (this.#waitingCount === 0) this.#flows.clear();
  }

  /** Serves the flow that is least far; false when nobody waits, or there is not enough for a turn now. */
  #serveTurn(): boolean {
    const next = this.#nextFlow();
    const waiter = next?.members[0];
    if (next === undefined || waiter === undefined) return false;
    const granted = Math.min(waiter.wanted - waiter.granted, this.#turnBytes);
    if (granted > this.#budget) return false;
    this.#budget -= granted;
    this.#served = next.served;
    next.served += granted;
    waiter.granted += granted;
    if (waiter.isWhole && waiter.granted < waiter.wanted) return true;
    next.members.shift();
    this.#waitingCount -= 1;
    waiter.serve(waiter.granted);
    return true;
  }

  #nextFlow(): Flow | undefined {
    let next: Flow | undefined;
    for (const [name, flow] of this.#flows) {
      if (flow.members.length === 0) {
        if (flow.served <= this.#served) this.#flows.delete(name);
      } else if (next === undefined || flow.served < next.served) next = flow;
    }
    return next;
  }

  /** A flow; one that has not waited for a while is as far as the others are, so that it gains nothing by that. */
  #flow(name: string): Flow {
    const flow = this.#flows.get(name) ?? { served: this.#served, members: [] };
    if (flow.members.length === 0) flow.served = Math.max(flow.served, this.#served);
    this.#flows.set(name, flow);
    return flow;
  }

  #forget(name: string, waiter: Waiter): void {
    const members = this.#flows.get(name)?.members;
    const at = members?.indexOf(waiter) ?? -1;
    if (at < 0) return;
    members?.splice(at, 1);
    this.#waitingCount -= 1;
    if (this.#waitingCount === 0) this.#pause.abort();
  }

  #count(): void {
    const now = this.#clock.now();
    this.#budget = Math.min(this.#budgetMax, this.#budget + (now - this.#countedAt) * this.#bytesPerMs);
    this.#countedAt = now;
  }
}
