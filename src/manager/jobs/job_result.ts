/** What became of a job, as its row shows it (manager-rest.md §4.5). */
import * as z from "zod";
import { hostTypeName } from "../../core/host_type.ts";
import type { HostResult } from "../../rpc/gen/damselfly/v1/jobs.ts";
import { msOfTimestamp } from "../../rpc/time.ts";
import { timeJson } from "../rest/fields.ts";
import type { JobState } from "../store/jobs.ts";
import type { JsonObject } from "../store/records.ts";
import { Entries } from "./entries.ts";

/** Characters of the lists of a row: once the job has ended, and while it is written every few seconds. */
export const ENDED_CHARACTERS_MAX = 512 * 1024;
export const RUNNING_CHARACTERS_MAX = 64 * 1024;
/** Hosts that are told apart; what comes after them is not counted as a host. */
const HOSTS_MAX = 100_000;

/** What one scheduler cluster does for a job. */
export interface TaskProgress {
  /** Takes what became of a content on a host. */
  add(result: HostResult): void;
  /** What there is until now, its lists of at most so many characters. */
  results(charactersMax: number): JsonObject;
  /** Why it has failed, if nothing more comes; undefined when it has not. */
  readonly failure: string | undefined;
}

/** The progress of a type of job in a cluster, whose scheduler gets so many orders for it. */
export function progressOf(type: string, clusterId: number, orderCount: number): TaskProgress {
  if (type === "get_task") return new Holders(clusterId);
  return type === "preheat" ? new Preheated(clusterId, orderCount) : new Deleted(clusterId);
}

/** What became of one content on all hosts. */
interface Content {
  successes: number;
  failures: number;
  /** The last reason. */
  error: string;
}

/** What hosts fetched. */
class Preheated implements TaskProgress {
  readonly #clusterId: number;
  readonly #orderCount: number;
  readonly #successes = new Entries(ENDED_CHARACTERS_MAX);
  readonly #failures = new Entries(ENDED_CHARACTERS_MAX);
  readonly #contents = new Map<string, Content>();
  readonly #hosts = new Set<string>();
  /** Contents that a host has. */
  #there = 0;
  /** Of all orders; 0 as long as nobody has said. */
  #expected = 0;

  constructor(clusterId: number, orderCount: number) {
    this.#clusterId = clusterId;
    this.#orderCount = orderCount;
  }

