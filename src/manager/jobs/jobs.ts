import { DamselflyError } from "../../core/error.ts";
import type { Counter, Metrics } from "../../runtime/metrics.ts";
import { type OldRows, removeOld } from "../old_rows.ts";
import type { ImageDistributionArgs } from "../rest/job_args.ts";
import { withoutSecrets } from "../rest/job_redaction.ts";
import type { JobOrder, JobRunner } from "../rest/job_runner.ts";
import type { Job, JobInput } from "../store/jobs.ts";
import { imageDistribution } from "./image_distribution.ts";
import type { Images } from "./images.ts";
import { timeoutMsOf } from "./job_requests.ts";
import { withoutFailures } from "./job_result.ts";
import { workOf } from "./job_work.ts";
import { JobWorker, type JobWorkerOptions } from "./job_worker.ts";
import { liveSchedulers } from "./live_schedulers.ts";
import { tidyQueue } from "./queue_tidy.ts";
import type { SchedulerCalls } from "./scheduler_calls.ts";
import { type PeerSyncTimes, syncPeersInTurn } from "./peer_sync_turns.ts";
import { PeerSync } from "./sync_peers.ts";

/** Jobs that may wait until a manager has a place for them. */
export const WAITING_MAX = 1_000;

/** What {@link Jobs} work with. */
export interface JobsOptions extends JobWorkerOptions {
  readonly calls: Pick<SchedulerCalls, "preheat" | "task" | "hosts">;
  readonly images: Pick<Images, "blobs">;
  readonly metrics: Metrics;
  /** `job.syncPeers` of the configuration. */
  readonly syncPeers: PeerSyncTimes;
}

/**
 * Takes orders of jobs. What schedulers do for them goes through the queue in the store, which outlives this manager and
 * which others of the database share; what is quick is done at once.
 */
export class Jobs implements JobRunner, AsyncDisposable {
  readonly types: ReadonlySet<string> = new Set([
    "preheat",
    "get_task",
    "delete_task",
    "sync_peers",
    "gc",
    "get_image_distribution",
  ]);
  readonly #options: JobsOptions;
  readonly #peerSync: PeerSync;
  readonly #worker: JobWorker;
  readonly #care: readonly AsyncDisposable[];
  readonly #stop = new AbortController();
  readonly #created: Counter;
  readonly #started: Counter;

  constructor(options: JobsOptions) {
    this.#options = options;
    const prefix = "dragonfly_manager_create_job";
    this.#created = options.metrics.counter(`${prefix}_total`, "Jobs that were ordered.", ["name"]);
    this.#started = options.metrics.counter(`${prefix}_success_total`, "Jobs that were ordered and begun.", ["name"]);
    this.#peerSync = new PeerSync(options);
    this.#worker = new JobWorker(options);
    this.#care = [tidyQueue(options), syncPeersInTurn(this.#peerSync, options, options.syncPeers)];
  }

  async start(order: JobOrder, signal: AbortSignal): Promise<Job | { readonly answer: unknown }> {
    const labels = { name: order.type };
    this.#created.inc(labels);
    const job = await this.#start(order, signal);
    this.#started.inc(labels);
    return job;
  }

  async cancel(id: number, by: string): Promise<void> {
    await this.#worker.cancel(id, by);
  }

  async retry(id: number): Promise<Job> {
    const { store, clock } = this.#options;
    const job = await store.jobs.get(id);
    if (job === undefined) throw new DamselflyError("not_found", `Cannot retry job ${id}: it does not exist`);
    if (job.state !== "FAILURE") {
      throw new DamselflyError("failed_precondition", `Cannot retry job ${id}: it has not failed`);
    }
    const change = { deadlineMs: clock.wallMs() + timeoutMsOf(job.args), result: withoutFailures(job.result) };
    const retried = await store.jobQueue.retry(id, change, WAITING_MAX);
    if (retried === undefined) {
      throw new DamselflyError(
        "failed_precondition",
        `Cannot retry job ${id}: its order is not kept any more; order it again`,
      );
    }
    this.#worker.wake();
    return retried;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort(new DamselflyError("unavailable", "The manager stops"));
    await Promise.all([this.#worker, ...this.#care].map((one) => one[Symbol.asyncDispose]()));
  }

  async #start(order: JobOrder, signal: AbortSignal): Promise<Job | { readonly answer: unknown }> {
    if (order.type === "gc") return await this.#collect(order);
    const clusters = await liveSchedulers(this.#options, order.schedulerClusterIds);
    const either = AbortSignal.any([signal, this.#stop.signal]);
    if (order.type === "sync_peers") {
      await this.#peerSync.run(clusters, either);
      return { answer: "OK" };
    }
    if (order.type === "get_image_distribution") {
      const args = order.args as unknown as ImageDistributionArgs;
      return { answer: await imageDistribution(args, clusters, this.#options, either) };
    }
    return await this.#queue(order, [...clusters.keys()]);
  }

  async #queue(order: JobOrder, schedulerClusterIds: readonly number[]): Promise<Job> {
    const { store, clock, calls, seal } = this.#options;
    workOf(order, calls); // refuses what nobody can do
    const input = this.#inputOf(order, { state: "PENDING", result: {}, schedulerClusterIds });
    const sealed = seal.seal(JSON.stringify(order.args), input.taskId);
    const deadlineMs = clock.wallMs() + timeoutMsOf(order.args);
    const job = await store.jobQueue.add(input, { sealed, deadlineMs }, WAITING_MAX);
    this.#worker.wake();
    return job;
  }

  /** Removes old audits or jobs now. */
  async #collect(order: JobOrder): Promise<Job> {
    const purged = await removeOld(order.args["type"] as OldRows, this.#options);
    return await this.#options.store.jobs.create(this.#inputOf(order, { state: "SUCCESS", result: { purged } }));
  }

  #inputOf(order: JobOrder, rest: Pick<JobInput, "state" | "result"> & Partial<JobInput>): JobInput {
    const taskId = `group_${this.#options.random.uuid()}`;
    return { ...order, args: withoutSecrets(order.args), taskId, seedPeerClusterIds: [], ...rest };
  }
}
