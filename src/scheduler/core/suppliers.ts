import type { PeerState } from "./fsm.ts";
import type { Peer, Task } from "./state.ts";

/** Peers that are looked at for one answer to see whether pieces can arrive at its parents. */
const SUPPLY_LOOKS_MAX = 256;

const MATE_STATES: ReadonlySet<PeerState> = new Set(["ReceivedNormal", "Running", "BackToSource", "Succeeded"]);

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
  return peer.parents.size > 0 && !peer.isStranded && (peer.state === "ReceivedNormal" || peer.state === "Running");
}

/** Whether a peer has pieces, or may get some, and is of our own make. */
function canBeMate({ host: { facts }, state }: Peer): boolean {
  return facts.isShared && facts.cutsAsAsked && MATE_STATES.has(state);
}

/** Keeps the indices of a task right after anything has changed that they go by. */
export function refreshPeer(peer: Peer): void {
  const { task } = peer;
  const supplies = canSupply(peer);
  if (supplies) {
    task.suppliers.put(peer);
    task.suppliersByPlace.put(peer);
  } else {
    task.suppliers.delete(peer);
    task.suppliersByPlace.delete(peer);
  }
  if (supplies && isRoot(peer)) task.roots.add(peer);
  else task.roots.delete(peer);
  if (canBeMate(peer)) {
    task.mates.put(peer);
    task.matesByPlace.put(peer);
    task.gates.put(peer);
  } else {
    task.mates.delete(peer);
    task.matesByPlace.delete(peer);
    task.gates.delete(peer, task.matesByPlace);
  }
  if (task.hopes.has(peer)) task.hopes.put(peer);
}

/** Whether anybody can still get the task from a peer. */
export function hasAvailablePeer({ roots }: Task): boolean {
  return roots.size > 0;
}

/**
 * Whether pieces can arrive at peers: they are roots, or one is among their ancestors. After the death of a root, peers
 * below it still have parents; they all wait for each other. Such a peer is taken out of the suppliers when it is
 * found, and is one again with the next piece that it gets, or with new parents. A search that is cut short has done
 * its part of that.
 */
export class SupplySearch {
  #left = SUPPLY_LOOKS_MAX;

  isSupplied(peer: Peer): boolean {
    const { task } = peer;
    if (task.roots.size === 0) return false;
    const path = [peer];
    for (let last = path.at(-1); last !== undefined; last = path.at(-1)) {
      if (isRoot(last) || last.suppliedAt === task.losses) {
        for (const supplied of path) supplied.suppliedAt = task.losses;
        return true;
      }
      this.#left -= 1;
      if (this.#left < 0) return false;
      const parent = lowestParent(last);
      if (parent === undefined) strand(path.pop() as Peer);
      else path.push(parent);
    }
    return false;
  }
}

/** The parent that is nearest to a root, of those from whom something may come. */
function lowestParent({ parents }: Peer): Peer | undefined {
  let lowest: Peer | undefined;
  for (const parent of parents) {
    if (!parent.isStranded && (lowest === undefined || parent.level < lowest.level)) lowest = parent;
  }
  return lowest;
}

function strand(peer: Peer): void {
  peer.isStranded = true;
  refreshPeer(peer);
}

/** Notes that pieces arrive at a peer, or can arrive again. */
export function unstrand(peer: Peer): void {
  if (!peer.isStranded) return;
  peer.isStranded = false;
  refreshPeer(peer);
}
