import { DamselflyError, errorText } from "../../core/error.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { Log } from "../../runtime/log.ts";
import type { Counter, Metrics } from "../../runtime/metrics.ts";
import type { Random } from "../../runtime/random.ts";
import { type OldRows, removeOld } from "../old_rows.ts";
import type { PreheatArgs, TaskArgs } from "../rest/job_args.ts";
import { withoutSecrets } from "../rest/job_redaction.ts";
import type { JobOrder, JobRunner } from "../rest/job_runner.ts";
import type { Job, JobState } from "../store/jobs.ts";
import type { SchedulerRecord } from "../store/services.ts";
import type { Store } from "../store/store.ts";
import { preheatRequests, taskRequest } from "./job_requests.ts";
import { liveSchedulers } from "./live_schedulers.ts";
import { jobResult, progressOf, type TaskProgress, type TaskState } from "./job_result.ts";
import { type OnResult, type SchedulerCalls, withAny } from "./scheduler_calls.ts";
import { PeerSync } from "./sync_peers.ts";

/** Jobs of this manager at a time. */
const RUNNING_MAX = 100;
/** How often the row of a job that runs says how far it is, and that somebody runs it. */
const HEARTBEAT_MS = 30_000;
/** A pending job of which nothing was heard for so long is run by nobody. */
const LOST_AFTER_MS = 4 * HEARTBEAT_MS;
/** Pending jobs that are looked at in one round. */
const PENDING_MAX = 1_000;

/** What {@link Jobs} work with. */
export interface JobsOptions {
  readonly store: Store;
  readonly calls: Pick<SchedulerCalls, "preheat" | "task" | "hosts">;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly metrics: Metrics;
}

/** What a cluster's part of a job is about to be. */
interface Task {
  readonly uuid: string;
  readonly schedulers: readonly SchedulerRecord[];
  progress: TaskProgress;
  state: JobState;
  error: string;
}

interface Running {
  readonly stop: AbortController;
  readonly ended: Promise<void>;
}

/** Asks a scheduler for its part of a job. */
type Work = (scheduler: SchedulerRecord, onResult: OnResult, signal: AbortSignal) => Promise<void>;

/**
 * Runs jobs on schedulers, one of each cluster. Rows hold no secrets, so a job whose manager is gone cannot be gone on
 * with: it has failed, and says why. Several managers may share a store.
 */
export class Jobs implements JobRunner, AsyncDisposable {
  readonly types: ReadonlySet<string> = new Set(["preheat", "get_task", "delete_task", "sync_peers", "gc"]);
  readonly #options: JobsOptions;
  readonly #running = new Map<number, Running>();
  readonly #stop = new AbortController();
  readonly #created: Counter;
  readonly #started: Counter;
  readonly #timer: Disposable;
  readonly #peerSync: PeerSync;
  #round: Promise<void>;

