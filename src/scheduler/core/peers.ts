import { DamselflyError } from "../../core/error.ts";
import { removeChildren, removeParents } from "./dag.ts";
import type { Step } from "./event.ts";
import { nextPeerState, nextTaskState, type PeerStep, type TaskStep } from "./fsm.ts";
import type { Host, Peer, State, Task } from "./state.ts";
import { refreshSupplier } from "./suppliers.ts";

/** Moves a peer to its next state; false, and nothing is changed, when its state does not allow that. */
export function movePeer({ nowMs }: Step, peer: Peer, how: PeerStep): boolean {
  const state = nextPeerState(peer.state, how);
  if (state === undefined) return false;
  peer.state = state;
  touchPeer(peer, nowMs);
  refreshSupplier(peer);
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

/** Ends a peer that failed or leaves: it has no parents, no children and brings nothing into the swarm any more. */
export function endPeer(step: Step, peer: Peer, how: "fail" | "leave"): void {
  const { task } = peer;
  if (!movePeer(step, peer, how)) return;
  removeParents(peer);
  removeChildren(peer);
  stopWaiting(step.state, peer);
  if (task.fetchers.delete(peer)) {
    peer.sentToSourceAtMs = undefined;
    task.sourceFailures += 1;
  }
  step.touched.add(task);
}

/** Takes a peer out of those who wait. */
export function stopWaiting({ waitingTasks }: State, peer: Peer): void {
  peer.waitingSinceMs = undefined;
  const { waiters } = peer.task;
  if (waiters.delete(peer) && waiters.size === 0) waitingTasks.delete(peer.task);
}

/** Forgets a peer, if it is known. */
export function removePeer(step: Step, id: string): void {
  const peer = step.state.peers.get(id);
  if (peer === undefined) return;
  endPeer(step, peer, "leave");
  const { task } = peer;
  if (peer.streamId !== undefined) {
    const error = new DamselflyError("unavailable", `Cannot schedule peer ${peer.id} any longer: it was deleted`);
    step.effects.push({ type: "close_stream", streamId: peer.streamId, error });
    peer.streamId = undefined;
  }
  peer.host.peers.delete(peer);
  task.peers.delete(peer.id);
  step.state.peers.delete(peer.id);
  if (task.peers.size === 0) moveTask(step, task, "leave");
}

/** Forgets a host, if it is known, and its peers. */
export function removeHost(step: Step, id: string): void {
  const host = step.state.hosts.get(id);
  if (host === undefined) return;
  for (const peer of host.peers) removePeer(step, peer.id);
  step.state.hosts.delete(id);
  // Nobody waits for a triggered seed peer but in these tasks; the trigger of any other runs out by itself.
  for (const task of step.state.waitingTasks) {
    if (task.trigger?.host !== host) continue;
    task.trigger = undefined;
    step.touched.add(task);
  }
}
