import { TaskType, TrafficType } from "../rpc/gen/common/v2/common.ts";
import { Host as AnnouncedHost } from "../rpc/gen/common/v2/common.ts";
import { DURATION_BUCKETS_MS, sizeLevel } from "../core/size_level.ts";
import { exposeVersion } from "../runtime/version_metric.ts";
import { BoundedLabels } from "../runtime/bounded_labels.ts";
import type { Counter, Gauge, Histogram, Labels, Metrics } from "../runtime/metrics.ts";
import type { Peer, State, Wish } from "./core/state.ts";

const PREFIX = "dragonfly_scheduler_";
const PEER_LABELS = ["priority", "task_type", "host_type"];
const PIECE_LABELS = ["traffic_type", "task_type", "host_type"];
const HOST_LABELS = [
  ...["os", "platform", "platform_family", "platform_version", "kernel_version"],
  ...["git_version", "git_commit", "go_version", "build_platform"],
];
const HOST_TRAFFIC_LABELS = ["type", "task_type", "host_type", "host_id", "host_ip", "host_name"];
/** Hosts whose traffic is a series of its own; that of others is added up as `other`. */
const HOSTS_MAX = 10_000;
const WAIT_BUCKETS_MS = [1, 5, 10, 50, 100, 250, 500, 1000, 2500, 5000, 10_000];

const TASK_CALLS = ["announce_peer", "stat_peer", "leave_peer", "stat_task", "leave_task"] as const;
const HOST_CALLS = ["list_hosts", "leave_host"] as const;
const CACHE_PEER_CALLS = [
  "announce_persistent_cache_peer",
  "stat_persistent_cache_peer",
  "delete_persistent_cache_peer",
] as const;
const CACHE_TASK_CALLS = [
  "upload_persistent_cache_task_started",
  "upload_persistent_cache_task_finished",
  "upload_persistent_cache_task_failed",
  "stat_persistent_cache_task",
  "delete_persistent_cache_task",
] as const;
const JOB_CALLS = ["preheat_image", "stat_image", "preheat_file", "stat_file"] as const;
const CALLS = [...TASK_CALLS, ...HOST_CALLS, ...CACHE_PEER_CALLS, ...CACHE_TASK_CALLS, ...JOB_CALLS] as const;
const STARTS = ["download_peer_started", "download_peer_back_to_source_started"] as const;
const PEER_STEPS = ["register_peer", ...STARTS, "download_peer_finished"] as const;
const PEER_FAILURES = ["register_peer", "download_peer_finished", "download_peer_back_to_source_finished"] as const;
const CACHE_PEER_STEPS = [
  "register_persistent_cache_peer",
  "download_persistent_cache_peer_started",
  "download_persistent_cache_peer_finished",
  "download_persistent_cache_piece_finished",
] as const;

/** Calls whose failures have another name in Dragonfly. */
const FAILURES_OTHERWISE: { readonly [name: string]: string | undefined } = {
  upload_persistent_cache_task_failed: "upload_cache_peer_failed_failure_total",
};

/** Calls without labels, as Dragonfly names them. */
export type CallName = typeof CALLS[number];

/** Steps of a peer of the persistent cache, which has no priority. */
export type CacheStepName = typeof CACHE_PEER_STEPS[number];

/** Steps of a peer that are counted with its priority and kind. */
export type PeerStepName = typeof PEER_STEPS[number];

/** What the scheduler counts, under the names of Dragonfly (manager-rest.md §8.2). */
export class SchedulerMetrics {
  readonly #metrics: Metrics;
  readonly #announcedHosts: Counter;
  readonly #failedAnnouncements: Counter;
  /** What hosts say they are. */
  readonly #systems = new BoundedLabels();
  readonly #pieces: Counter;
  readonly #failedPieces: Counter;
  readonly #failedSourcePieces: Counter;
  readonly #traffic: Counter;
  /** Undefined unless it is asked for: a series for each host. */
  readonly #hostTraffic: Counter | undefined;
  /** As they named themselves first: each other name would be one more series. */
  readonly #hosts = new Map<string, Labels>();
  readonly #durations: Histogram;
  readonly #waiting: Gauge;
  readonly #held: Gauge;
  readonly #waits: Histogram;

