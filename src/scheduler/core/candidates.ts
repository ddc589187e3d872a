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
 * blocked, with the same content, in pieces that the child can use.
 */
export function couldServe(parent: Peer, child: Peer): boolean {
  return isWithin(parent, child) && canCutFor(parent, child);
}

/** Whether some peer would be a parent of `child`, if it only cut the content as the child does. */
export function isCutOff(child: Peer): boolean {
  return !isFree(child) && child.task.suppliers.some((parent) => isWithin(parent, child) && !canCutFor(parent, child));
}

function isWithin({ host, id, wish: a }: Peer, child: Peer): boolean {
  const b = child.wish;
  return host !== child.host && host.facts.isShared && !child.blocked.has(id) &&
    agree(a.contentLength, b.contentLength) && covers(a.range, b.range);
}

/** A parent of our own make cuts as the child does; a child of our own make that has no piece yet cuts as the parent. */
function canCutFor(parent: Peer, child: Peer): boolean {
  return parent.host.facts.cutsAsAsked || isFree(child) || agree(parent.pieceLength, child.pieceLength);
}

function isFree({ host, piecesFinished }: Peer): boolean {
  return host.facts.cutsAsAsked && piecesFinished === 0;
}

function agree(a: number | undefined, b: number | undefined): boolean {
  return a === undefined || b === undefined || a === b;
}

function covers(held: WantedRange | undefined, wanted: WantedRange | undefined): boolean {
  if (held === undefined) return true;
  return wanted !== undefined && held.start === wanted.start && held.length === wanted.length;
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
