import type { Job, JobInput, JobState } from "./jobs.ts";
import type { JsonObject } from "./records.ts";

/** Who has a job that has not ended. */
export interface JobLease {
  readonly jobId: number;
  /** The manager that runs it; empty while it waits. */
  readonly owner: string;
  /** Grows with each sign of life of its owner. One that stands still has lost it, whatever clocks say. */
  readonly beat: number;
  /** When its time is over, as wall time. */
  readonly deadlineMs: number;
  /** Who wants it to end; empty when nobody does. */
  readonly cancelledBy: string;
}

/** What a job was ordered with, and until when it may run. */
export interface SealedOrder {
  readonly sealed: string;
  readonly deadlineMs: number;
}

/** A job that a manager has taken. */
export interface TakenJob {
  readonly job: Job;
  readonly sealed: string;
}

/** How a job ended. */
export interface JobEnd {
  readonly state: JobState;
  readonly result: JsonObject;
}

/**
 * The jobs that have not ended, with their orders, which hold secrets and are sealed. Several managers take from it: what
 * one of them writes of a job counts only while the job is its own. An order goes with the end of its job, or is kept for
 * a while where that failed.
 */
export interface JobQueue {
  /** Adds a job that waits. Fails with `resource_exhausted` while `waitingMax` others do. */
  add(job: JobInput, order: SealedOrder, waitingMax: number): Promise<Job>;
  /** The leases of at most `limit` jobs, the oldest first. */
  leases(limit: number): Promise<JobLease[]>;
  /**
   * Gives a job to `owner` if its lease is still this one; undefined if it is not, or if others removed the job. Fails
   * with `data_loss` for a row that cannot be read, whose lease stays as it is.
   */
  take(lease: JobLease, owner: string): Promise<TakenJob | undefined>;
  /** A sign of life of `owner`; what it has. */
  renew(owner: string): Promise<JobLease[]>;
  /** Lets the jobs of `owner` wait for another one. */
  release(owner: string): Promise<void>;
  /** Notes how far a job is, where it is still `owner`'s. */
  note(owner: string, jobId: number, result: JsonObject): Promise<void>;
  /** Ends a job; whether it was still `owner`'s. Its order is kept until `keptUntilMs`, 0 for not at all. */
  end(owner: string, jobId: number, end: JobEnd, keptUntilMs: number): Promise<boolean>;
  /** Notes that `by` wants a job to end; whether it has not ended. */
  cancel(jobId: number, by: string): Promise<boolean>;
  /**
   * Lets a job wait again whose order is still kept; undefined where it is not. `result` is what stays of its result.
   * Fails as {@link add} does.
   */
  retry(jobId: number, change: RetriedJob, waitingMax: number): Promise<Job | undefined>;
  /** Removes the orders that were kept for long enough, and all but the `max` newest. */
  removeKept(max: number): Promise<void>;
  /** At most `limit` jobs that have not ended and are not in the queue, of which nothing was written since `sinceMs`. */
  lost(sinceMs: number, limit: number): Promise<Job[]>;
}

/** How a job begins again. */
export interface RetriedJob {
  readonly deadlineMs: number;
  readonly result: JsonObject;
}
