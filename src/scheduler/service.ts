import { DamselflyError } from "../core/error.ts";
import type { Download } from "../rpc/gen/common/v2/common.ts";
import {
  type AnnounceHostRequest,
  type AnnouncePeerRequest,
  type AnnouncePeerResponse,
  SchedulerService,
} from "../rpc/gen/scheduler/v2/scheduler.ts";
import { type Handlers, type RpcService, service } from "../rpc/service.ts";
import type { Clock } from "../runtime/clock.ts";
import type { Log } from "../runtime/log.ts";
import type { Runtime } from "../runtime/runtime.ts";
import type { Answers } from "./answers.ts";
import { BlobIds } from "./blob_ids.ts";
import { hostRefusal } from "./core/apply.ts";
import type { Effect } from "./core/event.ts";
import type { Host, Peer, State, Task } from "./core/state.ts";
import type { Jobs } from "./jobs/jobs.ts";
import { jobHandlers } from "./jobs/jobs_service.ts";
import { SchedulerLoop } from "./loop.ts";
import type { CacheScheduling } from "./cache_service.ts";
import {
  type Announcement,
  checkName,
  parseAnnouncement,
  parsePeerMessage,
  parseRegistration,
  type PeerMessage,
} from "./parse.ts";
import { PeerCalls, type PeerFamily } from "./peer_calls.ts";
import type { SchedulerMetrics } from "./scheduler_metrics.ts";
import type { StockTraffic } from "./stock_traffic.ts";
import type { SeedTrigger } from "./seed_trigger.ts";
import { answering, known } from "./unary.ts";

/** What the service needs. */
export interface SchedulingOptions {
  readonly state: State;
  readonly answers: Answers;
  readonly trigger: SeedTrigger;
  readonly cache: CacheScheduling;
  readonly jobs: Jobs;
  readonly metrics: SchedulerMetrics;
  readonly runtime: Runtime;
  /** Left out, what stock peers move is not counted. */
  readonly traffic?: Pick<StockTraffic, "piece" | "finished"> | undefined;
  /** Called with each announcement that was accepted. */
  readonly onAnnounced: (request: AnnounceHostRequest) => void;
}

/** The RPCs of `scheduler.v2.Scheduler`; those of tasks in object storage answer UNIMPLEMENTED (wire.md §4.11). */
export class Scheduling {
  readonly loop: SchedulerLoop;
  readonly #answers: Answers;
  readonly #trigger: SeedTrigger;
  readonly #metrics: SchedulerMetrics;
  readonly #log: Log;
  readonly #clock: Clock;
  readonly #onAnnounced: (request: AnnounceHostRequest) => void;
  readonly #calls: PeerCalls<AnnouncePeerRequest, AnnouncePeerResponse>;
  readonly #cache: CacheScheduling;
  readonly #jobs: Jobs;
  readonly #blobIds: BlobIds;
  readonly #traffic: SchedulingOptions["traffic"];

  constructor({ state, answers, trigger, cache, jobs, metrics, runtime, onAnnounced, traffic }: SchedulingOptions) {
    const perform = (effect: Effect) => this.#perform(effect);
    this.loop = new SchedulerLoop(state, runtime, perform, (event) => cache.follow(event));
    this.#cache = cache;
    this.#jobs = jobs;
    this.#answers = answers;
    this.#trigger = trigger;
    this.#metrics = metrics;
    this.#log = runtime.log;
    this.#clock = runtime.clock;
    this.#onAnnounced = onAnnounced;
    this.#traffic = traffic;
    this.#calls = new PeerCalls(this.#family(), () => this.loop, runtime.clock);
    this.#blobIds = new BlobIds(runtime.log);
  }

