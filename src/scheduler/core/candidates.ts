import { ceilingOf, isBelow } from "./dag.ts";
import { hasFreeSlot, isOutlier, scoreParent } from "./evaluate.ts";
import type { Chance, Step } from "./event.ts";
import { canCutFor, isFree, isOfContent, isOpenTo, offerOf } from "./fit.ts";
import type { PeerGroup } from "./peer_groups.ts";
import type { RandomSet } from "./random_set.ts";
import { isUnreliable } from "./reputation.ts";
import type { Peer } from "./state.ts";
import { SupplySearch } from "./suppliers.ts";

/** Roots that are looked at for each child: if there are any for him, he is sure to get one. */
const ROOTS_LOOKED_AT_MAX = 4;
/** Peers that are looked at for one sample, per parent that is scored; those that may not be a parent count too. */
const LOOKS_PER_SCORED = 4;
/** Samples for one answer, when none of those before held a parent. */
const SAMPLES_MAX = 4;
/** Peers of a group that are looked at to see whether they are apart from a child only because of their cut. */
const CUT_OFF_LOOKS_MAX = 8;

/**
 * The best parents for a child that has none, up to `candidateParentsMax`. Of a random sample of `filterParentsMax` that
 * pass the cheap tests, the best scored are taken to whom pieces can arrive; that test walks the graph, so it comes
 * last. A sample without any is followed by another, a few times. So it is empty when no peer of the task can be a
 * parent, and of very many suppliers also when hardly any can.
 */
export function findParents(step: Step, child: Peer): Peer[] {
  if (child.task.roots.size === 0) return [];
  const search = new SupplySearch();
  for (let count = 0; count < SAMPLES_MAX; count++) {
    const sample = sampleFor(step, child);
    if (sample.length === 0) break;
    const parents = best(step, sample, child, (parent) => search.isSupplied(parent));
    if (parents.length > 0) return parents;
  }
  return [];
}

function sampleFor({ state: { settings: { filterParentsMax } }, chance }: Step, child: Peer): Peer[] {
  const ceiling = ceilingOf(child);
  const sample: Peer[] = [];
  for (const parent of candidatesFor(child, LOOKS_PER_SCORED * filterParentsMax, chance)) {
    if (!isOpenTo(parent, child) || !isBelow(parent, ceiling)) continue;
    if (sample.push(parent) === filterParentsMax) break;
  }
  return sample;
}

/** Whether some peer would be a parent of `child`, if it only cut the content as the child does. */
export function isCutOff(child: Peer): boolean {
  const isApart = ({ offer, peers }: PeerGroup) => !canCutFor(offer, child) && hasOpen(peers, child);
  return !isFree(child) && child.task.suppliers.of(child).some(isApart);
}

function hasOpen(peers: RandomSet<Peer>, child: Peer): boolean {
  for (let place = 0; place < Math.min(peers.size, CUT_OFF_LOOKS_MAX); place++) {
    if (isOpenTo(peers.at(place), child)) return true;
  }
  return false;
}

/** A few roots, and then suppliers of which the child could use the pieces, each once and in random order. */
function* candidatesFor(child: Peer, looksMax: number, chance: Chance): Generator<Peer> {
  const { roots, suppliers } = child.task;
  const seen = new Set<Peer>();
  for (const root of sampled([roots], ROOTS_LOOKED_AT_MAX, chance)) {
    seen.add(root);
    const offer = offerOf(root);
    if (isOfContent(offer, child) && canCutFor(offer, child)) yield root;
  }
  const usable = suppliers.of(child).filter(({ offer }) => canCutFor(offer, child)).map(({ peers }) => peers);
  for (const peer of sampled(usable, looksMax, chance)) if (!seen.has(peer)) yield peer;
}

/** Up to `count` members of all sets together, in random order: the beginning of a shuffle that moves nothing. */
function* sampled(sets: readonly RandomSet<Peer>[], count: number, chance: Chance): Generator<Peer> {
  const size = sets.reduce((sum, set) => sum + set.size, 0);
  const moved = new Map<number, number>();
  for (let index = 0; index < Math.min(size, count); index++) {
    const other = index + chance.below(size - index);
    yield memberOf(sets, moved.get(other) ?? other);
    moved.set(other, moved.get(index) ?? index);
  }
}

function memberOf(sets: readonly RandomSet<Peer>[], place: number): Peer {
  let left = place;
  for (const set of sets) {
    if (left < set.size) return set.at(left);
    left -= set.size;
  }
  throw new RangeError(`there is no member ${place}`);
}

function best(step: Step, sample: readonly Peer[], child: Peer, canServe: (parent: Peer) => boolean): Peer[] {
  const { state: { settings }, nowMs } = step;
  const cut = isFree(child) ? usualCut(sample) : child.pieceLength;
  const scoreOf = (parent: Peer) => (Number(parent.pieceLength === cut) + scoreParent(parent, child, nowMs)) / 3;
  const ranked = sample
    .map((parent) => ({ parent, rank: classOf(step, parent) + scoreOf(parent) }))
    .sort((a, b) => b.rank - a.rank);
  const parents: Peer[] = [];
  for (const { parent } of ranked) {
    if (parents.length === settings.candidateParentsMax) break;
    if (canServe(parent)) parents.push(parent);
  }
  return parents;
}

/** The piece length of most peers: within a class, parents that have it are taken first, so that a swarm keeps to it. */
function usualCut(peers: readonly Peer[]): number | undefined {
  const counts = new Map<number | undefined, number>();
  for (const { pieceLength } of peers) counts.set(pieceLength, (counts.get(pieceLength) ?? 0) + 1);
  return [...counts].reduce<[number | undefined, number]>((a, b) => b[1] > a[1] ? b : a, [undefined, 0])[0];
}

/** Full or troubled hosts are not refused, for the source is no better; they are taken when there is no other. */
function classOf({ state: { settings }, nowMs }: Step, { host, costs }: Peer): number {
  const isReliable = !isUnreliable(host.reputation, nowMs);
  return Number(hasFreeSlot(host, settings)) + Number(!isOutlier(costs)) + 2 * Number(isReliable);
}