  constructor(metrics: Metrics, { enableHost = false }: { readonly enableHost?: boolean } = {}) {
    this.#metrics = metrics;
    exposeVersion(metrics, "scheduler");
    this.#announcedHosts = metrics.counter(`${PREFIX}announce_host_total`, "Announcements of hosts.", HOST_LABELS);
    this.#pieces = metrics.counter(`${PREFIX}download_piece_finished_total`, "Pieces that peers got.", PIECE_LABELS);
    this.#failedAnnouncements = this.#counter("announce_host_failure_total", "Refused ones.", HOST_LABELS);
    const failed = "Pieces that peers could not get";
    this.#failedPieces = this.#counter(
      "download_piece_finished_failure_total",
      `${failed} from parents.`,
      PIECE_LABELS,
    );
    const atSource = "download_piece_back_to_source_finished_failure_total";
    this.#failedSourcePieces = this.#counter(atSource, `${failed} from the source.`, PIECE_LABELS);
    const hostTraffic = this.#counter("host_traffic", "Bytes that each host got.", HOST_TRAFFIC_LABELS);
    this.#hostTraffic = enableHost ? hostTraffic : undefined;
    this.#durations = metrics.histogram(
      `${PREFIX}download_peer_duration_milliseconds`,
      "Time from a peer's registration to the end of its download.",
      DURATION_BUCKETS_MS,
      ["task_size_level"],
    );
    this.#traffic = metrics.counter(`${PREFIX}traffic`, "Bytes that peers got.", ["type", "task_type", "host_type"]);
    this.#waiting = metrics.gauge(`${PREFIX}concurrent_schedule_total`, "Peers that wait for an answer.");
    this.#held = metrics.gauge(`${PREFIX}held`, "Hosts, tasks and peers in memory.", ["kind"]);
    this.#waits = metrics.histogram(
      `${PREFIX}schedule_duration_milliseconds`,
      "Time from a peer's question to the answer.",
      WAIT_BUCKETS_MS,
    );
    // All are there from the start, so that a graph begins at 0 and not at the first failure.
    for (const name of CALLS) [this.#calls(name), this.#failedCalls(name)];
    for (const name of PEER_STEPS) this.#steps(name);
    for (const name of PEER_FAILURES) this.#failedSteps(name);
    for (const name of CACHE_PEER_STEPS) [this.#cacheSteps(name), this.#failedCacheSteps(name)];
  }

  /** Counts a call, and its failure if it throws. */
  call<T>(name: CallName, run: () => T): T {
    this.#calls(name).inc();
    try {
      return run();
    } catch (error) {
      this.#failedCalls(name).inc();
      throw error;
    }
  }

  /** {@link call} for one that takes its time. */
  async work<T>(name: CallName, run: () => Promise<T>): Promise<T> {
    this.#calls(name).inc();
    try {
      return await run();
    } catch (error) {
      this.#failedCalls(name).inc();
      throw error;
    }
  }

  /** {@link call} for one that is answered bit by bit. */
  async *stream<T>(name: CallName, run: () => AsyncIterable<T>): AsyncGenerator<T, void, undefined> {
    this.#calls(name).inc();
    try {
      yield* run();
    } catch (error) {
      this.#failedCalls(name).inc();
      throw error;
    }
  }

  announcedHost(host: AnnouncedHost): void {
    this.#announcedHosts.inc(this.#hostLabels(host));
  }

  /** Counts an announcement that was refused. */
  announcementFailed(host: AnnouncedHost | undefined): void {
    this.#failedAnnouncements.inc(this.#hostLabels(host ?? AnnouncedHost.create()));
  }

  #hostLabels({ os, platform, platformFamily, platformVersion, kernelVersion, build }: AnnouncedHost): Labels {
    return this.#systems.of({
      os,
      platform,
      platform_family: platformFamily,
      platform_version: platformVersion,
      kernel_version: kernelVersion,
      git_version: build?.gitVersion ?? "",
      git_commit: build?.gitCommit ?? "",
      go_version: build?.goVersion ?? "",
      build_platform: build?.platform ?? "",
    });
  }

  /** Counts a step of a peer. */
  peerStep(name: PeerStepName, peer: Peer): void {
    this.#steps(name).inc(peerLabels(peer.wish, peer.task.facts.type, peer.host.facts.isSeed));
  }

  /** Counts a step of a peer of the persistent cache, and that it failed if it did. */
  cachePeerStep(name: CacheStepName, isSeed: boolean, isFailed = false): void {
    const labels = { host_type: hostType(isSeed) };
    this.#cacheSteps(name).inc(labels);
    if (isFailed) this.#failedCacheSteps(name).inc(labels);
  }

  /** Counts a registration that was refused; nothing more than that is known of the peer. */
  registerFailed(wish: Wish, taskType: number, isSeed: boolean): void {
    this.#failedSteps("register_peer").inc(peerLabels(wish, taskType, isSeed));
  }

  /** Counts how long a download took that ended well. */
  downloaded({ task, createdAtMs }: Peer, nowMs: number): void {
    this.#durations.observe({ task_size_level: sizeLevel(task.contentLength) }, nowMs - createdAtMs);
  }

  /** Counts a piece that a peer could not get. */
  pieceFailed(peer: Peer, isFromSource: boolean): void {
    const labels = { traffic_type: trafficType(isFromSource), ...kindLabels(peer) };
    (isFromSource ? this.#failedSourcePieces : this.#failedPieces).inc(labels);
  }

  /** Counts a download that ended badly. */
  downloadFailed(peer: Peer, isAtSource: boolean): void {
    const name = isAtSource ? "download_peer_back_to_source_finished" : "download_peer_finished";
    this.#failedSteps(name).inc(peerLabels(peer.wish, peer.task.facts.type, peer.host.facts.isSeed));
  }

  piece(peer: Peer, lengthBytes: number, isFromSource: boolean): void {
    const type = trafficType(isFromSource);
    const labels = kindLabels(peer);
    this.#hostTraffic?.inc({ type, ...labels, ...this.#named(peer.host.facts) }, lengthBytes);
    this.#pieces.inc({ traffic_type: type, ...labels });
    this.#traffic.inc({ type, ...labels }, lengthBytes);
  }

  answered(waitedMs: number): void {
    this.#waits.observe({}, waitedMs);
  }

  /** Takes stock of what is in memory. */
  observe({ waiters, hosts, tasks, peers }: State): void {
    this.#waiting.set({}, waiters);
    for (const [kind, { size }] of Object.entries({ hosts, tasks, peers })) this.#held.set({ kind }, size);
  }

  /** Takes stock of the persistent cache in memory. */
  observeCache(tasks: number, peers: number): void {
    this.#held.set({ kind: "cache_tasks" }, tasks);
    this.#held.set({ kind: "cache_peers" }, peers);
  }

  #named({ id, announcement }: Peer["host"]["facts"]): Labels {
    const known = this.#hosts.get(id);
    if (known !== undefined) return known;
    if (this.#hosts.size >= HOSTS_MAX) return { host_id: "other", host_ip: "", host_name: "" };
    const { ip = "", hostname = "" } = announcement as Partial<AnnouncedHost> | undefined ?? {};
    const labels = { host_id: id, host_ip: ip, host_name: hostname };
    this.#hosts.set(id, labels);
    return labels;
  }

  #calls(name: CallName): Counter {
    return this.#counter(`${name}_total`, `Calls of ${name}.`);
  }

  #failedCalls(name: CallName): Counter {
    return this.#counter(FAILURES_OTHERWISE[name] ?? `${name}_failure_total`, `Failed calls of ${name}.`);
  }

  #steps(name: PeerStepName): Counter {
    return this.#counter(`${name}_total`, `Peers: ${name}.`, PEER_LABELS);
  }

  #failedSteps(name: typeof PEER_FAILURES[number]): Counter {
    return this.#counter(`${name}_failure_total`, `Peers that failed: ${name}.`, PEER_LABELS);
  }

  #cacheSteps(name: CacheStepName): Counter {
    return this.#counter(`${name}_total`, `Persistent cache: ${name}.`, ["host_type"]);
  }

  #failedCacheSteps(name: CacheStepName): Counter {
    return this.#counter(`${name}_failure_total`, `Persistent cache: failed ${name}.`, ["host_type"]);
  }

  #counter(name: string, help: string, labelNames: readonly string[] = []): Counter {
    return this.#metrics.counter(`${PREFIX}${name}`, help, labelNames);
  }
}

function trafficType(isFromSource: boolean): string {
  return TrafficType[isFromSource ? TrafficType.BACK_TO_SOURCE : TrafficType.REMOTE_PEER] ?? "";
}

function kindLabels({ task, host }: Peer) {
  return { task_type: taskTypeName(task.facts.type), host_type: hostType(host.facts.isSeed) };
}

function peerLabels({ priority }: Wish, taskType: number, isSeed: boolean): Labels {
  return { priority, task_type: taskTypeName(taskType), host_type: hostType(isSeed) };
}

function taskTypeName(type: number): string {
  return TaskType[type] ?? "UNRECOGNIZED";
}

function hostType(isSeed: boolean): string {
  return isSeed ? "super" : "normal";
}
