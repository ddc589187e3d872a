import type { Job, JobInput } from "../store/jobs.ts";

/** A job as a caller ordered it, checked. */
export type JobOrder = Pick<JobInput, "type" | "bio" | "userId" | "args" | "schedulerClusterIds">;

/** Carries out jobs; what the REST API knows of it. */
export interface JobRunner {
  /** Which types it can run. */
  readonly types: ReadonlySet<string>;
  /**
   * Starts a job, or runs it to its end where the contract wants an answer at once (manager-rest.md §4.1). Fails with
   * `failed_precondition` when no scheduler can take it.
   */
  start(order: JobOrder, signal: AbortSignal): Promise<Job | { readonly answer: unknown }>;
  /** Stops a job that runs, before its row is removed. */
  cancel(id: number): Promise<void>;
}
