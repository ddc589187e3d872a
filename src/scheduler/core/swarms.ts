/**
 * What became of the peers of each task when, and how many do what in which place. It is for people who look on; no
 * decision goes by it. What is kept of single peers is bounded for each task and over all of them; all peers are
 * counted by their place, with each change, so that nobody ever has to walk them.
 */
import type { Host, Peer, Task } from "./state.ts";

/** Peers of a task that are told of one by one: those of its last burst, as far as there is room. */
export const TOLD_PER_TASK_MAX = 500;
/** Of all tasks together; each takes about 1 KB. Where there is no room, the task that nobody joined for longest goes. */
const TRACES_MAX = 20_000;
/** Those who give pieces to one peer and are told apart. */
const FEEDS_MAX = 16;
/** Places of a task that are told apart; the others count as one. */
export const PLACES_MAX = 100;
/** Tasks that have stopped and are remembered as such. */
const STOPPED_MAX = 500;
/** Who joins a task that has stood still for so long begins a new burst. */
const BURST_PAUSE_MS = 60_000;
/** The source, among those who give pieces. */
export const SOURCE = "";
/** All places that are not told apart. */
export const OTHER_PLACES = "…";

const TENTHS = 10;

/** What a peer that is not told of has: very many share it, and nothing is ever added. */
const NOTHING = { tenthsAtMs: [] as number[], feeds: new Map<string, Feed>() };

/** What a peer does. */
export type Stage = "waiting" | "downloading" | "atSource" | "done" | "failed";

/** What a peer got from somebody. Times are of the scheduler's clock. */
export interface Feed {
  /** The first piece, or that the peer was told to ask for some. */
  readonly sinceMs: number;
  untilMs: number;
  pieces: number;
}

/** All peers of a task in one place. */
export interface PlaceCount {
  readonly name: string;
  readonly counts: Record<Stage, number>;
  /** Pieces that came here, by the place they came from; undefined is the source. */
  readonly flows: Map<PlaceCount | undefined, number>;
}

/** What became of one peer when. It outlives the peer, and knows it by its id only. */
export interface Trace {
  readonly peerId: string;
  readonly hostId: string;
  readonly isSeed: boolean;
  readonly place: PlaceCount;
  readonly begunAtMs: number;
  stage: Stage;
  startedAtMs: number | undefined;
  atSourceAtMs: number | undefined;
  endedAtMs: number | undefined;
  /** Pieces that it has, and makes of what it wants; 0 while that is unknown. */
  pieces: number;
  pieceCount: number;
  /** How it ended first: who has all of it and leaves later has not failed. */
  isFailed: boolean;
  /** When each tenth of its pieces was there. */
  tenthsAtMs: number[];
  /** By peer id, and {@link SOURCE}. */
  feeds: Map<string, Feed>;
  /** Whether it is one of those that are told of one by one. */
  isTold: boolean;
}

/** The peers of one task, as they are counted and told of. */
export interface Swarm {
  readonly places: Map<string, PlaceCount>;
  readonly counts: Record<Stage, number>;
  /** Peers that are told of, whoever began first comes first. */
  told: Trace[];
  /** When it began to move, or stopped. */
  sinceMs: number;
}

/** A task that nobody has joined. */
export function newSwarm(nowMs: number): Swarm {
  return { places: new Map(), counts: noCounts(), told: [], sinceMs: nowMs };
}

/** The trace of a peer that is about to be {@link Swarms.join}ed. */
export function newTrace(peerId: string, { swarm }: Task, { facts }: Host, nowMs: number): Trace {
  return {
    ...{ peerId, hostId: facts.id, isSeed: facts.isSeed },
    place: placeOf(swarm, facts.location || facts.idc),
    begunAtMs: nowMs,
    stage: "waiting",
    ...{ startedAtMs: undefined, atSourceAtMs: undefined, endedAtMs: undefined, isFailed: false },
    ...{ pieces: 0, pieceCount: 0, ...NOTHING, isTold: false },
  };
}

function placeOf({ places }: Swarm, name: string): PlaceCount {
  const known = places.get(name);
  if (known !== undefined) return known;
  const told = places.size < PLACES_MAX ? name : OTHER_PLACES;
  const place = places.get(told) ?? { name: told, counts: noCounts(), flows: new Map() };
  places.set(told, place);
  return place;
}

function noCounts(): Record<Stage, number> {
  return { waiting: 0, downloading: 0, atSource: 0, done: 0, failed: 0 };
}

/** How many of a task wait or fetch. */
function movingIn({ counts }: Swarm): number {
  return counts.waiting + counts.downloading + counts.atSource;
}

/** The swarms of all tasks. */
export class Swarms {
  /** Tasks of which a peer waits or fetches, the one that has done so for longest first. */
  readonly moving = new Set<Task>();
  /** Tasks that have stopped, the last one last. */
  readonly stopped = new Set<Task>();
  /** Tasks of which peers are told, the one that was joined last is the last. */
  readonly #traced = new Set<Task>();
  #traces = 0;

