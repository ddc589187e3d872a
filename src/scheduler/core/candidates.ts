import { rankByDefault } from "./algorithm_default.ts";
import { rankForSwarm } from "./algorithm_swarm.ts";
import { ceilingOf, isBelow } from "./dag.ts";
import { hasFreeSlot, isOutlier, type Ranked } from "./evaluate.ts";
import type { Step } from "./event.ts";
import { Choice, type Rejection } from "./explanations.ts";
import { canCutFor, isFree, isOpenTo, misfit, obstacle } from "./fit.ts";
import type { PeerGroup } from "./peer_groups.ts";
import { type RandomSet, sampled } from "../../core/random_set.ts";
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
 * pass the cheap tests, the best ranked are taken to whom pieces can arrive; that test walks the graph, so it comes
 * last. A sample without any is followed by another, a few times. So it is empty when no peer of the task can be a
 * parent, and of very many suppliers also when hardly any can.
 */
export function findParents(step: Step, child: Peer): Choice {
  const choice = new Choice();
  if (child.task.roots.size === 0) return choice;
  const search = new SupplySearch();
  for (let count = 0; count < SAMPLES_MAX; count++) {
    const sample = sampleFor(step, child, count, choice);
    // The first sample of Dragonfly's algorithm is by chance only, and one without anybody says little.
    if (sample.length === 0 && count > 0) break;
    const ranked = rank(step, sample, child);
    takeBest(step, ranked, search, choice);
    if (ranked.length < sample.length) rejectUnranked(step, sample, ranked, choice);
    if (choice.parents.length > 0) break;
  }
  return choice;
}

function rank(step: Step, sample: readonly Peer[], child: Peer): Ranked[] {
  return step.state.settings.algorithm === "default" ? rankByDefault(sample, child) : rankForSwarm(step, sample, child);
}

/**
 * The best to whom pieces can arrive. Those that are known to be farther away than the first are left out: a child asks
 * all of its parents alike, and would fetch from afar what is near.
 */
function takeBest(step: Step, ranked: readonly Ranked[], search: SupplySearch, choice: Choice): void {
  const { parents } = choice;
  let nearest = 0;
  for (const one of ranked) {
    const { parent, near } = one;
    const isEnough = parents.length === step.state.settings.candidateParentsMax;
    if (isEnough && choice.isFull) break;
    const isFarther = near < nearest && parent.host.places.length > 0;
    if (isEnough) choice.reject(parent, shortcoming(step, parent), one);
    else if (isFarther) choice.reject(parent, "farther_away", one);
    else if (!search.isSupplied(parent)) choice.reject(parent, "not_supplied", one);
    else {
      if (parents.length === 0) nearest = near;
      choice.take(parent, one);
    }
  }
}

/** An algorithm may leave some out at once. */
function rejectUnranked(step: Step, sample: readonly Peer[], ranked: readonly Ranked[], choice: Choice): void {
  const left = new Set(ranked.map(({ parent }) => parent));
  for (const parent of sample) if (!left.has(parent)) choice.reject(parent, shortcoming(step, parent));
}

/** Why a parent that could serve comes behind others. */
function shortcoming({ state: { settings }, nowMs }: Step, { host, costs }: Peer): Rejection {
  if (isUnreliable(host.reputation, nowMs)) return "unreliable";
  if (!hasFreeSlot(host, settings)) return "no_free_slot";
  return isOutlier(costs) ? "slow_last_piece" : "ranked_lower";
}

/** Dragonfly's algorithm looks at peers by chance only, unless it has found none. */
function sampleFor(
  { state: { settings }, chance }: Step,
  child: Peer,
  samplesBefore: number,
  choice: Choice,
): Peer[] {
  const { algorithm, filterParentsMax } = settings;
  const ceiling = ceilingOf(child);
  const sample = new Set<Peer>();
  const take = (
    candidates: Iterable<Peer>,
    countMax: number,
    fault: (parent: Peer, child: Peer) => Rejection | undefined,
  ) => {
    for (const parent of candidates) {
      if (sample.size >= countMax) break;
      const rejection = isBelow(parent, ceiling) ? fault(parent, child) : "would_close_cycle";
      if (rejection === undefined) sample.add(parent);
      else choice.reject(parent, rejection);
    }
  };
  const looksMax = LOOKS_PER_SCORED * filterParentsMax;
  if (algorithm !== "default" || samplesBefore > 0) {
    take(sampled([child.task.roots], ROOTS_LOOKED_AT_MAX, chance), filterParentsMax, misfit);
    const before = sample.size;
    for (const place of child.host.places) {
      const near = child.task.suppliersByPlace.at(place);
      const nearMax = before + Math.ceil(filterParentsMax / 2);
      if (near !== undefined) take(sampled([near], looksMax / 2, chance), nearMax, misfit);
      // Wider places are for whoever finds nobody in a narrower one.
      if (sample.size > before) break;
    }
  }
  const groups = child.task.suppliers.of(child);
  const usable = groups.filter(({ offer }) => canCutFor(offer, child));
  take(sampled(usable.map(({ peers }) => peers), looksMax, chance), filterParentsMax, obstacle);
  if (usable.length < groups.length) {
    for (const { offer, peers } of groups) if (!canCutFor(offer, child)) choice.reject(peers.at(0), "other_cut");
  }
  return [...sample];
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
