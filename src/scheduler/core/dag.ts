/**
 * Who downloads from whom. Each peer has a level above that of its parents, so that a walk along the edges never comes
 * back: there is no cycle, and to see that a new edge closes none takes a comparison and no walk. A peer with children
 * stays below the lowest of them; between two levels there is room for others. Levels are small integers, which the
 * engine keeps in the peer itself: they are looked at more often than anything else.
 */
import type { Peer } from "./state.ts";
import { refreshPeer } from "./suppliers.ts";

const BITS_PER_BYTE = 8;
/** How far a peer is above its parents, unless its children leave less room. */
const LEVEL_STEP = 1 << 13;
/** Above all levels. */
export const LEVEL_MAX = 2 ** 30 - 1;
/** Of a peer with so many children at most, the lowest is looked for; of others, the lowest so far is remembered. */
const CHILDREN_COMPARED_MAX = 32;

/** What one child means for the host of its parent. Only of the child's wish, so that removing takes what adding gave. */
function loadOf({ wish }: Peer): { bitsPerSecond: number; bytes: number; pieces: number } {
  return {
    pieces: wish.concurrentPieces,
    bitsPerSecond: (wish.pieceLength ?? 0) * wish.concurrentPieces * BITS_PER_BYTE,
    bytes: wish.contentLength ?? 0,
  };
}

/** The level below which the parents of a peer have to be: that of its lowest child, or a little less. */
export function ceilingOf(peer: Peer): number {
  const { children } = peer;
  if (children.size === 0) peer.lowestChild = LEVEL_MAX;
  else if (children.size <= CHILDREN_COMPARED_MAX) {
    peer.lowestChild = LEVEL_MAX;
    for (const { level } of children) peer.lowestChild = Math.min(peer.lowestChild, level);
  }
  return peer.lowestChild;
}

/** Whether a parent closes no cycle for a child whose {@link ceilingOf} is `ceiling`. */
export function isBelow(parent: Peer, ceiling: number): boolean {
  const level = levelBetween(parent.level, ceiling);
  return parent.level < level && level < ceiling;
}

function levelBetween(parent: number, ceiling: number): number {
  return Math.min(parent + LEVEL_STEP, (parent + ceiling) >> 1);
}

/** Makes a peer without parents the child of `parents`, which are supplied, and each of which {@link isBelow} its ceiling. */
export function addParents(parents: readonly Peer[], child: Peer): void {
  const highest = parents.reduce((max, { level }) => Math.max(max, level), 0);
  child.level = levelBetween(highest, ceilingOf(child));
  for (const parent of parents) addEdge(parent, child);
  child.isStranded = false;
  child.suppliedAt = child.task.losses;
  refreshPeer(child);
}

function addEdge(parent: Peer, child: Peer): void {
  if (child.parents.has(parent)) return;
  const { host } = parent;
  const load = loadOf(child);
  child.parents.add(parent);
  parent.children.add(child);
  parent.lowestChild = Math.min(parent.lowestChild, child.level);
  host.uploads += 1;
  host.txBitsPerSecond += load.bitsPerSecond;
  host.uploadBytes += load.bytes;
  host.uploadPieces += load.pieces;
}

function removeEdge(parent: Peer, child: Peer): void {
  const { host } = parent;
  const load = loadOf(child);
  child.parents.delete(parent);
  parent.children.delete(child);
  host.uploads -= 1;
  host.txBitsPerSecond -= load.bitsPerSecond;
  host.uploadBytes -= load.bytes;
  host.uploadPieces -= load.pieces;
  child.suppliedAt = -1;
  if (child.children.size > 0) child.task.losses += 1;
  if (child.parents.size > 0) return;
  child.level = 0;
  refreshPeer(child);
}

/** The peer downloads from nobody any more. */
export function removeParents(child: Peer): void {
  for (const parent of child.parents) removeEdge(parent, child);
}

/** Up to `count` children download from the peer no more; true when nobody does. */
export function removeChildren(parent: Peer, count: number): boolean {
  for (const child of parent.children.values().take(count)) removeEdge(parent, child);
  return parent.children.size === 0;
}
