import { DamselflyError, toDamselflyError } from "../../../core/error.ts";
import type { Clock } from "../../../runtime/clock.ts";
import type { Random } from "../../../runtime/random.ts";
import type { Redis } from "../../../redis/redis.ts";
import type { SchedulerRecord } from "../../store/services.ts";
import {
  groupRow,
  type JobName,
  parseTaskRow,
  type QueuedJob,
  queueOf,
  ROWS_KEPT_SECONDS,
  signatureOf,
  type TaskRow,
  taskRow,
} from "../../../redis/machinery.ts";
import type { Payload } from "./orders.ts";

/** How often it is looked how far a job is. */
const POLL_INTERVAL_MS = 1_000;
/** A scheduler that takes jobs at all takes one at once: it has a thousand workers. */
const TAKEN_WITHIN_MS = 30_000;
/** How often a scheduler that has a job is asked whether it still lives. */
const ALIVE_INTERVAL_MS = 30_000;
/** How long Redis may be away while a job runs. */
const REDIS_AWAY_MS = 60_000;
/** A scheduler keeps the limit of the job itself; beyond that it is not waited for. */
const GRACE_MS = 10_000;
/** How long taking a job back may take. */
const WITHDRAW_TIMEOUT_MS = 2_000;

/** What {@link MachineryQueue} works with. */
export interface MachineryOptions {
  readonly broker: Redis;
  readonly backend: Redis;
  readonly clock: Clock;
  readonly random: Random;
}

/** A job for one scheduler. */
export interface QueueOrder {
  readonly name: JobName;
  readonly scheduler: SchedulerRecord;
  readonly payload: Payload;
  readonly timeoutMs: number;
  /** Rejects when the scheduler is gone, and what it was at with it. */
  readonly checkAlive: (signal: AbortSignal) => Promise<void>;
}

/** How it ended: with what the scheduler wrote, or before it has begun. */
export type QueueOutcome =
  | { readonly kind: "done"; readonly result: string }
  | { readonly kind: "not_begun"; readonly why: string };

/** Gives jobs to stock schedulers through their queues in Redis. */
export class MachineryQueue {
  readonly #options: MachineryOptions;

  constructor(options: MachineryOptions) {
    this.#options = options;
  }

  /**
   * Runs a job to its end. Whoever does not want it any more takes it out of the queue; what has begun goes on at the
   * scheduler. Fails with `failed_precondition` and the scheduler's words when it has failed, with `timeout`, and with
   * `unavailable` when the scheduler, or Redis with the job, is gone.
   */
  async run(order: QueueOrder, caller: AbortSignal): Promise<QueueOutcome> {
    const { clock, random } = this.#options;
    const job: QueuedJob = {
      ...{ name: order.name, queue: queueOf(order.scheduler), createdAtMs: clock.wallMs() },
      ...{ groupUuid: `group_${random.uuid()}`, taskUuid: `task_${random.uuid()}` },
    };
    const signature = signatureOf(job, order.payload);
    using limit = clock.deadline(order.timeoutMs + GRACE_MS);
    const signal = AbortSignal.any([caller, limit.signal]);
    let isOver = false;
    try {
      const why = await this.#put(job, signature, signal);
      const outcome = why === undefined ? await this.#await(job, signature, order, signal) : undefined;
      isOver = outcome !== undefined;
      return outcome ?? { kind: "not_begun", why: why ?? "" };
    } finally {
      if (!isOver) await this.#withdraw(job, signature);
    }
  }

  /** Puts the job into the queue; why not, when Redis does not take it. */
  async #put(job: QueuedJob, signature: string, signal: AbortSignal): Promise<string | undefined> {
    const { broker, backend } = this.#options;
    const expiry = ["EX", String(ROWS_KEPT_SECONDS)];
    try {
      await backend.send(job.groupUuid, ["SET", job.groupUuid, groupRow(job), ...expiry], { signal });
      await backend.send(job.taskUuid, ["SET", job.taskUuid, taskRow(job, { state: "PENDING" }), ...expiry], {
        signal,
      });
      await broker.send(job.queue, ["RPUSH", job.queue, signature], { signal });
      return undefined;
    } catch (error) {
      signal.throwIfAborted();
      return toDamselflyError(error, "internal", "Cannot put the job into its queue").message;
    }
  }

  async #await(job: QueuedJob, signature: string, order: QueueOrder, signal: AbortSignal): Promise<QueueOutcome> {
    const { clock } = this.#options;
    let heardAtMs = clock.now();
    let seenAliveAtMs = heardAtMs;
    // Counted by looks and not by the clock: after the machine stood still the scheduler has its chance too.
    let pendingMs = 0;
    for (;;) {
      await clock.sleep(POLL_INTERVAL_MS, signal);
      const row = await this.#look(job, clock.now() - heardAtMs < REDIS_AWAY_MS, signal);
      if (row === undefined) continue;
      heardAtMs = clock.now();
      if (row.state === "SUCCESS") return { kind: "done", result: row.result };
      if (row.state === "FAILURE") throw new DamselflyError("failed_precondition", row.error);
      if (row.state === "PENDING") {
        pendingMs += POLL_INTERVAL_MS;
        if (pendingMs < TAKEN_WITHIN_MS || !await this.#withdraw(job, signature)) continue;
        return { kind: "not_begun", why: `it was not taken out of the queue ${job.queue} of ${this.#place}` };
      }
      if (clock.now() - seenAliveAtMs < ALIVE_INTERVAL_MS) continue;
      await order.checkAlive(signal);
      seenAliveAtMs = clock.now();
    }
  }

  get #place(): string {
    return `Redis at ${this.#options.broker.place}`;
  }

  /** How far the job is; undefined while Redis is away, which it may be. */
  async #look(job: QueuedJob, mayBeAway: boolean, signal: AbortSignal): Promise<TaskRow | undefined> {
    let row: unknown;
    try {
      row = await this.#options.backend.send(job.taskUuid, ["GET", job.taskUuid], { signal });
    } catch (error) {
      if (mayBeAway && error instanceof DamselflyError && error.code === "unavailable") return undefined;
      throw error;
    }
    if (typeof row === "string") return parseTaskRow(row);
    throw new DamselflyError("unavailable", `${this.#place} has forgotten the job, as it does when it starts again`);
  }

  /** Takes the job out of the queue; whether nobody had it. Where Redis is away it stays there, and nobody hears of it. */
  async #withdraw(job: QueuedJob, signature: string): Promise<boolean> {
    const { broker, backend } = this.#options;
    const limits = { timeoutMs: WITHDRAW_TIMEOUT_MS };
    try {
      if (await broker.send(job.queue, ["LREM", job.queue, "1", signature], limits) !== 1) return false;
      for (const key of [job.taskUuid, job.groupUuid]) await backend.send(key, ["DEL", key], limits);
      return true;
    } catch {
      return false;
    }
  }
}
