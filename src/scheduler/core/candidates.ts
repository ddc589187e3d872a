import { descendantsOf } from "./dag.ts";
import { hasFreeSlot, isOutlier, isUnreliable, scoreParent } from "./evaluate.ts";
import type { Chance, Step } from "./event.ts";
import type { Settings } from "./settings.ts";
import type { Peer, WantedRange } from "./state.ts";
import { isSupplied } from "./suppliers.ts";

const NOBODY: ReadonlySet<Peer> = new Set();

/**
 * The best parents for a child that has none, up to `candidateParentsMax`; empty only when no peer of the task can be
 * one. Of a random sample of `filterParentsMax` that pass the cheap tests, the best scored are taken that are supplied
 * and close no cycle; those two tests walk the graph, so they come last. A sample without any is followed by another.
 */
export function findParents({ state: { settings }, chance }: Step, child: Peer): Peer[] {
  const descendants = child.children.size === 0 ? NOBODY : descendantsOf(child);
  const unsupplied = new Set<Peer>();
  const canServe = (parent: Peer) => !descendants.has(parent) && isSupplied(parent, unsupplied);
  let sample: Peer[] = [];
  for (const parent of shuffled(child.task.suppliers, chance)) {
    if (!couldServe(parent, child)) continue;
    if (sample.push(parent) < settings.filterParentsMax) continue;
    const parents = best(sample, child, canServe, settings);
    if (parents.length > 0) return parents;
    sample = [];
  }
  return best(sample, child, canServe, settings);
}

/**
 * Whether `parent` is one that `child` could take pieces from once it has some: on another host that shares, not
 * blocked, with the same content cut into the same pieces.
 */
export function couldServe(parent: Peer, child: Peer): boolean {
  const a = parent.wish;
  const b = child.wish;
  return parent.host !== child.host && parent.host.facts.isShared && !child.blocked.has(parent.id) &&
    agree(a.contentLength, b.contentLength) && agree(a.pieceLength, b.pieceLength) && covers(a.range, b.range);
}

function agree(a: number | undefined, b: number | undefined): boolean {
  return a === undefined || b === undefined || a === b;
}

function covers(held: WantedRange | undefined, wanted: WantedRange | undefined): boolean {
  if (held === undefined) return true;
  return wanted !== undefined && held.start === wanted.start && held.length === wanted.length;
}

function best(sample: Peer[], child: Peer, canServe: (parent: Peer) => boolean, settings: Settings): Peer[] {
  const ranked = sample
    .map((parent) => ({ parent, rank: classOf(parent, settings) + scoreParent(parent, child) / 2 }))
    .sort((a, b) => b.rank - a.rank);
  const parents: Peer[] = [];
  for (const { parent } of ranked) {
    if (parents.length === settings.candidateParentsMax) break;
    if (canServe(parent)) parents.push(parent);
  }
  return parents;
}

/** Full or troubled hosts are not refused, for the source is no better; they are taken when there is no other. */
function classOf({ host, costs }: Peer, settings: Settings): number {
  return Number(hasFreeSlot(host, settings)) + Number(!isOutlier(costs)) + 2 * Number(!isUnreliable(host));
}

/** The peers in random order; shuffles the list in place as far as it is read. */
function* shuffled(peers: Peer[], chance: Chance): Generator<Peer> {
  for (let index = 0; index < peers.length; index++) {
    const other = index + chance.below(peers.length - index);
    const [a, b] = [peers[index] as Peer, peers[other] as Peer];
    [peers[index], peers[other]] = [b, a];
    [b.supplierIndex, a.supplierIndex] = [index, other];
    yield b;
  }
}
