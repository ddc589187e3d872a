import { DamselflyError } from "../../core/error.ts";
import { startAtSource } from "./at_source.ts";
import { LEVEL_MAX } from "./dag.ts";
import { noCosts } from "./evaluate.ts";
import type { RegisterEvent, Step } from "./event.ts";
import { collectUrgently } from "./gc.ts";
import { Gates } from "./gates.ts";
import { PeerGroups } from "./peer_groups.ts";
import { addPeer, movePeer, moveTask, removePeer, touchPeer } from "./peers.ts";
import { PeersByPlace } from "./places.ts";
import { RandomSet } from "../../core/random_set.ts";
import { answer, schedule, sendToSource } from "./schedule.ts";
import type { Host, Peer, State, Task } from "./state.ts";
import { setTrigger } from "./seeds.ts";
import { hasAvailablePeer } from "./suppliers.ts";
import { newSwarm, newTrace } from "./swarms.ts";
import { mark } from "./waiting.ts";

/** The level that is refused. */
const LEVEL_REFUSED = 1;

/**
 * A peer wants a task (wire.md §4.4). The host must be known: whoever hears `not_found` announces itself and tries
 * again. A length of 0 is an empty task; a length that the peer did not say is unknown and never taken for 0.
 */
export function register(step: Step, event: RegisterEvent): void {
  const host = step.state.hosts.get(event.hostId);
  const refusal = refusalOf(step, event, host);
  if (refusal !== undefined || host === undefined) {
    step.effects.push({ type: "close_stream", streamId: event.streamId, error: refusal });
    return;
  }
  const { wish } = event;
  const task = step.state.tasks.get(event.task.id) ?? addTask(step, event);
  removePeer(step, event.peerId);
  const peer = newPeer(step, event, task, host);
  addPeer(step, peer);
  noteRegistration(step, task, peer);
  if (wish.metadataOnly) {
    movePeer(step, peer, "register");
    mark(step, task);
    return answer(step, peer, { kind: "metadata_only" });
  }
  if (wish.contentLength === 0) {
    movePeer(step, peer, "register_empty");
    return answer(step, peer, { kind: "empty_task" });
  }
  movePeer(step, peer, "register");
  if (wish.needBackToSource && !isReplaced(peer) && task.fetchers.size < step.state.settings.sourcePeersMax) {
    sendToSource(step, peer, "the peer was asked to fetch from the source");
    // A seed peer of our make registers when its source has answered: nobody need wait to hear that it has begun.
    if (host.facts.isSeed && host.facts.cutsAsAsked) startAtSource(step, peer);
    return;
  }
  schedule(step, peer, event.download);
}

/** Whether a seed peer that was to fetch for others is so late that one of them was sent, or has the task already. */
function isReplaced({ task, host }: Peer): boolean {
  return host.facts.isSeed && (task.fetchers.size > 0 || hasAvailablePeer(task));
}

function refusalOf(step: Step, event: RegisterEvent, host: Host | undefined): DamselflyError | undefined {
  const { state } = step;
  const { id } = event.task;
  const cannot = `Cannot register peer ${event.peerId}`;
  if (host === undefined) {
    return new DamselflyError("not_found", `${cannot}: host ${event.hostId} is not announced; announce it first`);
  }
  if (event.wish.priority === LEVEL_REFUSED) {
    return new DamselflyError("failed_precondition", `${cannot}: downloads with its priority are refused`);
  }
  const known = state.peers.get(event.peerId);
  if (known !== undefined && (known.streamId !== undefined || known.host !== host)) {
    return new DamselflyError("already_exists", `${cannot}: a peer of this id is connected`);
  }
  const quota = exceededQuota(step.state, host, id);
  if (quota !== undefined) {
    return new DamselflyError("resource_exhausted", `${cannot}: host ${event.hostId} has ${quota} already`);
  }
  if (isFull(step, id)) collectUrgently(step);
  if (!isFull(step, id)) return undefined;
  return new DamselflyError("resource_exhausted", `${cannot}: there is no room for more peers of task ${id}`);
}

/** What a host has so much of that it may not have more; undefined when it may. */
function exceededQuota({ limits, tasks }: State, host: Host, taskId: string): string | undefined {
  const { peersPerHostMax, tasksPerHostMax, streamsPerHostMax } = limits;
  if (host.streams >= streamsPerHostMax) return `${streamsPerHostMax} open streams`;
  if (host.peers.size >= peersPerHostMax) return `${peersPerHostMax} peers`;
  const task = tasks.get(taskId);
  const isNew = task === undefined || !host.peersByTask.has(task);
  return isNew && host.peersByTask.size >= tasksPerHostMax ? `${tasksPerHostMax} tasks` : undefined;
}

function isFull({ state: { limits, tasks, peers } }: Step, taskId: string): boolean {
  const task = tasks.get(taskId);
  if (peers.size >= limits.peersMax) return true;
  return task === undefined ? tasks.size >= limits.tasksMax : task.peers.size >= limits.peersPerTaskMax;
}

function addTask({ state, nowMs }: Step, { task: facts }: RegisterEvent): Task {
  const task: Task = {
    facts,
    state: "Pending",
    contentLength: undefined,
    pieceCount: 0,
    peers: new Map(),
    suppliers: new PeerGroups(),
    suppliersByPlace: new PeersByPlace(),
    mates: new PeerGroups(),
    matesByPlace: new PeersByPlace(),
    gates: new Gates(),
    roots: new RandomSet(),
    losses: 0,
    waiters: new Set(),
    pass: undefined,
    nextWaiters: undefined,
    fetchers: new Set(),
    hopes: new PeerGroups(),
    trigger: undefined,
    isSplit: false,
    sourceFailures: 0,
    seedFailedAtMs: undefined,
    swarm: newSwarm(nowMs),
    createdAtMs: nowMs,
    updatedAtMs: nowMs,
  };
  state.tasks.set(facts.id, task);
  return task;
}

function newPeer({ nowMs }: Step, { peerId, streamId, wish }: RegisterEvent, task: Task, host: Host): Peer {
  return {
    id: peerId,
    task,
    host,
    wish,
    state: "Pending",
    streamId,
    parents: new Set(),
    children: new Set(),
    mates: new Set(),
    pieceLength: wish.pieceLength,
    blocked: new Set(),
    assigned: new Set(),
    servedBy: new Set(),
    level: 0,
    lowestChild: LEVEL_MAX,
    suppliedAt: -1,
    isStranded: false,
    answers: 0,
    waitingSinceMs: undefined,
    sentToSourceAtMs: undefined,
    costs: noCosts(),
    piecesFinished: 0,
    isPersistent: false,
    trace: newTrace(peerId, task, host, nowMs),
    createdAtMs: nowMs,
    updatedAtMs: nowMs,
  };
}

function noteRegistration(step: Step, task: Task, peer: Peer): void {
  touchPeer(peer, step.nowMs);
  task.contentLength ??= peer.wish.contentLength;
  if (task.pieceCount === 0) task.pieceCount = peer.wish.pieceCount;
  if (task.trigger?.host === peer.host) setTrigger(task, undefined);
  // What failed before does not count when it all starts anew.
  if (task.waiters.size === 0 && task.fetchers.size === 0) task.sourceFailures = 0;
  if (task.state !== "Succeeded" || !hasAvailablePeer(task)) moveTask(step, task, "download");
}
