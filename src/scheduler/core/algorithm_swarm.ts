/**
 * Our own algorithm. Who is sure to serve comes first: a free upload slot, no trouble. Then who is near, so that each
 * location fetches a content about once and passes it on inside. Then who is fast, by what children measure and not by
 * what the link is called, and who has few children, so that a burst spreads before anything is measured.
 */
import { hasFreeSlot, hostTypeScore, isOutlier, type Ranked } from "./evaluate.ts";
import type { Step } from "./event.ts";
import { isFree } from "./fit.ts";
import { nearness } from "./places.ts";
import { isUnreliable, reliability } from "./reputation.ts";
import type { Host, Peer } from "./state.ts";

/** Weights of the score; they add up to 1. */
const WEIGHT = { cut: 0.3, speed: 0.3, fanOut: 0.3, hostType: 0.1 };
/** A host with so many children has half the fan-out score of an idle one. */
const CHILDREN_HALF = 4;
/** What a host scores of whose speed nothing is known: as much as one of middling speed. */
const SPEED_UNKNOWN_SCORE = 0.5;
/** How much the last piece counts in the speed of a host. */
const LAST_PIECE_WEIGHT = 0.2;

/** The parents of a sample, the best first. */
export function rankForSwarm(step: Step, sample: readonly Peer[], child: Peer): Ranked[] {
  const cut = isFree(child) ? usualCut(sample) : child.pieceLength;
  const speed = meanSpeed(sample);
  return sample.map((parent) => ({
    parent,
    standing: standingOf(step, parent),
    near: nearness(child.host.places, parent.host.places),
    score: WEIGHT.cut * Number(parent.pieceLength === cut) + swarmScore(parent, { speed, nowMs: step.nowMs }),
  })).sort((a, b) => b.standing - a.standing || b.near - a.near || b.score - a.score);
}

/** How good a parent is by itself, from 0 to what its cut leaves of 1; `speed` is that of the others, 0 if unknown. */
export function swarmScore(parent: Peer, { speed, nowMs }: { readonly speed: number; readonly nowMs: number }): number {
  const { uploads, bytesPerMs, reputation } = parent.host;
  const speedScore = bytesPerMs === 0 ? SPEED_UNKNOWN_SCORE : bytesPerMs / (bytesPerMs + speed);
  const fanOut = CHILDREN_HALF / (CHILDREN_HALF + uploads);
  const load = WEIGHT.speed * speedScore + WEIGHT.fanOut * fanOut;
  return load * reliability(reputation, nowMs) + WEIGHT.hostType * hostTypeScore(parent);
}

/** Notes how fast a child got a piece from a host. */
export function addSpeed(host: Host, { lengthBytes, costMs }: { lengthBytes: number; costMs: number }): void {
  if (costMs <= 0) return;
  const bytesPerMs = lengthBytes / costMs;
  if (host.bytesPerMs === 0) host.bytesPerMs = bytesPerMs;
  else host.bytesPerMs += LAST_PIECE_WEIGHT * (bytesPerMs - host.bytesPerMs);
}

function meanSpeed(sample: readonly Peer[]): number {
  const known = sample.map(({ host }) => host.bytesPerMs).filter((speed) => speed > 0);
  return known.reduce((sum, speed) => sum + speed, 0) / Math.max(1, known.length);
}

/** The piece length of most peers: among equals, parents that have it are taken first, so that a swarm keeps to it. */
function usualCut(peers: readonly Peer[]): number | undefined {
  const counts = new Map<number | undefined, number>();
  for (const { pieceLength } of peers) counts.set(pieceLength, (counts.get(pieceLength) ?? 0) + 1);
  return [...counts].reduce<[number | undefined, number]>((a, b) => b[1] > a[1] ? b : a, [undefined, 0])[0];
}

/** Full or troubled hosts are not refused, for the source is no better; they are taken when there is no other. */
function standingOf({ state: { settings }, nowMs }: Step, { host, costs }: Peer): number {
  const isReliable = !isUnreliable(host.reputation, nowMs);
  return Number(hasFreeSlot(host, settings)) + Number(!isOutlier(costs)) + 2 * Number(isReliable);
}
