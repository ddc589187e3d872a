import type { Peer } from "./state.ts";
import { refreshSupplier } from "./suppliers.ts";

const BITS_PER_BYTE = 8;

/** What one child means for the host of its parent. Only of the child's wish, so that removing takes what adding gave. */
function loadOf({ wish }: Peer): { bitsPerSecond: number; bytes: number } {
  return {
    bitsPerSecond: (wish.pieceLength ?? 0) * wish.concurrentPieces * BITS_PER_BYTE,
    bytes: wish.contentLength ?? 0,
  };
}

/** Makes `child` download from `parent`. The caller has made sure that this closes no cycle. */
export function addEdge(parent: Peer, child: Peer): void {
  if (child.parents.has(parent)) return;
  const { host } = parent;
  const load = loadOf(child);
  child.parents.add(parent);
  parent.children.add(child);
  host.uploads += 1;
  host.txBitsPerSecond += load.bitsPerSecond;
  host.uploadBytes += load.bytes;
  refreshSupplier(child);
}

function removeEdge(parent: Peer, child: Peer): void {
  const { host } = parent;
  const load = loadOf(child);
  child.parents.delete(parent);
  parent.children.delete(child);
  host.uploads -= 1;
  host.txBitsPerSecond -= load.bitsPerSecond;
  host.uploadBytes -= load.bytes;
  refreshSupplier(child);
}

/** The peer downloads from nobody any more. */
export function removeParents(child: Peer): void {
  for (const parent of child.parents) removeEdge(parent, child);
}

/** Nobody downloads from the peer any more. */
export function removeChildren(parent: Peer): void {
  for (const child of parent.children) removeEdge(parent, child);
}

/** All peers that get their pieces from `peer`, directly or not: making one its parent would close a cycle. */
export function descendantsOf(peer: Peer): ReadonlySet<Peer> {
  const found = new Set<Peer>();
  const open = [peer];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    for (const child of next.children) {
      if (found.has(child)) continue;
      found.add(child);
      open.push(child);
    }
  }
  return found;
}
