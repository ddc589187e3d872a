import type { JsonObject } from "./records.ts";
import type { Identified, Repository } from "./repository.ts";

/** Where a job is (manager-rest.md §4.5). */
export type JobState = "PENDING" | "RECEIVED" | "STARTED" | "RETRY" | "SUCCESS" | "FAILURE";

/** A job as it was ordered and as it goes. */
export interface JobInput {
  /** The UUID of its group of tasks; empty while there is none. */
  readonly taskId: string;
  readonly bio: string;
  readonly type: string;
  readonly state: JobState;
  /** Without secrets, which the queue keeps, but for rows that a stock manager wrote: never shown as it is. */
  readonly args: JsonObject;
  readonly result: JsonObject;
  /** 0 when it belongs to nobody. */
  readonly userId: number;
  readonly schedulerClusterIds: readonly number[];
  readonly seedPeerClusterIds: readonly number[];
}

/** A stored job. */
export interface Job extends JobInput, Identified {}

/** Which jobs to list. */
export type JobFilter = Partial<Pick<Job, "type" | "state" | "userId">>;

/** Jobs; lists begin with the newest. */
export interface JobStore extends Repository<Job, JobInput, JobFilter> {
  /** How many jobs that were made since `sinceMs` fit. */
  countSince(filter: JobFilter, sinceMs: number): Promise<number>;
  /** Removes at most `limit` jobs that were made before `beforeMs` and have ended; how many. */
  removeBefore(beforeMs: number, limit: number): Promise<number>;
}
