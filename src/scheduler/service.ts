import { DamselflyError } from "../core/error.ts";
import type { Download } from "../rpc/gen/common/v2/common.ts";
import {
  type AnnounceHostRequest,
  type AnnouncePeerRequest,
  type AnnouncePeerResponse,
  SchedulerService,
} from "../rpc/gen/scheduler/v2/scheduler.ts";
import { type Handlers, type RpcService, service } from "../rpc/service.ts";
import type { Log } from "../runtime/log.ts";
import type { Runtime } from "../runtime/runtime.ts";
import type { Answers } from "./answers.ts";
import { BlobIds } from "./blob_ids.ts";
import { hostRefusal } from "./core/apply.ts";
import type { Effect } from "./core/event.ts";
import type { Host, Peer, State, Task } from "./core/state.ts";
import { SchedulerLoop } from "./loop.ts";
import {
  type Announcement,
  checkName,
  parseAnnouncement,
  parsePeerMessage,
  parseRegistration,
  type PeerMessage,
} from "./parse.ts";
import { type PeerStream, PeerStreams } from "./peer_streams.ts";
import type { SchedulerMetrics } from "./scheduler_metrics.ts";
import type { SeedTrigger } from "./seed_trigger.ts";

/** What the service needs. */
export interface SchedulingOptions {
  readonly state: State;
  readonly answers: Answers;
  readonly trigger: SeedTrigger;
  readonly metrics: SchedulerMetrics;
  readonly runtime: Runtime;
  /** Called with each announcement that was accepted. */
  readonly onAnnounced: (request: AnnounceHostRequest) => void;
}

/** The RPCs of `scheduler.v2.Scheduler` that images need; the others answer UNIMPLEMENTED (wire.md §4.11). */
export class Scheduling {
  readonly loop: SchedulerLoop;
  readonly #answers: Answers;
  readonly #trigger: SeedTrigger;
  readonly #metrics: SchedulerMetrics;
  readonly #log: Log;
  readonly #onAnnounced: (request: AnnounceHostRequest) => void;
  readonly #streams: PeerStreams;
  readonly #blobIds: BlobIds;

  constructor({ state, answers, trigger, metrics, runtime, onAnnounced }: SchedulingOptions) {
    this.loop = new SchedulerLoop(state, runtime, (effect) => this.#perform(effect));
    this.#answers = answers;
    this.#trigger = trigger;
    this.#metrics = metrics;
    this.#log = runtime.log;
    this.#onAnnounced = onAnnounced;
    this.#streams = new PeerStreams(runtime.clock);
    this.#blobIds = new BlobIds(runtime.log);
  }

  /** The service to add to a server. */
  service(): RpcService {
    return service(SchedulerService, { ...this.#hostHandlers(), ...this.#taskHandlers(), ...this.#peerHandlers() });
  }

  /** Knows a host by the word of an earlier run. */
  restore(host: Announcement): void {
    this.loop.dispatch({ type: "host_restored", ...host });
  }

  /** Looks at limits of time; to be called often. */
  tick(): void {
    this.loop.dispatch({ type: "tick" });
    this.#streams.expire();
    this.#metrics.observe(this.loop.state);
  }

  /** Ends all streams: the scheduler stops. Peers go on without it. */
  stop(): void {
    this.#streams.failAll(new DamselflyError("unavailable", "The scheduler stops"));
  }

  #hostHandlers(): Handlers<typeof SchedulerService> {
    const { state } = this.loop;
    return {
      announceHost: answering((request) => {
        const { facts, announceIntervalMs } = parseAnnouncement(request);
        const refusal = hostRefusal(state, facts.id);
        if (refusal !== undefined) throw refusal;
        this.loop.dispatch({ type: "host_announced", facts, announceIntervalMs });
        this.#onAnnounced(request);
        if (request.host !== undefined) this.#metrics.announcedHost(request.host);
        return {};
      }),
      deleteHost: answering(({ hostId }) => {
        this.#metrics.call("leave_host", () => this.#knownHost(hostId));
        this.loop.dispatch({ type: "host_deleted", hostId });
        return {};
      }),
      listHosts: answering(({ type }) => {
        const hosts = this.#metrics.call(
          "list_hosts",
          () => [...state.hosts.values()].map((host) => this.#answers.host(host)),
        );
        return { hosts: hosts.filter((host) => type === undefined || host.type === type) };
      }),
    };
  }

  #taskHandlers(): Handlers<typeof SchedulerService> {
    return {
      statTask: answering(({ taskId }) => {
        return this.#metrics.call("stat_task", () => this.#answers.task(this.#knownTask(taskId)));
      }),
      deleteTask: answering(({ hostId, taskId }) => {
        // A task that was forgotten here meanwhile is no failure: the host has it no longer, which is what it says.
        this.#metrics.call("leave_task", () => [this.#knownHost(hostId), checkName(taskId, "task_id")]);
        this.loop.dispatch({ type: "delete_task", hostId, taskId });
        return {};
      }),
    };
  }

  #peerHandlers(): Handlers<typeof SchedulerService> {
    return {
      announcePeer: (requests, context) => {
        // Whoever waits for the headers proceeds; the first answer may take as long as a wait for parents.
        context.sendHeaders();
        return this.#announcePeer(requests);
      },
      statPeer: answering(({ taskId, peerId }) => {
        return this.#metrics.call("stat_peer", () => this.#answers.peer(this.#knownPeer(taskId, peerId)));
      }),
      deletePeer: answering(({ taskId, peerId }) => {
        this.#metrics.call("leave_peer", () => this.#knownPeer(taskId, peerId));
        this.loop.dispatch({ type: "delete_peer", peerId });
        return {};
      }),
    };
  }

