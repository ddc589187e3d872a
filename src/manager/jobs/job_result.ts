/** What became of a job, as its row shows it (manager-rest.md §4.5). */
import type { HostResult } from "../../rpc/gen/damselfly/v1/jobs.ts";
import { msOfTimestamp } from "../../rpc/time.ts";
import { timeJson } from "../rest/fields.ts";
import type { JobState } from "../store/jobs.ts";
import type { JsonObject } from "../store/records.ts";

/** Entries of one list; more are only counted. */
const LIST_MAX = 10_000;
const HOST_TYPES = ["normal", "super", "strong", "weak"];

/** What one scheduler cluster does for a job. */
export interface TaskProgress {
  /** Takes what became of a content on a host. */
  add(result: HostResult): void;
  /** What there is until now. */
  readonly results: JsonObject;
  /** Why it has failed, if nothing more comes; undefined when it has not. */
  readonly failure: string | undefined;
}

/** The progress of a type of job in a cluster. */
export function progressOf(type: string, clusterId: number): TaskProgress {
  if (type === "get_task") return new Holders(clusterId);
  return new Ends(clusterId, type === "preheat");
}

/** What hosts did: fetched a content, or deleted one. */
class Ends implements TaskProgress {
  readonly #clusterId: number;
  readonly #isPreheat: boolean;
  readonly #successes = new Entries();
  readonly #failures = new Entries();
  /** Contents that a host has; and those that one failed to get, with the last reason. */
  readonly #there = new Set<string>();
  readonly #failed = new Map<string, string>();

  constructor(clusterId: number, isPreheat: boolean) {
    this.#clusterId = clusterId;
    this.#isPreheat = isPreheat;
  }

  add({ url, hostname, ip, hostType, error }: HostResult): void {
    const host = this.#isPreheat ? { url, hostname, ip } : { hostname, ip, host_type: hostTypeName(hostType) };
    if (error === undefined) {
      this.#successes.add(host);
      this.#there.add(url);
    } else {
      this.#failures.add({ ...host, description: error });
      this.#failed.set(url, error);
    }
  }

  get results(): JsonObject {
    return {
      success_tasks: this.#successes.list,
      failure_tasks: this.#failures.list,
      success_count: this.#successes.count,
      failure_count: this.#failures.count,
      scheduler_cluster_id: this.#clusterId,
    };
  }

  /** A preheat has done its work when each content is on one host: from there the others get it. */
  get failure(): string | undefined {
    const reasons = [...this.#failed].flatMap(([url, error]) => {
      return this.#isPreheat && this.#there.has(url) ? [] : [error];
    });
    if (this.#isPreheat && this.#there.size === 0 && reasons.length === 0) return "Nothing was fetched";
    if (reasons.length === 0) return undefined;
    if (!this.#isPreheat) return `${this.#failures.count} hosts did not delete the task, such as: ${reasons[0]}`;
    const count = this.#there.size + reasons.length;
    return `${reasons.length} of ${count} contents could be fetched by no host: ${reasons[0]}`;
  }
}

/** Who holds a task. */
class Holders implements TaskProgress {
  readonly #clusterId: number;
  readonly #peers = new Entries();
  readonly failure = undefined;

  constructor(clusterId: number) {
    this.#clusterId = clusterId;
  }

  add({ hostId, hostname, ip, hostType, createdAt, updatedAt, isFinished }: HostResult): void {
    this.#peers.add({
      ...{ id: hostId, hostname, ip, host_type: hostTypeName(hostType), IsFinished: isFinished },
      created_at: timeJson(createdAt === undefined ? 0 : msOfTimestamp(createdAt)),
      updated_at: timeJson(updatedAt === undefined ? 0 : msOfTimestamp(updatedAt)),
    });
  }

  get results(): JsonObject {
    return { peers: this.#peers.list, peer_count: this.#peers.count, scheduler_cluster_id: this.#clusterId };
  }
}

/** A list that stays of a size that a row can hold. */
class Entries {
  readonly list: JsonObject[] = [];
  count = 0;

  add(entry: JsonObject): void {
    this.count += 1;
    if (this.list.length < LIST_MAX) this.list.push(entry);
  }
}

/** The name of a kind of host, as stock schedulers write it. */
export function hostTypeName(type: number): string {
  return HOST_TYPES[type] ?? "normal";
}

/** One cluster's part of a job. */
export interface TaskState {
  readonly uuid: string;
  readonly state: JobState;
  readonly results: readonly JsonObject[];
  readonly error: string;
}

/** `result` of a job's row. Any part that failed is a failure of the job; any that runs keeps it pending. */
export function jobResult(
  { taskId, type, createdAtMs, nowMs, tasks }: {
    readonly taskId: string;
    readonly type: string;
    readonly createdAtMs: number;
    readonly nowMs: number;
    readonly tasks: readonly TaskState[];
  },
): { readonly state: JobState; readonly result: JsonObject } {
  const isRunning = tasks.some(({ state }) => state !== "SUCCESS" && state !== "FAILURE");
  const isFailed = tasks.some(({ state }) => state === "FAILURE");
  const state = isRunning ? "PENDING" : isFailed ? "FAILURE" : "SUCCESS";
  const created_at = timeJson(createdAtMs);
  const job_states = tasks.map(({ uuid, state, results, error }) => {
    return { task_uuid: uuid, task_name: type, state, results: [...results], error, created_at, ttl: 0 };
  });
  return { state, result: { group_uuid: taskId, state, created_at, updated_at: timeJson(nowMs), job_states } };
}