  /** A peer is new. */
  join(peer: Peer, nowMs: number): void {
    const { task, trace } = peer;
    const { swarm } = task;
    if (movingIn(swarm) === 0 && nowMs - swarm.sinceMs > BURST_PAUSE_MS) this.#forgetTraces(task);
    trace.stage = stageOf(peer);
    if (trace.stage === "done") trace.endedAtMs = nowMs;
    this.#count(peer, trace.stage, 1, nowMs);
    if (!this.#hasRoom(swarm)) return;
    Object.assign(trace, { isTold: true, tenthsAtMs: [], feeds: new Map() });
    swarm.told.push(trace);
    this.#traces += 1;
    this.#traced.delete(task);
    this.#traced.add(task);
    const [silent] = this.#traced;
    if (this.#traces > TRACES_MAX && silent !== undefined) this.#forgetTraces(silent);
  }

  /** The state of a peer has changed. */
  moved(peer: Peer, nowMs: number): void {
    const { trace } = peer;
    const stage = stageOf(peer);
    if (stage === trace.stage) return;
    // In this order: a task does not stop in between.
    this.#count(peer, stage, 1, nowMs);
    this.#count(peer, trace.stage, -1, nowMs);
    trace.stage = stage;
    if (stage === "downloading") trace.startedAtMs ??= nowMs;
    else if (stage === "atSource") trace.atSourceAtMs ??= nowMs;
    else if (trace.endedAtMs === undefined) {
      trace.endedAtMs = nowMs;
      trace.isFailed = stage === "failed";
    }
  }

  /** A peer is known no more. What was told of it stays. */
  left(peer: Peer, nowMs: number): void {
    this.#count(peer, peer.trace.stage, -1, nowMs);
  }

  /** A task is forgotten. */
  forget(task: Task): void {
    this.#forgetTraces(task);
    this.moving.delete(task);
    this.stopped.delete(task);
  }

  #hasRoom({ told }: Swarm): boolean {
    const [oldest] = told;
    if (told.length < TOLD_PER_TASK_MAX || oldest === undefined) return true;
    if (oldest.endedAtMs === undefined) return false;
    told.shift();
    this.#drop(oldest);
    return true;
  }

  #forgetTraces(task: Task): void {
    for (const trace of task.swarm.told) this.#drop(trace);
    task.swarm.told = [];
    this.#traced.delete(task);
  }

  #drop(trace: Trace): void {
    Object.assign(trace, { isTold: false, ...NOTHING });
    this.#traces -= 1;
  }

  #count({ task, trace }: Peer, stage: Stage, change: 1 | -1, nowMs: number): void {
    const { swarm } = task;
    const before = movingIn(swarm) > 0;
    swarm.counts[stage] += change;
    trace.place.counts[stage] += change;
    const after = movingIn(swarm) > 0;
    if (before === after) return;
    swarm.sinceMs = nowMs;
    const [to, from] = after ? [this.moving, this.stopped] : [this.stopped, this.moving];
    from.delete(task);
    to.add(task);
    const [first] = this.stopped;
    if (this.stopped.size > STOPPED_MAX && first !== undefined) this.stopped.delete(first);
  }
}

function stageOf({ state, wish }: Peer): Stage {
  switch (state) {
    case "Pending":
    case "ReceivedEmpty":
    case "ReceivedNormal":
      return wish.metadataOnly ? "done" : "waiting";
    case "Running":
      return "downloading";
    case "BackToSource":
      return "atSource";
    case "Succeeded":
      return "done";
    case "Failed":
    case "Leave":
      return "failed";
    default:
      return state satisfies never;
  }
}

/** A peer was given parents. */
export function noteParents({ trace }: Peer, parents: readonly Peer[], nowMs: number): void {
  for (const { id } of parents) feedOf(trace, id, nowMs);
}

/** A peer got a piece, from another one or from the source. */
export function notePiece(peer: Peer, parent: Peer | undefined, nowMs: number): void {
  const { trace } = peer;
  const { flows } = trace.place;
  flows.set(parent?.trace.place, (flows.get(parent?.trace.place) ?? 0) + 1);
  if (!trace.isTold) return;
  const feed = feedOf(trace, parent?.id ?? SOURCE, nowMs);
  if (feed !== undefined) {
    feed.pieces += 1;
    feed.untilMs = nowMs;
  }
  trace.pieces = peer.piecesFinished;
  trace.pieceCount = piecesWanted(peer);
  while (trace.pieceCount > 0 && trace.tenthsAtMs.length < TENTHS) {
    if (trace.pieces * TENTHS < (trace.tenthsAtMs.length + 1) * trace.pieceCount) break;
    trace.tenthsAtMs.push(nowMs);
  }
}

/** What a peer gets from somebody; undefined when it is not told, or gets from too many. */
function feedOf({ isTold, feeds }: Trace, id: string, nowMs: number): Feed | undefined {
  const known = feeds.get(id);
  if (known !== undefined || !isTold || feeds.size >= FEEDS_MAX) return known;
  const feed = { sinceMs: nowMs, untilMs: nowMs, pieces: 0 };
  feeds.set(id, feed);
  return feed;
}

/** The pieces that a peer makes of what it wants; 0 while that is unknown. */
function piecesWanted({ pieceLength, wish: { range }, task }: Peer): number {
  const length = range?.length ?? task.contentLength;
  return pieceLength === undefined || length === undefined ? task.pieceCount : Math.ceil(length / pieceLength);
}
