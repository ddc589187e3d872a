import { DamselflyError } from "../../core/error.ts";
import { planWith } from "../../core/piece.ts";
import type { Chance } from "../../core/random_set.ts";
import { removeParents } from "./dag.ts";
import { addSpeed } from "./algorithm_swarm.ts";
import { moveOrRefuse, startAtSource } from "./at_source.ts";
import { addCost } from "./evaluate.ts";
import type { Effect, Event, PeerEvent, PieceReport, Step } from "./event.ts";
import { beginCollecting, collect } from "./gc.ts";
import {
  closeStream,
  endPeer,
  leave,
  loseStream,
  moveTask,
  removeHost,
  removePeer,
  stopFetching,
  touchHost,
  touchPeer,
} from "./peers.ts";
import { placesOf } from "./places.ts";
import { register } from "./register.ts";
import { newReputation, speak } from "./reputation.ts";
import { areOver, beginRound, goOn } from "./rounds.ts";
import { decideAnew, lookAtTime, refuse, schedule, SEED_ENDED_GRACE_MS, triggerSeed } from "./schedule.ts";
import { SEED_SKIP_MS, setTrigger } from "./seeds.ts";
import type { Host, Peer, State } from "./state.ts";
import { refreshPeer, unstrand } from "./suppliers.ts";
import { notePiece } from "./swarms.ts";
import { mark, serveWaiters, stopWaiting } from "./waiting.ts";

/** Answers on one stream; a stock peer gives up after so many (wire.md §2.7). */
const ANSWERS_MAX = 5;
/** Ids that a peer's block list holds; the oldest makes way. */
const BLOCKED_MAX = 1_000;

/**
 * One step of the scheduler: changes `state` for `event`, and says what the edge has to do. It never waits and never
 * throws for what comes from outside: a message that does not fit ends its stream. Peers that wait are answered in
 * the very step in which somebody becomes a parent for them, or stops being about to (see `schedule.ts`).
 */
export function apply(state: State, event: Event, chance: Chance): Effect[] {
  const step: Step = { state, nowMs: event.nowMs, chance, effects: [] };
  handle(step, event);
  serveWaiters(step, (peer) => decideAnew(step, peer));
  return step.effects;
}

/** Whether something is left undone that a `carry_on` goes on with, at once: no step does more than so much. */
export function hasMore({ backlog, leaving, leavingHosts, rounds }: State): boolean {
  return [backlog, leaving, leavingHosts].some(({ size }) => size > 0) || !areOver(rounds);
}

function handle(step: Step, event: Event): void {
  const { state } = step;
  switch (event.type) {
    case "register":
      return register(step, event);
    case "host_announced":
    case "host_restored":
      return announceHost(step, event);
    case "host_deleted":
      removeHost(step, event.hostId);
      return leave(step);
    case "seed_trigger_failed":
      return failTrigger(step, event);
    case "seed_trigger_ended":
      return endTrigger(step, event);
    case "delete_task":
      return removeTaskOfHost(step, event.taskId, event.hostId);
    case "peer_persisted":
      return persistPeer(step, event.peerId);
    case "delete_peer":
      return removePeer(step, event.peerId);
    case "settings_changed":
      state.settings = event.settings;
      return;
    case "tick":
      beginRounds(step);
      return carryOn(step);
    case "carry_on":
      return carryOn(step);
    default:
      return handlePeer(step, event);
  }
}

/** Why a host cannot be announced, undefined when it can. */
export function hostRefusal({ hosts, limits }: State, hostId: string): DamselflyError | undefined {
  if (hosts.has(hostId) || hosts.size < limits.hostsMax) return undefined;
  const what = `Cannot announce host ${hostId}: the scheduler knows ${limits.hostsMax} hosts already`;
  return new DamselflyError("resource_exhausted", what);
}

function announceHost(step: Step, event: Event & { type: "host_announced" | "host_restored" }): void {
  const { facts, announceIntervalMs } = event;
  if (hostRefusal(step.state, facts.id) !== undefined) return;
  const known = step.state.hosts.get(facts.id);
  if (known === undefined) {
    const host = newHost(step, event);
    step.state.hosts.set(facts.id, host);
    return noteSeed(step.state, host);
  }
  const before = known.facts;
  known.facts = facts;
  const places = placesOf(facts);
  const isMoved = places.join() !== known.places.join();
  if (isMoved) known.places = places;
  known.announceIntervalMs = announceIntervalMs;
  touchHost(known, step.nowMs);
  known.skippedUntilMs = 0;
  noteSeed(step.state, known);
  if (!isMoved && before.isShared === facts.isShared && before.cutsAsAsked === facts.cutsAsAsked) return;
  for (const peer of known.peers) {
    refreshPeer(peer);
    mark(step, peer.task);
  }
}

