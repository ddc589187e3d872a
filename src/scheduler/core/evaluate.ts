import { reliability } from "./reputation.ts";
import type { Settings } from "./settings.ts";
import type { Host, Peer, PieceCosts } from "./state.ts";

/** Weights of the score; they add up to 1 (wire.md §4.7). */
const WEIGHT = { load: 0.6, idc: 0.2, location: 0.1, hostType: 0.1 };
/** Weights within the load; they add up to 1. */
const LOAD_WEIGHT = { bandwidth: 0.4, backlog: 0.2, fanOut: 0.4 };
/** What a host has promised to send counts as a full backlog at so many seconds of its bandwidth. */
const BACKLOG_SECONDS_MAX = 60;
/** A host with so many children has half the fan-out score of an idle one. */
const CHILDREN_HALF = 4;
const LOCATION_ELEMENTS_MAX = 5;
const NORMAL_HOST_SCORE = 0.5;

/** From so many pieces on, a slow last piece is judged by the deviation; before, by a factor of the mean. */
const COSTS_NORMAL_MIN = 2000;
const COST_DEVIATIONS_MAX = 3;
const COST_FACTOR_MAX = 20;

/**
 * How good a parent is for a child, from 0 to 1. Like Dragonfly's "default" algorithm: load, data centre, location and
 * the type of the host, with its weights. Three things differ, all in the load: the number of children counts in
 * itself (there, hosts whose bandwidth is unknown or huge all look idle, and a burst gathers around one of them);
 * failed uploads lower it; free upload slots decide first of all, see {@link hasFreeSlot}.
 */
export function scoreParent(parent: Peer, child: Peer, nowMs: number): number {
  const a = parent.host.facts;
  const b = child.host.facts;
  return WEIGHT.load * loadScore(parent.host, nowMs) + WEIGHT.idc * idcScore(a.idc, b.idc) +
    WEIGHT.location * locationScore(a.location, b.location) + WEIGHT.hostType * hostTypeScore(parent);
}

/** Whether the host has an upload slot left. A host without one is taken only when there is no other. */
export function hasFreeSlot(host: Host, settings: Settings): boolean {
  return host.uploads < (host.facts.isSeed ? settings.seedUploadsMax : settings.hostUploadsMax);
}

function loadScore(host: Host, nowMs: number): number {
  const ceiling = host.facts.txBitsPerSecondMax;
  const bandwidth = ceiling === 0 ? 0 : Math.max(0, 1 - host.txBitsPerSecond / ceiling);
  const backlog = ceiling === 0 ? 0 : Math.max(0, 1 - host.uploadBytes * 8 / ceiling / BACKLOG_SECONDS_MAX);
  const fanOut = CHILDREN_HALF / (CHILDREN_HALF + host.uploads);
  const load = LOAD_WEIGHT.bandwidth * bandwidth + LOAD_WEIGHT.backlog * backlog + LOAD_WEIGHT.fanOut * fanOut;
  return load * reliability(host.reputation, nowMs);
}

function idcScore(a: string, b: string): number {
  return a !== "" && a.toLowerCase() === b.toLowerCase() ? 1 : 0;
}

function locationScore(a: string, b: string): number {
  if (a === "" || b === "") return 0;
  if (a.toLowerCase() === b.toLowerCase()) return 1;
  const others = b.toLowerCase().split("|");
  const elements = a.toLowerCase().split("|").slice(0, LOCATION_ELEMENTS_MAX);
  const firstOther = elements.findIndex((element, index) => element !== others[index]);
  return (firstOther < 0 ? elements.length : firstOther) / LOCATION_ELEMENTS_MAX;
}

/** A seed peer that is at the source has the slow end of the pipe; children of it serve better (wire.md §4.7). */
function hostTypeScore({ host, state }: Peer): number {
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
