import { DamselflyError, errorText } from "../core/error.ts";
import type { PersistentCachePeer, PersistentCacheTask } from "../rpc/gen/common/v2/common.ts";
import {
  type AnnouncePersistentCachePeerRequest,
  type AnnouncePersistentCachePeerResponse,
  SchedulerService,
  type UploadPersistentCacheTaskStartedRequest,
} from "../rpc/gen/scheduler/v2/scheduler.ts";
import type { Handlers } from "../rpc/service.ts";
import type { Runtime } from "../runtime/runtime.ts";
import type { Answers } from "./answers.ts";
import { importOf, isOver, startImport } from "./cache/imports.ts";
import {
  planReplication,
  replicasGivenUp,
  type Replication,
  replicationEnded,
  replicationStarted,
} from "./cache/replicate.ts";
import { copyRegistration } from "./cache/registration.ts";
import { cacheSettings, type CacheState, type CacheTask, copiesOf } from "./cache/state.ts";
import { CacheAnswers } from "./cache_answers.ts";
import { parseCacheMessage, parseCacheRegistration, parseImport, registrationOf } from "./cache_parse.ts";
import type { Effect, Event, Untimed } from "./core/event.ts";
import type { Peer } from "./core/state.ts";
import { SchedulerLoop } from "./loop.ts";
import { checkName, type PeerMessage } from "./parse.ts";
import { PeerCalls, type PeerFamily } from "./peer_calls.ts";
import type { Replicator } from "./replicator.ts";
import type { SchedulerMetrics } from "./scheduler_metrics.ts";
import { answering, known } from "./unary.ts";

/** Tasks that are looked at in one tick: whether their time is over, and whether replicas are missing. */
const TASKS_PER_TICK = 200;
/** The stream of an importer, who has none: streams are numbered from 1. */
const NO_STREAM = 0;

/** What is heard of hosts is true for both families. */
const HOST_EVENTS: ReadonlySet<Event["type"]> = new Set(["host_announced", "host_restored", "host_deleted"]);

/** What the service of the persistent cache needs. */
export interface CacheSchedulingOptions {
  readonly state: CacheState;
  readonly answers: Answers;
  readonly replicator: Replicator;
  readonly metrics: SchedulerMetrics;
  readonly runtime: Runtime;
}

/**
 * The RPCs of the persistent cache (wire.md §4.11). Who gets pieces from whom is decided by the same core as for images,
 * on a state of its own; what is added is what a task is, how long it stays, and on how many hosts.
 */
export class CacheScheduling {
  readonly #state: CacheState;
  readonly #loop: SchedulerLoop;
  readonly #calls: PeerCalls<AnnouncePersistentCachePeerRequest, AnnouncePersistentCachePeerResponse>;
  readonly #answers: CacheAnswers;
  readonly #hosts: Answers;
  readonly #replicator: Replicator;
  readonly #metrics: SchedulerMetrics;
  readonly #runtime: Runtime;

  constructor({ state, answers, replicator, metrics, runtime }: CacheSchedulingOptions) {
    this.#state = state;
    this.#loop = new SchedulerLoop(state.swarm, runtime, (effect) => this.#perform(effect));
    this.#calls = new PeerCalls(this.#family(), () => this.#loop, runtime.clock);
    this.#answers = new CacheAnswers(state, answers);
    this.#hosts = answers;
    this.#replicator = replicator;
    this.#metrics = metrics;
    this.#runtime = runtime;
  }

  /** Hears of each event of the standard family: hosts, settings and time are the same for both. */
  follow(event: Untimed<Event>): void {
    if (HOST_EVENTS.has(event.type)) this.#loop.dispatch(event);
    if (event.type === "settings_changed") {
      this.#loop.dispatch({ type: "settings_changed", settings: cacheSettings(event.settings) });
    }
    if (event.type === "tick") this.#tick();
  }

  /** Ends all streams: the scheduler stops. */
  stop(error: DamselflyError): void {
    this.#loop[Symbol.dispose]();
    this.#calls.failAll(error);
  }

