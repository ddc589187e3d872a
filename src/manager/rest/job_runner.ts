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
  /**
   * Ends a job that has not ended, whichever manager runs it; `by` says who wants that. Here it has ended then, elsewhere
   * it ends within seconds. Does nothing to a job that has ended.
   */
  cancel(id: number, by: string): Promise<void>;
  /**
   * Runs again what failed of a job. Fails with `not_found`, and with `failed_precondition` when it has not failed, or when
   * its order is not kept any more.
   */
  retry(id: number): Promise<Job>;
}