function noteSeed({ seeds }: State, host: Host): void {
  if (host.facts.isSeed) seeds.add(host);
  else seeds.delete(host);
}

function newHost({ nowMs }: Step, event: Event & { type: "host_announced" | "host_restored" }): Host {
  return {
    facts: event.facts,
    places: placesOf(event.facts),
    announceIntervalMs: event.announceIntervalMs,
    seenAtMs: nowMs,
    isRestored: event.type === "host_restored",
    peers: new Set(),
    peersByTask: new Map(),
    streams: 0,
    triggers: new Set(),
    uploads: 0,
    txBitsPerSecond: 0,
    uploadBytes: 0,
    uploadPieces: 0,
    bytesPerMs: 0,
    reputation: newReputation(),
    skippedUntilMs: 0,
  };
}

/**
 * A triggered seed peer could not be reached or failed. While it has not registered, people wait for it: the next seed
 * peer is asked, or those who wait decide anew. Once it has registered, its own stream tells how it fares. One that
 * only an earlier run knew, and that nobody reaches, has proved dead.
 */
function failTrigger(step: Step, event: Event & { type: "seed_trigger_failed" }): void {
  const { state, nowMs } = step;
  const host = state.hosts.get(event.hostId);
  if (host !== undefined && !event.atSource) host.skippedUntilMs = nowMs + SEED_SKIP_MS;
  const task = state.tasks.get(event.taskId);
  if (task?.trigger?.host.facts.id === event.hostId) {
    setTrigger(task, undefined);
    if (event.atSource) task.seedFailedAtMs = nowMs;
    else if (task.waiters.size > 0) triggerSeed(step, task, event.download);
    mark(step, task);
  }
  if (host?.isRestored && event.isUnreachable) removeHost(step, event.hostId);
}

/** The call to a seed peer that has not registered ended well: it may have had the content, and registers in a moment. */
function endTrigger({ state, nowMs }: Step, { taskId, hostId }: { taskId: string; hostId: string }): void {
  const task = state.tasks.get(taskId);
  if (task?.trigger?.host.facts.id !== hostId) return;
  const { host, deadlineMs } = task.trigger;
  setTrigger(task, { host, deadlineMs: Math.min(deadlineMs, nowMs + SEED_ENDED_GRACE_MS) });
}

function removeTaskOfHost(step: Step, taskId: string, hostId: string): void {
  const { tasks, hosts } = step.state;
  const task = tasks.get(taskId);
  if (task === undefined) return;
  for (const peer of hosts.get(hostId)?.peersByTask.get(task) ?? []) removePeer(step, peer.id);
}

function beginRounds(step: Step): void {
  const { rounds, waitingTasks } = step.state;
  beginRound(rounds.waiting, waitingTasks.values(), step.nowMs);
  beginCollecting(step);
}

function carryOn(step: Step): void {
  leave(step);
  goOn(step.state.rounds.waiting, (task) => {
    lookAtTime(step, task);
    return 1;
  });
  collect(step);
}

function handlePeer(step: Step, event: PeerEvent): void {
  const peer = step.state.peers.get(event.peerId);
  if (peer === undefined || peer.streamId !== event.streamId) return;
  touchPeer(peer, step.nowMs);
  switch (event.type) {
    case "started":
      if (peer.state !== "Running") moveOrRefuse(step, peer, "download");
      return;
    case "back_to_source_started":
      return startAtSource(step, peer);
    case "reschedule":
      return reschedule(step, peer, event.failedParentIds);
    case "piece_finished":
      return finishPiece(step, peer, event.piece);
    case "piece_failed":
      return failPiece(step, peer, event);
    case "piece_back_to_source_failed":
      return;
    case "finished":
    case "back_to_source_finished":
      return finish(step, peer);
    case "failed":
      return fail(step, peer);
    case "back_to_source_failed":
      return failAtSource(step, peer);
    case "stream_closed":
      loseStream(peer);
      return endPeer(step, peer, "fail");
    default:
      return event satisfies never;
  }
}