  constructor(options: JobsOptions) {
    this.#options = options;
    this.#peerSync = new PeerSync(options);
    const prefix = "dragonfly_manager_create_job";
    this.#created = options.metrics.counter(`${prefix}_total`, "Jobs that were ordered.", ["name"]);
    this.#started = options.metrics.counter(`${prefix}_success_total`, "Jobs that were ordered and begun.", ["name"]);
    this.#round = this.#failLost();
    this.#timer = options.clock.every(HEARTBEAT_MS, () => {
      this.#round = this.#round.then(() => this.#failLost());
    });
  }

  async start(order: JobOrder, signal: AbortSignal): Promise<Job | { readonly answer: unknown }> {
    const labels = { name: order.type };
    this.#created.inc(labels);
    const job = await this.#start(order, signal);
    this.#started.inc(labels);
    return job;
  }

  async cancel(id: number): Promise<void> {
    const running = this.#running.get(id);
    running?.stop.abort(new DamselflyError("cancelled", "The job was cancelled"));
    await running?.ended;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#timer[Symbol.dispose]();
    const gone = new DamselflyError("unavailable", "The manager stopped while the job ran; order it again");
    this.#stop.abort(gone);
    await Promise.all([this.#round, ...[...this.#running.values()].map(({ ended }) => ended)]);
  }

  async #start(order: JobOrder, signal: AbortSignal): Promise<Job | { readonly answer: unknown }> {
    if (order.type === "gc") return await this.#collect(order);
    const clusters = await liveSchedulers(this.#options, order.schedulerClusterIds);
    if (order.type === "sync_peers") {
      await this.#peerSync.run(clusters, AbortSignal.any([signal, this.#stop.signal]));
      return { answer: "OK" };
    }
    const work = this.#workOf(order);
    if (this.#running.size >= RUNNING_MAX) {
      throw new DamselflyError("resource_exhausted", `Cannot take the job: ${RUNNING_MAX} others run`);
    }
    const { random } = this.#options;
    const tasks = [...clusters].map(([id, schedulers]): Task => ({
      ...{ uuid: `task_${random.uuid()}`, schedulers, state: "PENDING", error: "" },
      progress: progressOf(order.type, id),
    }));
    const job = await this.#create(order, "PENDING", [...clusters.keys()]);
    this.#run(job, tasks, work);
    return job;
  }

  #create(order: JobOrder, state: JobState, schedulerClusterIds: readonly number[], result = {}): Promise<Job> {
    const taskId = `group_${this.#options.random.uuid()}`;
    const args = withoutSecrets(order.args);
    return this.#options.store.jobs.create({
      ...{ ...order, args, schedulerClusterIds, taskId, state, result, seedPeerClusterIds: [] },
    });
  }

  #workOf({ type, args }: JobOrder): Work {
    const { calls } = this.#options;
    if (type === "preheat") {
      const requests = preheatRequests(args as unknown as PreheatArgs);
      return (scheduler, onResult, signal) => calls.preheat(scheduler, requests, onResult, signal);
    }
    const request = taskRequest(args as unknown as TaskArgs);
    const kind = type as "get_task" | "delete_task";
    return (scheduler, onResult, signal) => calls.task(kind, scheduler, request, onResult, signal);
  }

  #run(job: Job, tasks: readonly Task[], work: Work): void {
    const { clock, log } = this.#options;
    const stop = new AbortController();
    const signal = AbortSignal.any([stop.signal, this.#stop.signal]);
    let writing = Promise.resolve();
    const write = () => writing = writing.then(() => this.#write(job, tasks));
    const heartbeat = clock.every(HEARTBEAT_MS, () => void write());
    const run = async () => {
      await Promise.all(tasks.map((task) => this.#runTask(job, task, work, signal)));
      heartbeat[Symbol.dispose]();
      await write();
      this.#running.delete(job.id);
      log.info("A job has ended", { id: job.id, type: job.type, states: tasks.map(({ state }) => state) });
    };
    this.#running.set(job.id, { stop, ended: run() });
  }

  async #runTask({ type }: Job, task: Task, work: Work, signal: AbortSignal): Promise<void> {
    const clusterId = task.schedulers[0]?.clusterId ?? 0;
    try {
      await withAny(task.schedulers, async (scheduler) => {
        // What another scheduler has told is told again.
        task.progress = progressOf(type, clusterId);
        await work(scheduler, (result) => task.progress.add(result), signal);
        signal.throwIfAborted();
      });
      task.error = task.progress.failure ?? "";
    } catch (error) {
      task.error = errorText(signal.aborted ? signal.reason : error);
    }
    task.state = task.error === "" ? "SUCCESS" : "FAILURE";
  }

  /** Writes how far a job is. One that was removed meanwhile is nobody's any more. */
  async #write({ id, taskId, type, createdAtMs }: Job, tasks: readonly Task[]): Promise<void> {
    const { store, clock, log } = this.#options;
    const states = tasks.map(({ uuid, state, error, progress }): TaskState => {
      return { uuid, state, error, results: [progress.results] };
    });
    const { state, result } = jobResult({ taskId, type, createdAtMs, nowMs: clock.wallMs(), tasks: states });
    try {
      await store.jobs.update(id, { state, result: withoutSecrets(result) });
    } catch (error) {
      if (error instanceof DamselflyError && error.code === "not_found") return;
      log.error("The state of a job could not be stored", { id, error });
    }
  }

  /** Fails the pending jobs that no manager runs any more. */
  async #failLost(): Promise<void> {
    const { store, clock, log } = this.#options;
    try {
      const { rows } = await store.jobs.list({ state: "PENDING" }, { offset: 0, limit: PENDING_MAX });
      for (const { id, taskId, type, createdAtMs, updatedAtMs } of rows) {
        const nowMs = clock.wallMs();
        if (this.#running.has(id) || updatedAtMs > nowMs - LOST_AFTER_MS) continue;
        const error = "The manager that ran the job is gone; order it again";
        const tasks = [{ uuid: "", state: "FAILURE" as const, results: [], error }];
        await store.jobs.update(id, jobResult({ taskId, type, createdAtMs, nowMs, tasks }));
        log.warn("A job has failed, for the manager that ran it is gone", { id, type });
      }
    } catch (error) {
      if (!this.#stop.signal.aborted) log.error("Jobs that nobody runs could not be looked for", { error });
    }
  }

  /** Removes old audits or jobs now. */
  async #collect(order: JobOrder): Promise<Job> {
    const purged = await removeOld(order.args["type"] as OldRows, this.#options);
    return await this.#create(order, "SUCCESS", order.schedulerClusterIds, { purged });
  }
}
