/**
 * What children say of a host that was their parent. Each host has one voice, which fades: whatever it says again and
 * again counts once, and what was said long ago hardly counts. So nobody ruins a host by inventing peers, and a host
 * that was in trouble is soon an ordinary one again.
 */

/** After so long, what was said of a host counts half. */
export const VOICE_HALF_LIFE_MS = 10 * 60 * 1000;
/** Hosts whose voice is remembered, of each kind; beyond that the one that spoke first may speak anew. */
const VOICES_MAX = 64;
/** From so many voices against it on, a host can count as unreliable: three, of which the first have faded a little. */
const VOICES_AGAINST_MIN = 2.5;

/** The voices of hosts, as a sum that fades. */
export interface Voices {
  sum: number;
  /** The time for which `sum` is right. */
  atMs: number;
  /** When each host last spoke. */
  readonly spokenAtMs: Map<string, number>;
}

/** What is said for and against a host. */
export interface Reputation {
  served: Voices;
  failed: Voices;
}

/** Nobody has said anything: the same for all hosts of which that is true, so that looking at it is cheap. */
const NO_VOICES: Voices = { sum: 0, atMs: 0, spokenAtMs: new Map() };

/** Nobody has said anything. */
export function newReputation(): Reputation {
  return { served: NO_VOICES, failed: NO_VOICES };
}

/**
 * A host speaks for or against another one. What it said before counts as far as it has not faded, so that its voice
 * never is more than one.
 */
export function speak(reputation: Reputation, what: keyof Reputation, hostId: string, nowMs: number): void {
  if (reputation[what] === NO_VOICES) reputation[what] = { sum: 0, atMs: nowMs, spokenAtMs: new Map() };
  const voices = reputation[what];
  const { spokenAtMs } = voices;
  const beforeMs = spokenAtMs.get(hostId);
  voices.sum = sumOf(voices, nowMs) + 1 - (beforeMs === undefined ? 0 : faded(nowMs - beforeMs));
  voices.atMs = nowMs;
  spokenAtMs.delete(hostId);
  const [first] = spokenAtMs.keys();
  if (spokenAtMs.size >= VOICES_MAX && first !== undefined) spokenAtMs.delete(first);
  spokenAtMs.set(hostId, nowMs);
}

/** How many voices there are at the moment, with fractions for those that fade. */
export function sumOf({ sum, atMs }: Voices, nowMs: number): number {
  return sum === 0 ? 0 : sum * faded(nowMs - atMs);
}

/** Whether more hosts say that it failed them than that it served them, and not just one or two. */
export function isUnreliable({ served, failed }: Reputation, nowMs: number): boolean {
  const against = sumOf(failed, nowMs);
  return against >= VOICES_AGAINST_MIN && against > sumOf(served, nowMs);
}

/** From 0 to 1: the part of those who speak that speak for it; 1 while nobody speaks against it. */
export function reliability({ served, failed }: Reputation, nowMs: number): number {
  if (failed.sum === 0) return 1;
  const good = sumOf(served, nowMs) + 1;
  return good / (good + sumOf(failed, nowMs));
}

function faded(ms: number): number {
  return 2 ** (-ms / VOICE_HALF_LIFE_MS);
}
