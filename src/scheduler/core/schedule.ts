/**
 * Who gets parents, who waits and who goes to the source.
 *
 * A peer that finds parents is answered at once. One that finds none waits while somebody is about to bring the task
 * into the swarm: a *prospect* is a seed peer that was triggered, or a peer that was sent to the source, which has
 * neither begun nor run out of time (`SEED_START_TIMEOUT_MS`, `sourceStartTimeoutMs`). As soon as it begins it is a
 * parent, even without a piece, and everybody who waits is answered in the same step. When it fails, dies or is late,
 * the peer that waits longest is sent to the source, in the same step too; it is the prospect of the others. So N
 * peers that come at once cost the source one copy, and a fault costs a copy more and a few seconds, never N copies.
 * Nor does a seed peer that was only slow: one that registers after its replacement was sent is a child of that one.
 *
 * From the second fetch in a row that came to nothing on, twice as many go next: a source that refuses some of its
 * callers holds up N peers for log2(N) rounds. No wait is longer than `WAIT_TIMEOUT_MS`.
 */
import { DamselflyError } from "../../core/error.ts";
import { findParents, isCutOff } from "./candidates.ts";
import { addParents, removeParents } from "./dag.ts";
import type { Decision, Step } from "./event.ts";
import { Choice, type Outcome } from "./explanations.ts";
import { canCutFor, isOpenTo } from "./fit.ts";
import { chooseMates } from "./mates.ts";
import { closeStream, endPeer } from "./peers.ts";
import { seedFor, setTrigger } from "./seeds.ts";
import type { Peer, Task } from "./state.ts";
import { noteParents } from "./swarms.ts";
import { mark, startWaiting, stopWaiting } from "./waiting.ts";

/**
 * How long a triggered seed peer has to ask the source for the size and to begin. Peers wait for a decision for 5 s: what
 * is left of them is for the one that is sent in its place.
 */
export const SEED_START_TIMEOUT_MS = 3_500;
/** How long a triggered seed peer whose call has ended may take to register what it holds. */
export const SEED_ENDED_GRACE_MS = 1_000;
/** How long a peer waits for parents at most, whatever happens. */
export const WAIT_TIMEOUT_MS = 10_000;
/** The number of peers that go next is doubled so often at most, to 128. */
const DOUBLINGS_MAX = 7;

/** The level that never goes to the source, and the lowest that may trigger a seed peer, besides "not set". */
const LEVEL_PEERS_ONLY = 2;
const LEVEL_SEED_MIN = 4;

/**
 * Answers a peer, or lets it wait. `download` is its registration; only with it can a seed peer be triggered, since
 * the credentials in it are not kept.
 */
export function schedule(step: Step, peer: Peer, download?: unknown): void {
  removeParents(peer);
  const choice = findParents(step, peer);
  if (answerWithParents(step, peer, choice) || isPromising(step, peer, choice)) return;
  if (download !== undefined) {
    if (triggersSeed(peer) && triggerSeed(step, peer.task, download) && isPromising(step, peer, choice)) return;
    if (peer.wish.priority === LEVEL_PEERS_ONLY) {
      const what = `Cannot download task ${peer.task.facts.id}: no peer has it and its priority forbids the source`;
      return refuseFor(step, peer, choice, new DamselflyError("not_found", what));
    }
  }
  if (maySendToSource(step, peer)) sendToSource(step, peer, "no parent is available", choice);
  else letWait(step, peer, choice);
}

/** Sends a peer to the source, which makes it the prospect of those who wait. */
export function sendToSource(step: Step, peer: Peer, reason: string, choice = new Choice()): void {
  explain(step, peer, choice, { outcome: "back_to_source", reason });
  removeParents(peer);
  peer.task.fetchers.add(peer);
  peer.task.hopes.put(peer);
  peer.sentToSourceAtMs = step.nowMs;
  mark(step, peer.task);
  if (!peer.task.isSplit && !peer.wish.needBackToSource && isCutOff(peer)) {
    peer.task.isSplit = true;
    step.effects.push({ type: "tell_split", peer });
  }
  answer(step, peer, { kind: "back_to_source", reason });
}

/** Asks a seed peer to fetch the task; false when none may or can be asked, or one was asked and still has time. */
export function triggerSeed(step: Step, task: Task, download: unknown): boolean {
  if (!step.state.settings.triggersSeedPeers) return false;
  if (task.trigger !== undefined && step.nowMs < task.trigger.deadlineMs) return false;
  const host = seedFor(step.state, task, step.nowMs);
  if (host === undefined) return false;
  const timeoutMs = Math.max(SEED_START_TIMEOUT_MS, step.state.settings.sourceStartTimeoutMs);
  setTrigger(task, { host, deadlineMs: step.nowMs + timeoutMs });
  step.effects.push({ type: "trigger_seed", host, task, download });
  return true;
}

/** Sends an answer; the peer waits no longer. */
export function answer(step: Step, peer: Peer, decision: Decision): void {
  stopWaiting(step.state, peer);
  peer.answers += 1;
  if (peer.streamId !== undefined) step.effects.push({ type: "send", streamId: peer.streamId, peer, decision });
}

/** Ends a peer with an error on its stream. */
export function refuse(step: Step, peer: Peer, error: DamselflyError): void {
  closeStream(step, peer, error);
  endPeer(step, peer, "fail");
}

