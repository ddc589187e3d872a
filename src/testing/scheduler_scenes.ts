import { apply, hasMore } from "../scheduler/core/apply.ts";
import type { Event, PeerEvent, Untimed } from "../scheduler/core/event.ts";
import { WAIT_TIMEOUT_MS } from "../scheduler/core/schedule.ts";
import { DEFAULT_SETTINGS } from "../scheduler/core/settings.ts";
import {
  DEFAULT_LIMITS,
  emptyState,
  type HostFacts,
  type Peer,
  type State,
  type TaskFacts,
  type Wish,
} from "../scheduler/core/state.ts";
import { hostFacts, wish } from "./scheduler_swarm.ts";
import { seededRandom } from "./seeded_random.ts";

/** Called for each step of the scheduler; it must call `run` once. `kind` says what the step was about. */
export type ObserveStep = (kind: string, run: () => void) => void;

/** A tick of the scheduler. */
const TICK_MS = 200;
/** Events of the kinds that are not meant for every peer. */
const SAMPLES_MAX = 300;
const TASK = "task";
/** Locations over which the peers are spread. */
const RACKS = 20;
/** Scenes that are not about the task with very many peers have one part in so many of them. */
const PART = 10;
/** Pieces of a length that nobody else uses. */
const OTHER_CUT: Partial<Wish> = { pieceLength: 64 << 20 };

function taskFacts(id: string): TaskFacts {
  return {
    ...{ id, type: 0, url: `https://registry.example/${id}`, digest: undefined, tag: undefined },
    ...{ application: undefined, filteredQueryParams: [] },
  };
}

/** One task with very many peers, each on a host of its own, driven through all that happens to a task. */
export class SchedulerScenes {
  readonly state: State;
  readonly #chance = seededRandom(1);
  readonly #observe: ObserveStep;
  readonly #peers: number;
  #nowMs = 0;
  #streams = 0;

  constructor(peers: number, observe: ObserveStep) {
    const max = peers * 3;
    const limits = { ...DEFAULT_LIMITS, hostsMax: max, tasksMax: max, peersMax: max, peersPerTaskMax: max };
    this.state = emptyState(DEFAULT_SETTINGS, 0, limits);
    this.#peers = peers;
    this.#observe = observe;
  }

  /** Plays all scenes, in which every kind of step occurs. */
  play(): void {
    this.#grow();
    this.#live();
    this.#disagree();
    this.#loseOneRoot();
    this.#beginOthers();
    this.#holdMuch();
    this.#loseRoot();
    this.#regainRoot();
    this.#end();
    this.#star();
  }

