import type { Step } from "./event.ts";
import { removeHost, removePeer } from "./peers.ts";
import type { Host, Peer } from "./state.ts";

/** Of a task with more peers than this, finished ones from which nobody downloads are forgotten. */
const PEERS_KEPT_PER_TASK = 300;
/** A host is given up when it did not announce itself for so many of its intervals. */
const INTERVALS_MISSED_MAX = 2;
/** When there is no room, what can be forgotten is looked for at most that often. */
const URGENT_INTERVAL_MS = 1_000;

/** Forgets what is gone, each part at its own interval (wire.md §4.8). */
export function collect(step: Step): void {
  const { state: { gcAtMs, settings: { gc } }, nowMs } = step;
  if (nowMs >= gcAtMs.hosts + gc.hostIntervalMs) collectHosts(step);
  if (nowMs >= gcAtMs.peers + gc.peerIntervalMs) collectPeers(step);
  if (nowMs >= gcAtMs.tasks + gc.taskIntervalMs) collectTasks(step);
}

/** Forgets what can be forgotten at once, because there is no room for more. */
export function collectUrgently(step: Step): void {
  if (step.nowMs < step.state.gcAtMs.peers + URGENT_INTERVAL_MS) return;
  collectPeers(step);
  collectTasks(step);
}

function collectHosts(step: Step): void {
  step.state.gcAtMs.hosts = step.nowMs;
  for (const host of step.state.hosts.values()) {
    if (step.nowMs > host.seenAtMs + silenceMaxMs(step, host)) removeHost(step, host.facts.id);
  }
}

function silenceMaxMs({ state: { settings: { gc } } }: Step, { announceIntervalMs }: Host): number {
  return announceIntervalMs > 0 ? announceIntervalMs * INTERVALS_MISSED_MAX : gc.hostTtlMs;
}

function collectPeers(step: Step): void {
  step.state.gcAtMs.peers = step.nowMs;
  for (const peer of step.state.peers.values()) {
    if (isGone(step, peer) || isSurplus(peer)) removePeer(step, peer.id);
  }
}

function isGone({ state: { settings: { gc } }, nowMs }: Step, { state, host, updatedAtMs }: Peer): boolean {
  const silentMs = nowMs - updatedAtMs;
  if (state === "Failed" || state === "Leave") return true;
  if (state === "Running" || state === "BackToSource") return silentMs > gc.pieceTimeoutMs;
  if (state === "Succeeded" && !host.facts.isShared) return true;
  return silentMs > gc.peerTtlMs;
}

function isSurplus({ state, children, task, isPersistent }: Peer): boolean {
  return !isPersistent && task.peers.size > PEERS_KEPT_PER_TASK && state === "Succeeded" && children.size === 0;
}

function collectTasks(step: Step): void {
  const { state: { tasks, gcAtMs }, nowMs } = step;
  gcAtMs.tasks = nowMs;
  for (const task of tasks.values()) {
    if (task.peers.size === 0) tasks.delete(task.facts.id);
  }
}
