import type { Peer } from "./state.ts";

/** Whether a peer has the content, or gets it from the source: it needs no parents to be one. */
export function isRoot({ state, wish }: Peer): boolean {
  if (state === "BackToSource" || state === "Succeeded") return true;
  return wish.metadataOnly && (state === "ReceivedNormal" || state === "Running");
}

/**
 * Whether a peer can be a parent for somebody: a root, or on its way with parents of its own. A peer counts from the
 * moment it is given parents and not only once it says that it started; so those who wait together form a swarm and
 * not a star around the first one.
 */
function canSupply(peer: Peer): boolean {
  if (!peer.host.facts.isShared) return false;
  if (isRoot(peer)) return true;
  return peer.parents.size > 0 && (peer.state === "ReceivedNormal" || peer.state === "Running");
}

/** Keeps `task.suppliers` right after anything that {@link canSupply} looks at has changed. */
export function refreshSupplier(peer: Peer): void {
  const { suppliers } = peer.task;
  const wanted = canSupply(peer);
  if (wanted === peer.supplierIndex >= 0) return;
  if (wanted) {
    peer.supplierIndex = suppliers.push(peer) - 1;
    return;
  }
  const last = suppliers.pop();
  if (last !== undefined && last !== peer) {
    suppliers[peer.supplierIndex] = last;
    last.supplierIndex = peer.supplierIndex;
  }
  peer.supplierIndex = -1;
}

/**
 * Whether pieces can arrive at `peer`: it is a root, or one is among its ancestors. After the death of a root, peers
 * below it still have parents; they all wait for each other. `unsupplied` collects those, for the next question.
 */
export function isSupplied(peer: Peer, unsupplied: Set<Peer>): boolean {
  const open = [peer];
  const seen = new Set<Peer>();
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (isRoot(next)) return true;
    for (const parent of next.parents) {
      if (seen.has(parent) || unsupplied.has(parent)) continue;
      seen.add(parent);
      open.push(parent);
    }
  }
  unsupplied.add(peer);
  for (const ancestor of seen) unsupplied.add(ancestor);
  return false;
}