  /** A seed peer at the source, and all others below it. */
  #grow(): void {
    this.#host("seed", { isSeed: true });
    this.#register("register", "seed", { needBackToSource: true });
    this.#message("begin at source", "seed", { type: "back_to_source_started" });
    for (let index = 0; index < this.#peers; index++) {
      this.#host(`p${index}`, { idc: "fra", location: `eu|fra|r${index % RACKS}` });
      this.#register("register", `p${index}`);
      this.#message("start", `p${index}`, { type: "started" });
    }
    this.#tick("tick");
  }

  /** What goes on all the time. */
  #live(): void {
    for (const { id, parents } of this.#some(0)) {
      const [parent] = parents;
      const piece = { number: 1, offset: 4 << 20, lengthBytes: 4 << 20, costMs: 10, parentId: parent?.id };
      this.#message("piece", id, { type: "piece_finished", piece });
      this.#message("bad piece", id, { type: "piece_failed", parentId: parent?.id ?? "", temporary: true });
    }
    for (const { id, parents } of this.#some(1)) {
      this.#message("reschedule", id, { type: "reschedule", failedParentIds: [...parents].map(({ id }) => id) });
    }
    for (const { host } of this.#some(2)) this.#host(host.facts.id, host.facts);
    for (const { host, id } of this.#some(3)) {
      this.#step("delete task of host", { type: "delete_task", hostId: host.facts.id, taskId: TASK });
      this.#register("register", id);
    }
    for (const { host } of this.#some(4)) this.#step("delete host", { type: "host_deleted", hostId: host.facts.id });
    for (const { id } of this.#some(5)) this.#message("fail", id, { type: "failed" });
    for (const { id } of this.#some(6)) this.#message("lose stream", id, { type: "stream_closed" });
    this.#tick("tick");
  }

  /** Peers that can use nothing of what the others have: some go to the source, and those that may not wait. */
  #disagree(): void {
    for (let index = 0; index < this.#peers / PART; index++) {
      const disableBackToSource = index % 2 === 0;
      this.#host(`other${index}`);
      this.#register("register, cut off", `other${index}`, { ...OTHER_CUT, disableBackToSource });
      if (!disableBackToSource) this.#message("fail, others wait", `other${index}`, { type: "failed" });
    }
    for (let time = 0; time < WAIT_TIMEOUT_MS; time += TICK_MS) this.#tick("tick, some wait");
  }

  /** Of peers that cut otherwise the only root dies, while the others have theirs: those below it are stranded. */
  #loseOneRoot(): void {
    this.#host("coarse");
    this.#register("register", "coarse", { ...OTHER_CUT, needBackToSource: true });
    this.#message("begin at source", "coarse", { type: "back_to_source_started" });
    for (let index = 0; index < this.#peers / PART; index++) {
      this.#host(`coarse${index}`);
      this.#register("register", `coarse${index}`, OTHER_CUT);
    }
    this.#message("one of two roots dies", "coarse", { type: "stream_closed" });
    for (let index = 0; index < Math.min(SAMPLES_MAX, this.#peers); index++) {
      this.#host(`late${index}`);
      this.#register("register, many stranded", `late${index}`, { ...OTHER_CUT, disableBackToSource: true });
    }
    for (let time = 0; time < WAIT_TIMEOUT_MS; time += TICK_MS) this.#tick("tick, some wait");
  }

  /** A host that has very many tasks, and leaves. */
  #holdMuch(): void {
    this.#host("busy");
    for (let index = 0; index < this.#peers / PART; index++) {
      const id = `held${index}`;
      this.#register("register, held", id, { metadataOnly: true }, { task: id, host: "busy" });
      this.#message("finish", id, { type: "finished" });
    }
    this.#host("busy");
    this.#step("delete host of many tasks", { type: "host_deleted", hostId: "busy" });
  }

  /** Tasks that nobody has yet. */
  #beginOthers(): void {
    for (const { host } of this.#some(5)) {
      const { id } = host.facts;
      this.#register("register, new task", `${id} of another`, {}, { task: `task of ${id}`, host: id });
    }
  }

  /** The only root dies, and everybody asks for others. */
  #loseRoot(): void {
    this.#message("root dies", "seed", { type: "stream_closed" });
    for (const peer of [...this.state.peers.values()]) {
      this.#message("reschedule, no root", peer.id, { type: "reschedule", failedParentIds: ["seed"] });
    }
    for (let time = 0; time < 1_000; time += TICK_MS) this.#tick("tick, all wait");
    for (const { host } of this.#some(2)) this.#host(host.facts.id, { isShared: false });
  }

  /** Whoever was sent to the source begins; the others are answered in the steps that follow. */
  #regainRoot(): void {
    for (const { id } of [...this.state.tasks.get(TASK)?.fetchers ?? []]) {
      this.#message("root begins", id, { type: "back_to_source_started" });
    }
    for (const peer of this.#some(7)) {
      this.#message("reschedule", peer.id, { type: "reschedule", failedParentIds: [] });
    }
  }

  /** All finish, and most are forgotten. */
  #end(): void {
    for (const { id } of [...this.state.peers.values()]) this.#message("finish", id, { type: "finished" });
    this.#nowMs += DEFAULT_SETTINGS.gc.hostIntervalMs;
    this.#tick("tick, much to forget");
  }

  /** Hosts that share nothing are all children of one, which dies. */
  #star(): void {
    this.#register("register", "star", { metadataOnly: true }, { task: "star", host: "seed" });
    for (let index = 0; index < this.#peers / PART; index++) {
      const id = `shy${index}`;
      this.#host(id, { isShared: false });
      this.#register("register, one parent", id, {}, { task: "star", host: id });
    }
    this.#message("reschedule, many children", "star", { type: "reschedule", failedParentIds: [] });
    this.#message("only parent dies", "star", { type: "stream_closed" });
  }

  /** Peers that run, spread over all; other ones for another `turn`. */
  #some(turn: number): Peer[] {
    const stride = Math.max(1, Math.floor(this.#peers / SAMPLES_MAX));
    const peers: Peer[] = [];
    for (let index = turn % stride; index < this.#peers; index += stride) {
      const peer = this.state.peers.get(`p${index}`);
      if (peer !== undefined) peers.push(peer);
    }
    return peers;
  }

  #host(id: string, facts: Partial<HostFacts> = {}): void {
    this.#step("announce", { type: "host_announced", facts: hostFacts(id, facts), announceIntervalMs: 300_000 });
  }

  #register(kind: string, id: string, parts: Partial<Wish> = {}, on = { task: TASK, host: id }): void {
    this.#streams += 1;
    const ids = { streamId: this.#streams, hostId: on.host, peerId: id };
    this.#step(kind, { type: "register", ...ids, task: taskFacts(on.task), wish: wish(parts), download: "" });
  }

  #message(kind: string, peerId: string, message: object): void {
    const streamId = this.state.peers.get(peerId)?.streamId;
    if (streamId !== undefined) this.#step(kind, { peerId, streamId, ...message } as Untimed<PeerEvent>);
  }

  #tick(kind: string): void {
    this.#nowMs += TICK_MS;
    this.#step(kind, { type: "tick" });
  }

  /** One event, and the steps that go on with what it leaves. */
  #step(kind: string, event: Untimed<Event>): void {
    this.#apply(kind, event);
    while (hasMore(this.state)) this.#apply("carry on", { type: "carry_on" });
  }

  #apply(kind: string, event: Untimed<Event>): void {
    const timed = { ...event, nowMs: this.#nowMs } as Event;
    this.#observe(kind, () => void apply(this.state, timed, this.#chance));
  }
}
