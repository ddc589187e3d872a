import { DamselflyError } from "../../core/error.ts";
import { removeChildren, removeParents } from "./dag.ts";
import type { Step } from "./event.ts";
import { partWithMates } from "./mates.ts";
import { nextPeerState, nextTaskState, type PeerStep, type TaskStep } from "./fsm.ts";
import type { Host, Peer, Task } from "./state.ts";
import { isRoot, refreshPeer } from "./suppliers.ts";
import { mark, stopWaiting } from "./waiting.ts";

/** Children that lose an ended parent in one step. The others only wait for it a moment longer. */
const CHILDREN_LEFT_PER_STEP = 500;
/** Peers of hosts that are gone which are forgotten in one step. */
const PEERS_LEFT_PER_STEP = 100;

/** Moves a peer to its next state; false, and nothing is changed, when its state does not allow that. */
export function movePeer({ state: { swarms }, nowMs }: Step, peer: Peer, how: PeerStep): boolean {
  const next = nextPeerState(peer.state, how);
  if (next === undefined) return false;
  peer.state = next;
  touchPeer(peer, nowMs);
  if (isRoot(peer)) peer.isStranded = false;
  refreshPeer(peer);
  swarms.moved(peer, nowMs);
  return true;
}

/** Moves a task to its next state, where its state allows that. */
export function moveTask({ nowMs }: Step, task: Task, how: TaskStep): void {
  task.state = nextTaskState(task.state, how) ?? task.state;
  task.updatedAtMs = nowMs;
}

/** Notes a sign of life of a peer. */
export function touchPeer(peer: Peer, nowMs: number): void {
  peer.updatedAtMs = nowMs;
  touchHost(peer.host, nowMs);
}

/** Notes a sign of life of a host. */
export function touchHost(host: Host, nowMs: number): void {
  host.seenAtMs = nowMs;
  host.isRestored = false;
}

/**
 * Ends a peer that failed or leaves: it has no parents, no children and brings nothing into the swarm any more. Of very
 * many children some lose it in the steps that follow.
 */
export function endPeer(step: Step, peer: Peer, how: "fail" | "leave"): void {
  const { task } = peer;
  if (!movePeer(step, peer, how)) return;
  removeParents(peer);
  partWithMates(peer);
  if (!removeChildren(peer, CHILDREN_LEFT_PER_STEP)) step.state.leaving.add(peer);
  stopWaiting(step.state, peer);
  if (!task.fetchers.has(peer)) return;
  stopFetching(peer);
  task.sourceFailures += 1;
  mark(step, task);
}

/** Goes on to take the children of peers that have ended, and the peers of hosts that are gone. */
export function leave(step: Step): void {
  const { leaving, leavingHosts } = step.state;
  const [peer] = leaving;
  if (peer !== undefined && removeChildren(peer, CHILDREN_LEFT_PER_STEP)) leaving.delete(peer);
  let left = PEERS_LEFT_PER_STEP;
  for (const host of leavingHosts) {
    for (const { id } of host.peers.values().take(left)) {
      removePeer(step, id);
      left -= 1;
    }
    if (host.peers.size === 0) leavingHosts.delete(host);
    if (left === 0) return;
  }
}

/** Notes that a peer is not at the source, nor about to begin there, any more. */
export function stopFetching(peer: Peer): void {
  peer.task.fetchers.delete(peer);
  peer.task.hopes.delete(peer);
  peer.sentToSourceAtMs = undefined;
}

/** Ends the stream of a peer, if it has one; with OK unless there is an error. */
export function closeStream(step: Step, peer: Peer, error?: DamselflyError): void {
  if (peer.streamId === undefined) return;
  step.effects.push({ type: "close_stream", streamId: peer.streamId, error });
  loseStream(peer);
}

/** Notes that the stream of a peer is gone. */
export function loseStream(peer: Peer): void {
  if (peer.streamId === undefined) return;
  peer.streamId = undefined;
  peer.host.streams -= 1;
}

/** Adds a peer to what is known. */
export function addPeer({ state, nowMs }: Step, peer: Peer): void {
  const { task, host } = peer;
  task.peers.set(peer.id, peer);
  host.peers.add(peer);
  const ofTask = host.peersByTask.get(task);
  if (ofTask === undefined) host.peersByTask.set(task, [peer]);
  else ofTask.push(peer);
  if (peer.streamId !== undefined) host.streams += 1;
  state.peers.set(peer.id, peer);
  state.swarms.join(peer, nowMs);
}

/** Forgets a peer, if it is known. */
export function removePeer(step: Step, id: string): void {
  const peer = step.state.peers.get(id);
  if (peer === undefined) return;
  endPeer(step, peer, "leave");
  const { task, host } = peer;
  if (peer.streamId !== undefined) {
    const what = `Cannot schedule peer ${peer.id} any longer: it was deleted`;
    closeStream(step, peer, new DamselflyError("unavailable", what));
  }
  host.peers.delete(peer);
  const ofTask = host.peersByTask.get(task)?.filter((other) => other !== peer) ?? [];
  if (ofTask.length === 0) host.peersByTask.delete(task);
  else host.peersByTask.set(task, ofTask);
  task.peers.delete(peer.id);
  step.state.peers.delete(peer.id);
  step.state.swarms.left(peer, step.nowMs);
  if (task.peers.size === 0) moveTask(step, task, "leave");
}

/** Forgets a host, if it is known; its peers leave with {@link leave}, at once or in the steps that follow. */
export function removeHost(step: Step, id: string): void {
  const { hosts, seeds, leavingHosts } = step.state;
  const host = hosts.get(id);
  if (host === undefined) return;
  hosts.delete(id);
  seeds.delete(host);
  leavingHosts.add(host);
  for (const task of host.triggers) {
    task.trigger = undefined;
    mark(step, task);
  }
}