function persistPeer({ state }: Step, peerId: string): void {
  const peer = state.peers.get(peerId);
  if (peer !== undefined) peer.isPersistent = true;
}

function reschedule(step: Step, peer: Peer, failedParentIds: readonly string[]): void {
  // Mates owe nothing: all that are named here only lack what others lack too. One that fails a piece is blocked for it.
  const parents = new Set([...peer.parents].map(({ id }) => id));
  const mates = new Set([...peer.mates].map(({ id }) => id));
  for (const id of failedParentIds) if (parents.has(id) || !mates.has(id)) block(peer, id);
  const isAsking = peer.state === "ReceivedNormal" || peer.state === "Running";
  if (isAsking && peer.answers < ANSWERS_MAX) return schedule(step, peer);
  const why = isAsking ? `it had ${ANSWERS_MAX} answers on this stream` : `it is in state ${peer.state}`;
  refuse(step, peer, new DamselflyError("failed_precondition", `Cannot schedule peer ${peer.id} again: ${why}`));
}

function block({ blocked, task }: Peer, parentId: string): void {
  if (!task.peers.has(parentId)) return;
  const [oldest] = blocked;
  if (blocked.size >= BLOCKED_MAX && oldest !== undefined) blocked.delete(oldest);
  blocked.add(parentId);
}

function finishPiece({ nowMs }: Step, peer: Peer, piece: PieceReport): void {
  const { task } = peer;
  const cut = cutShownBy(piece, task.contentLength) ?? peer.pieceLength;
  if (cut !== peer.pieceLength) {
    peer.pieceLength = cut;
    refreshPeer(peer);
  }
  unstrand(peer);
  peer.piecesFinished += 1;
  addCost(peer.costs, piece.costMs);
  task.updatedAtMs = nowMs;
  if (piece.parentId === undefined) {
    task.sourceFailures = 0;
    return notePiece(peer, undefined, nowMs);
  }
  const parent = task.peers.get(piece.parentId);
  if (parent === undefined || !peer.assigned.has(parent.id)) return;
  peer.servedBy.add(parent.id);
  notePiece(peer, parent, nowMs);
  addSpeed(parent.host, piece);
  parent.updatedAtMs = nowMs;
  touchHost(parent.host, nowMs);
}

/** The piece length that a piece shows, in bytes: a peer may have taken over another one since it registered. */
function cutShownBy({ number, offset, lengthBytes }: PieceReport, contentLength: number | undefined) {
  if (contentLength === undefined) return undefined;
  return planWith(contentLength, { number, offset, length: lengthBytes })?.pieceLength;
}

/** A peer gives up a parent. Only one that it was given can be accused: nobody speaks of hosts that he never met. */
function failPiece({ nowMs }: Step, peer: Peer, { parentId, temporary }: { parentId: string; temporary: boolean }) {
  const parent = peer.task.peers.get(parentId);
  if (parent === undefined || !temporary || !peer.assigned.has(parentId) || peer.blocked.has(parentId)) return;
  block(peer, parentId);
  speak(parent.host.reputation, "failed", peer.host.facts.id, nowMs);
}

function finish(step: Step, peer: Peer): void {
  if (!moveOrRefuse(step, peer, "succeed")) return;
  const { task } = peer;
  stopWaiting(step.state, peer);
  for (const id of peer.servedBy) {
    const parent = task.peers.get(id);
    if (parent !== undefined) speak(parent.host.reputation, "served", peer.host.facts.id, step.nowMs);
  }
  removeParents(peer);
  peer.mates.clear();
  stopFetching(peer);
  if (peer.wish.range === undefined) {
    task.sourceFailures = 0;
    moveTask(step, task, "succeed");
  }
  mark(step, task);
  closeStream(step, peer);
}

function fail(step: Step, peer: Peer): void {
  closeStream(step, peer);
  endPeer(step, peer, "fail");
}

function failAtSource(step: Step, peer: Peer): void {
  const { task, host } = peer;
  fail(step, peer);
  if (host.facts.isSeed) task.seedFailedAtMs = step.nowMs;
  if (task.roots.size > 0 || task.fetchers.size > 0) return;
  // Nobody has the content and nobody fetches it: what was known about it may have changed.
  moveTask(step, task, "fail");
  task.contentLength = undefined;
  task.pieceCount = 0;
}