  add({ url, hostId, hostname, ip, error, answerCount }: HostResult): void {
    this.#expected = Math.max(this.#expected, answerCount * this.#orderCount);
    const content = this.#contents.get(url) ?? { successes: 0, failures: 0, error: "" };
    this.#contents.set(url, content);
    if (hostname !== "" && this.#hosts.size < HOSTS_MAX) this.#hosts.add(hostId || `${hostname} ${ip}`);
    if (error === undefined) {
      this.#successes.add({ url, hostname, ip });
      content.successes += 1;
      if (content.successes === 1) this.#there += 1;
    } else {
      this.#failures.add({ url, hostname, ip, description: error });
      content.failures += 1;
      content.error = error;
    }
  }

  results(charactersMax: number): JsonObject {
    const each = charactersMax / 3;
    const contents = new Entries(each);
    for (const [url, { successes, failures }] of this.#contents) {
      contents.add({ url, success_count: successes, failure_count: failures });
      if (contents.isFull) break;
    }
    return {
      success_tasks: this.#successes.first(each),
      failure_tasks: this.#failures.first(each),
      contents: contents.first(each),
      success_count: this.#successes.count,
      failure_count: this.#failures.count,
      content_count: this.#contents.size,
      content_done_count: this.#there,
      host_count: this.#hosts.size,
      expected_count: this.#expected,
      scheduler_cluster_id: this.#clusterId,
    };
  }

  /** A preheat has done its work when each content is on one host: from there the others get it. */
  get failure(): string | undefined {
    const count = this.#contents.size;
    if (count === 0) return "Nothing was fetched";
    if (this.#there === count) return undefined;
    const missing = [...this.#contents.values()].find(({ successes }) => successes === 0);
    return `${count - this.#there} of ${count} contents could be fetched by no host: ${missing?.error}`;
  }
}

/** Which hosts deleted a task. */
class Deleted implements TaskProgress {
  readonly #clusterId: number;
  readonly #successes = new Entries(ENDED_CHARACTERS_MAX);
  readonly #failures = new Entries(ENDED_CHARACTERS_MAX);
  #error = "";

  constructor(clusterId: number) {
    this.#clusterId = clusterId;
  }

  add({ hostname, ip, hostType, error }: HostResult): void {
    const host = { hostname, ip, host_type: hostTypeName(hostType) };
    if (error === undefined) return this.#successes.add(host);
    this.#failures.add({ ...host, description: error });
    this.#error = error;
  }

  results(charactersMax: number): JsonObject {
    return {
      success_tasks: this.#successes.first(charactersMax / 2),
      failure_tasks: this.#failures.first(charactersMax / 2),
      success_count: this.#successes.count,
      failure_count: this.#failures.count,
      scheduler_cluster_id: this.#clusterId,
    };
  }

  get failure(): string | undefined {
    const { count } = this.#failures;
    return count === 0 ? undefined : `${count} hosts did not delete the task, such as: ${this.#error}`;
  }
}

/** Who holds a task. */
class Holders implements TaskProgress {
  readonly #clusterId: number;
  readonly #peers = new Entries(ENDED_CHARACTERS_MAX);
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

  results(charactersMax: number): JsonObject {
    const { count } = this.#peers;
    return { peers: this.#peers.first(charactersMax), peer_count: count, scheduler_cluster_id: this.#clusterId };
  }
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
  const progress = type === "preheat" ? { progress: sums(tasks) } : {};
  return {
    state,
    result: { group_uuid: taskId, state, created_at, updated_at: timeJson(nowMs), job_states, ...progress },
  };
}

/** How far a preheat is in all clusters together. */
function sums(tasks: readonly TaskState[]): JsonObject {
  const sum = (key: string) => tasks.reduce((total, { results: [result] }) => total + Number(result?.[key] ?? 0), 0);
  return {
    cluster_count: tasks.length,
    cluster_done_count: tasks.filter(({ state }) => state !== "PENDING").length,
    ...Object.fromEntries(SUMMED.map((key) => [key, sum(key)])),
  };
}

const SUMMED = [
  "content_count",
  "content_done_count",
  "host_count",
  "success_count",
  "failure_count",
  "expected_count",
];

/** A part of a job that is over, as {@link jobResult} wrote it. */
const EndedTask = z.object({
  task_uuid: z.string(),
  state: z.enum(["SUCCESS", "FAILURE"]),
  error: z.string(),
  results: z.tuple([z.looseObject({ scheduler_cluster_id: z.int() })]),
});
const JobStates = z.object({ job_states: z.array(z.unknown()) });

/** The parts of a job that are over, by the id of their cluster. */
export function endedTasks(result: JsonObject): ReadonlyMap<number, TaskState> {
  const parsed = JobStates.safeParse(result);
  const ended = (parsed.data?.job_states ?? []).flatMap((task) => EndedTask.safeParse(task).data ?? []);
  return new Map(ended.map(({ task_uuid, state, error, results }) => {
    return [results[0].scheduler_cluster_id, { uuid: task_uuid, state, error, results }];
  }));
}

/** What stays of the result of a job that is tried again: the parts that succeeded. */
export function withoutFailures(result: JsonObject): JsonObject {
  const states = JobStates.safeParse(result).data?.job_states ?? [];
  return {
    ...result,
    state: "PENDING",
    job_states: states.filter((task) => EndedTask.safeParse(task).data?.state === "SUCCESS"),
  };
}
