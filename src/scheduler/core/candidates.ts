import { ceilingOf, isBelow } from "./dag.ts";
import { hasFreeSlot, isOutlier, isUnreliable, scoreParent } from "./evaluate.ts";
import type { Chance, Step } from "./event.ts";
import { canCutFor, isFree, isOfContent, isOpenTo, offerOf } from "./fit.ts";
import type { PeerGroup } from "./peer_groups.ts";
import type { RandomSet } from "./random_set.ts";
import type { Settings } from "./settings.ts";
import type { Peer } from "./state.ts";
import { SupplySearch } from "./suppliers.ts";

/** Roots that are looked at for each child: if there are any for him, he is sure to get one. */
const ROOTS_LOOKED_AT_MAX = 4;
/** Peers that are looked at for one answer, per parent that is scored; those that may not be a parent count too. */
const LOOKS_PER_SCORED = 4;
/** Peers of a group that are looked at to see whether they are apart from a child only because of their cut. */
const CUT_OFF_LOOKS_MAX = 8;

/**
 * The best parents for a child that has none, up to `candidateParentsMax`. Of a random sample of `filterParentsMax` that
 * pass the cheap tests, the best scored are taken to whom pieces can arrive; that test walks the graph, so it comes
 * last. A sample without any is followed by another, up to a number of looks. So it is empty when no peer of the task
 * can be a parent, and of very many suppliers also when hardly any can.
 */
export function findParents({ state: { settings }, chance }: Step, child: Peer): Peer[] {
  if (child.task.roots.size === 0) return [];
  const ceiling = ceilingOf(child);
  const search = new SupplySearch();
  const canServe = (parent: Peer) => search.isSupplied(parent);
  let sample: Peer[] = [];
  for (const parent of candidatesFor(child, LOOKS_PER_SCORED * settings.filterParentsMax, chance)) {
    if (!isOpenTo(parent, child) || !isBelow(parent, ceiling)) continue;
    if (sample.push(parent) < settings.filterParentsMax) continue;
    const parents = best(sample, child, canServe, settings);
    if (parents.length > 0) return parents;
    sample = [];
  }
  return best(sample, child, canServe, settings);
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

function best(sample: Peer[], child: Peer, canServe: (parent: Peer) => boolean, settings: Settings): Peer[] {
  const cut = isFree(child) ? usualCut(sample) : child.pieceLength;
  const scoreOf = (parent: Peer) => (Number(parent.pieceLength === cut) + scoreParent(parent, child)) / 3;
  const ranked = sample
    .map((parent) => ({ parent, rank: classOf(parent, settings) + scoreOf(parent) }))
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
function classOf({ host, costs }: Peer, settings: Settings): number {
  return Number(hasFreeSlot(host, settings)) + Number(!isOutlier(costs)) + 2 * Number(!isUnreliable(host));
}