  /** The service to add to a server. */
  service(): RpcService {
    return service(SchedulerService, {
      ...this.#hostHandlers(),
      ...this.#taskHandlers(),
      ...this.#peerHandlers(),
      ...this.#cache.handlers(),
      ...jobHandlers(this.#jobs, this.#metrics),
    });
  }

  /** Knows a host by the word of an earlier run. */
  restore(host: Announcement): void {
    this.loop.dispatch({ type: "host_restored", ...host });
  }

  /** Looks at limits of time; to be called often. */
  tick(): void {
    this.loop.dispatch({ type: "tick" });
    this.#calls.expire();
    this.#metrics.observe(this.loop.state);
  }

  /** Ends all streams: the scheduler stops. Peers go on without it. */
  stop(): void {
    const error = new DamselflyError("unavailable", "The scheduler stops");
    this.loop[Symbol.dispose]();
    this.#calls.failAll(error);
    this.#cache.stop(error);
    this.#jobs.stop();
  }

  #hostHandlers(): Handlers<typeof SchedulerService> {
    const { state } = this.loop;
    return {
      announceHost: answering((request) => {
        const { facts, announceIntervalMs } = this.#acceptable(request);
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

  /** What a host announces. Throws `invalid_argument` and the like, and counts that. */
  #acceptable(request: AnnounceHostRequest): Announcement {
    try {
      const announcement = parseAnnouncement(request);
      const refusal = hostRefusal(this.loop.state, announcement.facts.id);
      if (refusal === undefined) return announcement;
      throw refusal;
    } catch (error) {
      this.#metrics.announcementFailed(request.host);
      throw error;
    }
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
        this.#metrics.call("announce_peer", () => undefined);
        return this.#calls.announce(requests);
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

  /** How standard tasks announce their peers. */
  #family(): PeerFamily<AnnouncePeerRequest, AnnouncePeerResponse> {
    return {
      registration: (message) => parseRegistration(message, this.loop.state.settings.applications),
      message: ({ request }) => parsePeerMessage(request),
      response: (decision) => this.#answers.response(decision),
      registered: ({ hostId, task, wish, download }, peer) => {
        const isSeed = this.loop.state.hosts.get(hostId)?.facts.isSeed ?? false;
        if (peer === undefined) return this.#metrics.registerFailed(wish, task.type, isSeed);
        // A seed peer calls a task what the peer does that it is triggered for.
        if (!isSeed && !wish.metadataOnly) {
          this.#blobIds.wanted(task.id, task.url, hostId);
          this.#trigger.offer(task.id, download as Download);
        }
        this.#metrics.peerStep("register_peer", peer);
      },
      heard: (peer, event) => this.#count(peer, event),
      answered: (waitedMs) => this.#metrics.answered(waitedMs),
    };
  }

  #count(peer: Peer, event: PeerMessage): void {
    if (event.type === "started") this.#metrics.peerStep("download_peer_started", peer);
    if (event.type === "back_to_source_started") {
      this.#metrics.peerStep("download_peer_back_to_source_started", peer);
    }
    if (event.type === "finished" || event.type === "back_to_source_finished") {
      this.#metrics.peerStep("download_peer_finished", peer);
      this.#traffic?.finished(peer);
      this.#metrics.downloaded(peer, this.#clock.now());
    }
    if (event.type === "piece_failed" || event.type === "piece_back_to_source_failed") {
      this.#metrics.pieceFailed(peer, event.type === "piece_back_to_source_failed");
    }
    if (event.type === "failed" || event.type === "back_to_source_failed") {
      this.#metrics.downloadFailed(peer, event.type === "back_to_source_failed");
    }
    if (event.type === "piece_finished") {
      const { lengthBytes, parentId } = event.piece;
      this.#metrics.piece(peer, lengthBytes, parentId === undefined);
      this.#traffic?.piece(peer, lengthBytes, parentId === undefined);
    }
  }

  #perform(effect: Effect): void {
    switch (effect.type) {
      case "tell_split":
        return this.#tellSplit(effect.peer);
      case "trigger_seed":
        return this.#triggerSeed(effect.host, effect.task, effect.download as Download);
      default:
        return this.#calls.perform(effect);
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
    this.#trigger.start(task.facts.id, this.#answers.host(host), download, (end) => {
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
