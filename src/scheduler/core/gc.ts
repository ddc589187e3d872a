import type { Step } from "./event.ts";
import { removeHost, removePeer } from "./peers.ts";
import { beginRound, goOn, isOver } from "./rounds.ts";
import { setTrigger } from "./seeds.ts";
import type { Host, Peer, Task } from "./state.ts";

/** Of a task with more peers than this, finished ones from which nobody downloads are forgotten. */
const PEERS_KEPT_PER_TASK = 300;
/** A host is given up when it did not announce itself for so many of its intervals. */
const INTERVALS_MISSED_MAX = 2;
/** What is forgotten in one step counts as so many looks. */
const REMOVAL_LOOKS = 10;

/** Begins to look for what is gone, each part at its own interval (wire.md §4.8). */
export function beginCollecting({ state, nowMs }: Step): void {
  const { rounds, hosts, peers, tasks, settings: { gc } } = state;
  if (nowMs >= rounds.hosts.begunAtMs + gc.hostIntervalMs) beginRound(rounds.hosts, hosts.values(), nowMs);
  if (nowMs >= rounds.peers.begunAtMs + gc.peerIntervalMs) beginRound(rounds.peers, peers.values(), nowMs);
  if (nowMs >= rounds.tasks.begunAtMs + gc.taskIntervalMs) beginRound(rounds.tasks, tasks.values(), nowMs);
}

/** Goes on to forget what is gone. */
export function collect(step: Step): void {
  const { rounds } = step.state;
  goOn(rounds.hosts, (host) => collectHost(step, host));
  goOn(rounds.peers, (peer) => collectPeer(step, peer));
  goOn(rounds.tasks, (task) => collectTask(step, task));
}

/** Looks for room at once, where there is none for more. */
export function collectUrgently(step: Step): void {
  const { state: { rounds, peers, tasks }, nowMs } = step;
  if (isOver(rounds.peers)) beginRound(rounds.peers, peers.values(), nowMs);
  if (isOver(rounds.tasks)) beginRound(rounds.tasks, tasks.values(), nowMs);
  collect(step);
}

function collectHost(step: Step, host: Host): number {
  if (step.nowMs <= host.seenAtMs + silenceMaxMs(step, host)) return 1;
  removeHost(step, host.facts.id);
  return REMOVAL_LOOKS;
}

function silenceMaxMs({ state: { settings: { gc } } }: Step, { announceIntervalMs }: Host): number {
  return announceIntervalMs > 0 ? announceIntervalMs * INTERVALS_MISSED_MAX : gc.hostTtlMs;
}

function collectPeer(step: Step, peer: Peer): number {
  if (!isGone(step, peer) && !isSurplus(step, peer)) return 1;
  removePeer(step, peer.id);
  return REMOVAL_LOOKS;
}

function isGone({ state: { settings: { gc } }, nowMs }: Step, { state, host, updatedAtMs }: Peer): boolean {
  const silentMs = nowMs - updatedAtMs;
  if (state === "Failed" || state === "Leave") return true;
  if (state === "Running" || state === "BackToSource") return silentMs > gc.pieceTimeoutMs;
  if (state === "Succeeded" && !host.facts.isShared) return true;
  return silentMs > gc.peerTtlMs;
}

/**
 * Seed peers stay: they have the most to give, and are there to keep it. Of the others those stay that give fast: each
 * is compared with a holder by chance, so that the slower half goes in each round, until few enough are left.
 */
function isSurplus({ chance }: Step, peer: Peer): boolean {
  const { state, children, task, host, isPersistent } = peer;
  if (isPersistent || host.facts.isSeed || state !== "Succeeded") return false;
  if (task.peers.size <= PEERS_KEPT_PER_TASK || children.size > 0) return false;
  const other = task.roots.size === 0 ? peer : task.roots.at(chance.below(task.roots.size));
  return other !== peer && host.bytesPerMs <= other.host.bytesPerMs;
}

function collectTask({ state: { tasks, explanations, swarms } }: Step, task: Task): number {
  if (task.peers.size > 0) return 1;
  explanations.forget(task);
  swarms.forget(task);
  setTrigger(task, undefined);
  tasks.delete(task.facts.id);
  return 1;
}