  async *#announcePeer(requests: AsyncIterable<AnnouncePeerRequest>): AsyncGenerator<AnnouncePeerResponse> {
    using stream = this.#streams.open();
    this.#metrics.call("announce_peer", () => undefined);
    stream.read(requests, (message) => this.#handle(stream, message));
    try {
      yield* stream.responses;
    } finally {
      if (stream.ids !== undefined) this.#dispatchOf(stream, { type: "stream_closed" });
    }
  }

  #handle(stream: PeerStream, message: AnnouncePeerRequest): void {
    if (stream.ids === undefined) return this.#register(stream, message);
    const { hostId, taskId, peerId } = stream.ids;
    if (message.hostId !== hostId || message.taskId !== taskId || message.peerId !== peerId) {
      const what = "Cannot accept host_id, task_id and peer_id: expected those of the registration";
      throw new DamselflyError("invalid_argument", what);
    }
    const event = parsePeerMessage(message.request);
    if (event.type === "reschedule") stream.asked();
    const peer = this.loop.state.peers.get(peerId);
    if (peer !== undefined) this.#count(peer, event);
    this.#dispatchOf(stream, event);
  }

  #register(stream: PeerStream, message: AnnouncePeerRequest): void {
    const { state } = this.loop;
    const event = parseRegistration(message, state.settings.applications);
    const { hostId, peerId, task, wish } = event;
    this.#streams.registered(stream, { hostId, peerId, taskId: task.id });
    stream.asked();
    this.loop.dispatch({ ...event, streamId: stream.id });
    const peer = state.peers.get(peerId);
    // A seed peer calls a task what the peer does that it is triggered for.
    if (peer?.host.facts.isSeed === false && !wish.metadataOnly) this.#blobIds.wanted(task.id, task.url, hostId);
    if (peer?.streamId === stream.id) this.#metrics.peerStep("register_peer", peer);
    else this.#metrics.registerFailed(wish, task.type, state.hosts.get(hostId)?.facts.isSeed ?? false);
  }

  #dispatchOf(stream: PeerStream, event: PeerMessage): void {
    if (stream.ids === undefined) return;
    this.loop.dispatch({ ...event, peerId: stream.ids.peerId, streamId: stream.id });
  }

  #count(peer: Peer, event: PeerMessage): void {
    if (event.type === "started") this.#metrics.peerStep("download_peer_started", peer);
    if (event.type === "back_to_source_started") {
      this.#metrics.peerStep("download_peer_back_to_source_started", peer);
    }
    if (event.type === "finished" || event.type === "back_to_source_finished") {
      this.#metrics.peerStep("download_peer_finished", peer);
    }
    if (event.type === "failed" || event.type === "back_to_source_failed") {
      this.#metrics.downloadFailed(peer, event.type === "back_to_source_failed");
    }
    if (event.type === "piece_finished") {
      this.#metrics.piece(peer, event.piece.lengthBytes, event.piece.parentId === undefined);
    }
  }

  #perform(effect: Effect): void {
    switch (effect.type) {
      case "send": {
        const stream = this.#streams.get(effect.streamId);
        if (stream !== undefined) this.#metrics.answered(stream.answer(this.#answers.response(effect.decision)));
        return;
      }
      case "close_stream":
        if (effect.error === undefined) this.#streams.get(effect.streamId)?.close();
        else this.#streams.get(effect.streamId)?.fail(effect.error);
        return;
      case "tell_split":
        return this.#tellSplit(effect.peer);
      case "trigger_seed":
        return this.#triggerSeed(effect.host, effect.task, effect.download as Download);
      default:
        return effect satisfies never;
    }
  }

  #tellSplit({ host, task, pieceLength }: Peer): void {
    this.#log.warn(
      "A peer goes to the source, for those who have the task cut it into other pieces than it has already; " +
        "set download.pieceLength: dragonfly on the peers of clusters with peers of both kinds",
      { hostId: host.facts.id, taskId: task.facts.id, pieceLength },
    );
  }

  #triggerSeed(host: Host, task: Task, download: Download): void {
    const ids = { hostId: host.facts.id, taskId: task.facts.id };
    this.#log.info("A seed peer is asked to fetch a task", ids);
    this.#trigger.start(this.#answers.host(host), download, (end) => {
      if (end.kind === "ended") this.loop.dispatch({ type: "seed_trigger_ended", ...ids });
      if (end.kind !== "failed") return;
      // Not the error's text: it may quote the URL, and with it the signature of a presigned one.
      this.#log.warn("A seed peer could not fetch a task", { ...ids, code: end.error.code, atSource: end.atSource });
      const isUnreachable = end.error.code === "unavailable";
      this.loop.dispatch({ type: "seed_trigger_failed", ...ids, atSource: end.atSource, isUnreachable, download });
    });
  }

  #knownHost(hostId: string): Host {
    return known(this.loop.state.hosts.get(checkName(hostId, "host_id")), `host ${hostId}`);
  }

  #knownTask(taskId: string): Task {
    return known(this.loop.state.tasks.get(checkName(taskId, "task_id")), `task ${taskId}`);
  }

  #knownPeer(taskId: string, peerId: string): Peer {
    const peer = this.loop.state.peers.get(checkName(peerId, "peer_id"));
    return known(peer?.task.facts.id === taskId ? peer : undefined, `peer ${peerId} of task ${taskId}`);
  }
}

/** A handler that waits for nothing; what it throws is the failure of the call. */
function answering<Q, A>(answer: (request: Q) => A): (request: Q) => Promise<A> {
  return (request) => Promise.try(answer, request);
}

function known<T>(value: T | undefined, what: string): T {
  if (value === undefined) {
    throw new DamselflyError("not_found", `Cannot find ${what}: this scheduler does not know it`);
  }
  return value;
}