  handlers(): Handlers<typeof SchedulerService> {
    return { ...this.#importHandlers(), ...this.#taskHandlers(), ...this.#peerHandlers() };
  }

  #importHandlers(): Handlers<typeof SchedulerService> {
    return {
      uploadPersistentCacheTaskStarted: answering((request) => {
        return this.#metrics.call("upload_persistent_cache_task_started", () => this.#startImport(request));
      }),
      uploadPersistentCacheTaskFinished: answering(({ taskId, peerId }) => {
        return this.#metrics.call("upload_persistent_cache_task_finished", () => this.#finishImport(taskId, peerId));
      }),
      uploadPersistentCacheTaskFailed: answering(({ taskId, peerId }) => {
        return this.#metrics.call("upload_persistent_cache_task_failed", () => {
          importOf(this.#state, taskId, peerId).state = "Failed";
          return {};
        });
      }),
    };
  }

  #taskHandlers(): Handlers<typeof SchedulerService> {
    return {
      statPersistentCacheTask: answering(({ taskId }) => {
        return this.#metrics.call("stat_persistent_cache_task", () => this.#answers.task(this.#knownTask(taskId)));
      }),
      deletePersistentCacheTask: async ({ taskId }) => {
        const task = this.#metrics.call("delete_persistent_cache_task", () => this.#knownTask(taskId));
        const copies = [...copiesOf(this.#state, task)];
        this.#forget(task);
        await Promise.all(copies.map((copy) => this.#deleteCopy(copy)));
        return {};
      },
    };
  }

  #peerHandlers(): Handlers<typeof SchedulerService> {
    return {
      announcePersistentCachePeer: (requests, context) => {
        context.sendHeaders();
        this.#metrics.call("announce_persistent_cache_peer", () => undefined);
        return this.#calls.announce(requests);
      },
      statPersistentCachePeer: answering(({ taskId, peerId }) => {
        return this.#metrics.call("stat_persistent_cache_peer", () => this.#statPeer(taskId, peerId));
      }),
      deletePersistentCachePeer: async ({ taskId, peerId }) => {
        const peer = this.#metrics.call("delete_persistent_cache_peer", () => this.#knownPeer(taskId, peerId));
        this.#loop.dispatch({ type: "delete_peer", peerId });
        const task = this.#state.tasks.get(taskId);
        if (task !== undefined) replicasGivenUp(this.#state, task);
        await this.#deleteCopy(peer);
        return {};
      },
    };
  }

  #family(): PeerFamily<AnnouncePersistentCachePeerRequest, AnnouncePersistentCachePeerResponse> {
    return {
      registration: (message) => {
        registrationOf(message);
        const task = this.#knownTask(message.taskId);
        if (task.state === "Succeeded") return parseCacheRegistration(message, task.facts);
        const what = `Cannot get task ${task.facts.id}: its import is in state ${task.state}`;
        throw new DamselflyError("failed_precondition", what);
      },
      message: parseCacheMessage,
      response: (decision) => this.#answers.response(decision),
      registered: ({ hostId, peerId }, peer, message) => {
        const isSeed = this.#state.swarm.hosts.get(hostId)?.facts.isSeed ?? false;
        this.#metrics.cachePeerStep("register_persistent_cache_peer", isSeed, peer === undefined);
        if (peer !== undefined && registrationOf(message).persistent) {
          this.#loop.dispatch({ type: "peer_persisted", peerId });
        }
      },
      heard: (peer, event) => this.#count(peer, event),
      answered: (waitedMs) => this.#metrics.answered(waitedMs),
    };
  }

  #count({ host: { facts: { isSeed } } }: Peer, { type }: PeerMessage): void {
    if (type === "started") this.#metrics.cachePeerStep("download_persistent_cache_peer_started", isSeed);
    if (type === "finished") this.#metrics.cachePeerStep("download_persistent_cache_peer_finished", isSeed);
    if (type === "failed") this.#metrics.cachePeerStep("download_persistent_cache_peer_finished", isSeed, true);
    if (type === "piece_finished") {
      this.#metrics.cachePeerStep("download_persistent_cache_piece_finished", isSeed);
    }
  }

  #startImport(request: UploadPersistentCacheTaskStartedRequest): Record<string, never> {
    const { facts, importer } = parseImport(request);
    startImport(this.#state, facts, importer, this.#runtime.clock.now());
    return {};
  }

  /** The importer has the first copy: it joins the swarm complete, and others are asked to become replicas. */
  #finishImport(taskId: string, peerId: string): PersistentCacheTask {
    const task = importOf(this.#state, taskId, peerId);
    const registration = copyRegistration(task.importer, task.facts, { isComplete: true });
    this.#loop.dispatch({ ...registration, streamId: NO_STREAM });
    for (const type of ["started", "finished"] as const) {
      this.#loop.dispatch({ type, peerId, streamId: NO_STREAM });
    }
    if (this.#state.swarm.peers.get(peerId)?.state !== "Succeeded") {
      throw new DamselflyError("resource_exhausted", `Cannot finish the import of task ${taskId}: there is no room`);
    }
    this.#loop.dispatch({ type: "peer_persisted", peerId });
    task.state = "Succeeded";
    task.updatedAtMs = this.#runtime.clock.now();
    this.#runtime.log.info("A task is imported into the persistent cache", { taskId, hostId: task.importer.hostId });
    this.#replicate(task);
    return this.#answers.task(task);
  }

  #statPeer(taskId: string, peerId: string): PersistentCachePeer {
    const task = this.#state.tasks.get(taskId);
    if (task?.state === "Uploading" && task.importer.peerId === peerId) return this.#answers.importer(task);
    return this.#answers.peer(this.#knownPeer(taskId, peerId));
  }

  #perform(effect: Effect): void {
    if (effect.type === "send" || effect.type === "close_stream") this.#calls.perform(effect);
  }

  #tick(): void {
    this.#loop.dispatch({ type: "tick" });
    this.#calls.expire();
    const nowMs = this.#runtime.clock.now();
    for (let looked = 0; looked < TASKS_PER_TICK; looked++) {
      this.#state.round ??= this.#state.tasks.values();
      const { value: task, done } = this.#state.round.next();
      if (done === true) {
        this.#state.round = undefined;
        break;
      }
      if (isOver(this.#state, task, nowMs)) this.#forget(task);
      else this.#replicate(task);
    }
    this.#metrics.observeCache(this.#state.tasks.size, this.#state.swarm.peers.size);
  }

  #forget({ facts: { id } }: CacheTask): void {
    this.#state.tasks.delete(id);
    for (const peerId of [...this.#state.swarm.tasks.get(id)?.peers.keys() ?? []]) {
      this.#loop.dispatch({ type: "delete_peer", peerId });
    }
  }

  #replicate(task: CacheTask): void {
    const { clock, random } = this.#runtime;
    const roomFor = this.#replicator.room;
    const plan = planReplication(this.#state, task, { nowMs: clock.now(), chance: random, roomFor });
    for (const replication of plan) {
      replicationStarted(replication);
      const host = this.#hosts.host(replication.host);
      this.#replicator.start(replication, host, (error) => this.#replicationEnded(replication, error));
    }
  }

  #replicationEnded(replication: Replication, error: DamselflyError | undefined): void {
    const { kind, task, host: { facts: { id: hostId } } } = replication;
    const fields = { taskId: task.facts.id, hostId };
    if (error !== undefined) {
      this.#runtime.log.warn("A host did not become a replica", { ...fields, error: errorText(error) });
    } else {
      this.#runtime.log.info("A host became a replica", fields);
      if (kind === "persist") this.#loop.dispatch({ type: "peer_persisted", peerId: replication.copy.id });
    }
    replicationEnded(this.#state, replication, this.#runtime.clock.now());
    if (this.#state.tasks.get(task.facts.id) === task) this.#replicate(task);
  }

  async #deleteCopy(copy: Peer): Promise<void> {
    const taskId = copy.task.facts.id;
    const error = await this.#replicator.deleteCopy(this.#hosts.host(copy.host), taskId);
    // A host that told us itself that its copy is gone cannot find it any more.
    if (error === undefined || error.code === "not_found") return;
    const fields = { taskId, hostId: copy.host.facts.id, error: errorText(error) };
    this.#runtime.log.warn("A host did not delete its copy; it stays there until its time is over", fields);
  }

  #knownTask(taskId: string): CacheTask {
    return known(this.#state.tasks.get(checkName(taskId, "task_id")), `task ${taskId} of the persistent cache`);
  }

  #knownPeer(taskId: string, peerId: string): Peer {
    const peer = this.#state.swarm.peers.get(checkName(peerId, "peer_id"));
    return known(peer?.task.facts.id === taskId ? peer : undefined, `peer ${peerId} of task ${taskId}`);
  }
}
