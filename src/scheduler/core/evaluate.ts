import { LOCATION_ELEMENTS_MAX } from "./places.ts";
import type { Settings } from "./settings.ts";
import type { Host, Peer, PieceCosts } from "./state.ts";

const NORMAL_HOST_SCORE = 0.5;

/** A peer that may be a parent, as an algorithm sees it. */
export interface Ranked {
  readonly parent: Peer;
  /** How narrow the place is that it shares with the child; 0 for none, or if that does not matter. */
  readonly near: number;
  /** How good it is apart from that; only comparable within one answer. */
  readonly score: number;
}

/** From so many pieces on, a slow last piece is judged by the deviation; before, by a factor of the mean. */
const COSTS_NORMAL_MIN = 2000;
const COST_DEVIATIONS_MAX = 3;
const COST_FACTOR_MAX = 20;

/** Whether the host has an upload slot left. A host without one is taken only when there is no other. */
export function hasFreeSlot(host: Host, settings: Settings): boolean {
  return host.uploads < (host.facts.isSeed ? settings.seedUploadsMax : settings.hostUploadsMax);
}

/** 1 in the same data centre, else 0. */
export function idcScore(a: string, b: string): number {
  return a !== "" && a.toLowerCase() === b.toLowerCase() ? 1 : 0;
}

/** 1 in the same location, less the earlier two locations part (wire.md §4.7). */
export function locationScore(a: string, b: string): number {
  if (a === "" || b === "") return 0;
  if (a.toLowerCase() === b.toLowerCase()) return 1;
  const others = b.toLowerCase().split("|");
  const elements = a.toLowerCase().split("|").slice(0, LOCATION_ELEMENTS_MAX);
  const firstOther = elements.findIndex((element, index) => element !== others[index]);
  return (firstOther < 0 ? elements.length : firstOther) / LOCATION_ELEMENTS_MAX;
}

/** A seed peer that is at the source has the slow end of the pipe; children of it serve better (wire.md §4.7). */
export function hostTypeScore({ host, state }: Peer): number {
  if (!host.facts.isSeed) return NORMAL_HOST_SCORE;
  return state === "ReceivedNormal" || state === "Running" ? 1 : 0;
}

/** No pieces yet. */
export function noCosts(): PieceCosts {
  return { count: 0, meanMs: 0, squares: 0, lastMs: 0, meanBeforeMs: 0 };
}

/** Adds the time that a piece took. */
export function addCost(costs: PieceCosts, costMs: number): void {
  costs.meanBeforeMs = costs.meanMs;
  costs.count += 1;
  const difference = costMs - costs.meanMs;
  costs.meanMs += difference / costs.count;
  costs.squares += difference * (costMs - costs.meanMs);
  costs.lastMs = costMs;
}

/** Whether the last piece took so much longer than the others that the peer is in trouble (wire.md §4.6). */
export function isOutlier({ count, meanMs, squares, lastMs, meanBeforeMs }: PieceCosts): boolean {
  if (count < 2) return false;
  if (count < COSTS_NORMAL_MIN) return lastMs > COST_FACTOR_MAX * meanBeforeMs;
  return lastMs > meanMs + COST_DEVIATIONS_MAX * Math.sqrt(squares / count);
}