/** Decides anew for a peer that waits: it is answered, or waits on. */
export function decideAnew(step: Step, peer: Peer): void {
  const choice = findParents(step, peer);
  if (answerWithParents(step, peer, choice)) return;
  const { task } = peer;
  const waitedMs = step.nowMs - (peer.waitingSinceMs ?? step.nowMs);
  if (waitedMs < WAIT_TIMEOUT_MS && hasEnough(step, peer)) return;
  if (maySendToSource(step, peer)) return sendToSource(step, peer, "nobody brought the task into the swarm", choice);
  const limitMs = hasProspects(step, peer, 1) ? WAIT_TIMEOUT_MS : step.state.settings.noParentTimeoutMs;
  if (waitedMs < limitMs) return;
  const what = `Cannot find a parent for peer ${peer.id} of task ${task.facts.id}: nobody has it after ${waitedMs} ms`;
  refuseFor(step, peer, choice, new DamselflyError("failed_precondition", what));
}

/** Looks whether time has changed something for those who wait for a task: somebody is late, or has waited enough. */
export function lookAtTime(step: Step, task: Task): void {
  const { nowMs, state: { settings } } = step;
  let isDue = task.trigger !== undefined && nowMs >= task.trigger.deadlineMs;
  for (let peer = task.hopes.oldest; peer !== undefined && isLate(step, peer); peer = task.hopes.oldest) {
    task.hopes.delete(peer);
    peer.sentToSourceAtMs = undefined;
    task.sourceFailures += 1;
    isDue = true;
  }
  const [longest] = task.waiters;
  const patienceMs = Math.min(WAIT_TIMEOUT_MS, settings.noParentTimeoutMs);
  if (longest !== undefined && nowMs >= (longest.waitingSinceMs ?? nowMs) + patienceMs) isDue = true;
  if (isDue) mark(step, task);
}

function isLate({ nowMs, state: { settings } }: Step, { sentToSourceAtMs }: Peer): boolean {
  return sentToSourceAtMs === undefined || nowMs >= sentToSourceAtMs + settings.sourceStartTimeoutMs;
}

function answerWithParents(step: Step, peer: Peer, choice: Choice): boolean {
  const { parents } = choice;
  if (parents.length === 0) return false;
  explain(step, peer, choice, { outcome: "from_parents", reason: "" });
  addParents(parents, peer);
  noteParents(peer, parents, step.nowMs);
  const mates = chooseMates(step, peer).filter((mate) => !parents.includes(mate));
  for (const { id } of parents) peer.assigned.add(id);
  for (const { id } of mates) peer.assigned.add(id);
  answer(step, peer, { kind: "from_parents", parents, mates });
  return true;
}

/** Whether waiting makes sense; lets the peer wait if so. */
function isPromising(step: Step, peer: Peer, choice: Choice): boolean {
  if (!hasEnough(step, peer)) return false;
  letWait(step, peer, choice);
  return true;
}

function letWait(step: Step, peer: Peer, choice: Choice): void {
  const { trigger, hopes, waiters } = peer.task;
  if (!waiters.has(peer)) {
    const reason = trigger !== undefined
      ? `seed peer ${trigger.host.facts.id} is asked to fetch the task`
      : `${hopes.size} peers are about to begin at the source`;
    explain(step, peer, choice, { outcome: "waits", reason });
  }
  startWaiting(step, peer);
}

function refuseFor(step: Step, peer: Peer, choice: Choice, error: DamselflyError): void {
  explain(step, peer, choice, { outcome: "refused", reason: error.message });
  refuse(step, peer, error);
}

/** Notes why a peer is answered as it is. */
function explain(
  { state: { explanations }, nowMs }: Step,
  { id, host, task }: Peer,
  choice: Choice,
  what: { readonly outcome: Outcome; readonly reason: string },
): void {
  explanations.add(task, {
    atMs: nowMs,
    peerId: id,
    hostId: host.facts.id,
    ...what,
    considered: choice.considered(),
    others: choice.others,
  });
}

/** Whether so many are about to begin at the source that it need not be one more. */
function hasEnough(step: Step, peer: Peer): boolean {
  const doublings = Math.min(Math.max(0, peer.task.sourceFailures - 1), DOUBLINGS_MAX);
  return hasProspects(step, peer, 2 ** doublings);
}

/** Whether `count` are about to begin at the source from whom this peer could take pieces. */
function hasProspects(step: Step, peer: Peer, count: number): boolean {
  const { trigger, hopes } = peer.task;
  const isTriggered = trigger !== undefined && trigger.host !== peer.host && step.nowMs < trigger.deadlineMs;
  let missing = count - Number(isTriggered);
  if (missing > hopes.size) return false;
  for (const { offer, peers } of hopes.of(peer)) {
    if (!canCutFor(offer, peer)) continue;
    for (const fetcher of peers) {
      if (missing <= 0) return true;
      if (isOpenTo(fetcher, peer) && !isLate(step, fetcher)) missing -= 1;
    }
  }
  return missing <= 0;
}

function maySendToSource(step: Step, { task, wish }: Peer): boolean {
  if (wish.disableBackToSource || wish.priority === LEVEL_PEERS_ONLY) return false;
  return task.fetchers.size < step.state.settings.sourcePeersMax;
}

/** Seed peers fetch for others; a seed peer that wants a task itself does not send another one (wire.md §4.4). */
function triggersSeed({ host, wish }: Peer): boolean {
  return !host.facts.isSeed && (wish.priority === 0 || wish.priority >= LEVEL_SEED_MIN);
}
