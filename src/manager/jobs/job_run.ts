import { DamselflyError, errorText, toDamselflyError } from "../../core/error.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { Log } from "../../runtime/log.ts";
import type { Random } from "../../runtime/random.ts";
import { beginRequest } from "../../runtime/requests.ts";
import { inRequest, type Tracer } from "../../runtime/tracing.ts";
import { withoutSecrets } from "../rest/job_redaction.ts";
import type { JobEnd } from "../store/job_queue.ts";
import type { Job, JobState } from "../store/jobs.ts";
import { isLive } from "../store/liveness.ts";
import type { JsonObject } from "../store/records.ts";
import type { SchedulerRecord } from "../store/services.ts";
import type { Store } from "../store/store.ts";
import {
  ENDED_CHARACTERS_MAX,
  endedTasks,
  jobResult,
  progressOf,
  RUNNING_CHARACTERS_MAX,
  type TaskProgress,
  type TaskState,
} from "./job_result.ts";
import type { PreheatArgs } from "../rest/job_args.ts";
import { boundedError } from "./host_error.ts";
import { jobSpan } from "./job_span.ts";
import { orderCountOf } from "./job_requests.ts";
import { type JobCalls, within, workOf } from "./job_work.ts";
import { withAny } from "./scheduler_calls.ts";

/** How often a cluster is tried whose schedulers are all away, and the first pause; each is twice the one before. */
const ATTEMPTS_MAX = 5;
const PAUSE_MS = 2_000;
/** A scheduler keeps the limit of the job itself, and is waited for a little longer. */
const GRACE_MS = 15_000;

/** What {@link JobRun} works with. */
export interface JobRunOptions {
  readonly store: Store;
  readonly calls: JobCalls;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly tracer: Tracer;
}

/** A job and what it was ordered with. */
export interface JobToRun {
  readonly job: Job;
  readonly args: JsonObject;
  readonly deadlineMs: number;
}

/** A cluster's part of a job that was not over when the run began. */
interface Task {
  readonly uuid: string;
  readonly clusterId: number;
  progress: TaskProgress;
  state: JobState;
  error: string;
}

/** One run of a job, by one manager: each cluster that is not over yet begins anew. */
export class JobRun {
  readonly #options: JobRunOptions;
  readonly #job: Job;
  readonly #args: JsonObject;
  readonly #deadlineMs: number;
  readonly #orderCount: number;
  readonly #ended: readonly TaskState[];
  readonly #tasks: readonly Task[];
  #news = 0;

  constructor({ job, args, deadlineMs }: JobToRun, options: JobRunOptions) {
    this.#options = options;
    this.#job = job;
    this.#args = args;
    this.#deadlineMs = deadlineMs;
    this.#orderCount = job.type === "preheat" ? orderCountOf(args as unknown as PreheatArgs) : 1;
    const ended = endedTasks(job.result);
    this.#ended = [...ended.values()];
    this.#tasks = job.schedulerClusterIds.filter((id) => !ended.has(id)).map((clusterId) => ({
      ...{ uuid: `task_${options.random.uuid()}`, clusterId, state: "PENDING", error: "" },
      progress: progressOf(job.type, clusterId, this.#orderCount),
    }));
  }

  /** Runs it to its end; when `signal` aborts, what is not over has failed for that reason. Throws nothing. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    using limit = clock.deadline(Math.max(0, this.#deadlineMs + GRACE_MS - clock.wallMs()));
    const overdue = new AbortController();
    limit.signal.addEventListener("abort", () => overdue.abort(overdueError()));
    const either = AbortSignal.any([signal, overdue.signal]);
    const scope = beginRequest(this.#options, { ...jobSpan(this.#job, this.#args), header: () => undefined });
    await inRequest(scope, () => Promise.all(this.#tasks.map((task) => this.#runTask(task, either))));
    const isFailed = this.state().state === "FAILURE";
    scope.span?.end(isFailed ? new DamselflyError("internal", "The job failed") : undefined);
  }

  /** Grows whenever something has happened. */
  get news(): number {
    return this.#news;
  }

  /** How far it is. */
  state(): JobEnd {
    const { taskId, type, createdAtMs } = this.#job;
    const isRunning = this.#tasks.some(({ state }) => state === "PENDING");
    const count = this.#ended.length + this.#tasks.length;
    const charactersMax = (isRunning ? RUNNING_CHARACTERS_MAX : ENDED_CHARACTERS_MAX) / count;
    const tasks = this.#tasks.map(({ uuid, state, error, progress }): TaskState => {
      return { uuid, state, error, results: [progress.results(charactersMax)] };
    });
    const nowMs = this.#options.clock.wallMs();
    const { state, result } = jobResult({ taskId, type, createdAtMs, nowMs, tasks: [...this.#ended, ...tasks] });
    return { state, result: withoutSecrets(result) };
  }

  async #runTask(task: Task, signal: AbortSignal): Promise<void> {
    try {
      await this.#attempts(task, signal);
      task.error = task.progress.failure ?? "";
    } catch (error) {
      task.error = boundedError(errorText(signal.aborted ? signal.reason : error));
    }
    task.state = task.error === "" ? "SUCCESS" : "FAILURE";
    this.#news += 1;
  }

  /** Tries again after a while where no scheduler of the cluster can be reached. */
  async #attempts(task: Task, signal: AbortSignal): Promise<void> {
    const { clock, random, log } = this.#options;
    for (let attempt = 1, pauseMs = PAUSE_MS;; attempt++, pauseMs *= 2) {
      signal.throwIfAborted();
      try {
        return await this.#attempt(task, signal);
      } catch (cause) {
        const error = toDamselflyError(cause, "internal", "Cannot run the job");
        if (error.code !== "unavailable" || attempt === ATTEMPTS_MAX || signal.aborted) throw error;
        task.error = boundedError(`Attempt ${attempt} of ${ATTEMPTS_MAX}: ${errorText(error)}`);
        this.#news += 1;
        log.warn("A job could not reach a scheduler and tries again", { id: this.#job.id, error: task.error });
        await clock.sleep(pauseMs + random.below(pauseMs), signal);
      }
    }
  }

  async #attempt(task: Task, signal: AbortSignal): Promise<void> {
    const { store, clock, calls } = this.#options;
    const { type } = this.#job;
    const schedulers = await liveOf(store, clock, task.clusterId);
    const work = workOf({ type, args: within(this.#args, this.#deadlineMs - clock.wallMs()) }, calls);
    await withAny(schedulers, async (scheduler) => {
      // What another scheduler has told is told again.
      task.progress = progressOf(type, task.clusterId, this.#orderCount);
      task.error = "";
      const onResult: Parameters<typeof work>[1] = (result) => {
        task.progress.add(result);
        this.#news += 1;
      };
      await work(scheduler, onResult, signal);
      signal.throwIfAborted();
    });
  }
}

/** Why a job ends whose time is over. */
export function overdueError(): DamselflyError {
  return new DamselflyError("timeout", "The time of the job is over; order it again with a longer timeout");
}

/** The live schedulers of a cluster. Throws `unavailable` when there is none. */
async function liveOf(store: Store, clock: Clock, clusterId: number): Promise<SchedulerRecord[]> {
  const now = clock.wallMs();
  const live = (await store.schedulers.ofCluster(clusterId)).filter((scheduler) => isLive(scheduler, now));
  if (live.length > 0) return live;
  throw new DamselflyError("unavailable", `active schedulers not found in scheduler cluster ${clusterId}`);
}
