import { isLocated, locationOf } from "../source/location.ts";
import type { SourceRequest } from "../source/source.ts";

/** Requesters whose own way to the source is kept for the case that it is needed. */
const WAITING_MAX = 16;
/** Changes of a source for its slowness in one download: each costs a request. */
const SWITCHES_MAX = 8;
/** A source that was slow before is only gone back to when it was so many times faster. */
const FASTER_FACTOR = 2;

/**
 * Requests of those who want a task: one of them is in use, the others are there when its credentials are refused or
 * run out, or when its source is slow or fails; one digest may be at several registries.
 */
export class SourceRequests {
  readonly #waiting: SourceRequest[] = [];
  /** What sources gave when they were left, by origin, in bytes per second. */
  readonly #rates = new Map<string, number>();
  /** Origins that were given up. */
  readonly #failed = new Set<string>();
  readonly #first: SourceRequest;
  #current: SourceRequest;
  #switches = 0;
  #hasSeveralSources = false;
  #isPinned = false;

  constructor(first: SourceRequest) {
    this.#first = first;
    this.#current = first;
  }

  get current(): SourceRequest {
    return this.#current;
  }

  /** Another requester of the same task. */
  add(request: SourceRequest): void {
    if (this.#waiting.length < WAITING_MAX && this.#mayUse(request)) this.#waiting.push(request);
  }

  /** The source has refused the requester: goes on to the next one; false when there is none. */
  refused(): boolean {
    return this.#take(this.#waiting[0]);
  }

  /** The source cannot be had: goes on to another one, and never back; false when there is none. */
  failed(): boolean {
    this.#failed.add(originOf(this.#current));
    this.#waiting.splice(0, Infinity, ...this.#waiting.filter((request) => this.#mayUse(request)));
    return this.#take(this.#waiting[0]);
  }

  /**
   * The source gives no more than that: goes on to one that was not tried yet, else to one that was clearly faster.
   * False when there is none.
   */
  slow(bytesPerSecond: number): boolean {
    const slow = this.#current;
    this.#rates.set(originOf(slow), bytesPerSecond);
    if (this.#switches >= SWITCHES_MAX) return false;
    const rateOf = (request: SourceRequest) => this.#rates.get(originOf(request)) ?? Infinity;
    const best = this.#waiting.reduce<SourceRequest | undefined>(
      (a, b) => a !== undefined && rateOf(a) >= rateOf(b) ? a : b,
      undefined,
    );
    if (best === undefined || rateOf(best) <= FASTER_FACTOR * bytesPerSecond) return false;
    this.#switches++;
    this.#take(best);
    this.#waiting.push(slow);
    return true;
  }

  /**
   * What came from several sources is wrong, and any of them may be to blame: from now on only that of the first
   * requester counts. False when there was no other.
   */
  pin(): boolean {
    if (!this.#hasSeveralSources) return false;
    this.#isPinned = true;
    this.#hasSeveralSources = false;
    this.#waiting.splice(0, Infinity, ...this.#waiting.filter((request) => this.#mayUse(request)));
    this.#current = this.#first;
    return true;
  }

  #mayUse(request: SourceRequest): boolean {
    // What leads nowhere can be asked of nobody, and only the first one was looked at before.
    if (!isLocated(request)) return false;
    const origin = originOf(request);
    return !this.#failed.has(origin) && (!this.#isPinned || origin === originOf(this.#first));
  }

  #take(request: SourceRequest | undefined): boolean {
    if (request === undefined) return false;
    this.#waiting.splice(this.#waiting.indexOf(request), 1);
    this.#hasSeveralSources ||= originOf(request) !== originOf(this.#current);
    this.#current = request;
    return true;
  }
}

/** Who answers: scheme, host and port. */
export function originOf(request: SourceRequest): string {
  return locationOf(request).origin;
}
