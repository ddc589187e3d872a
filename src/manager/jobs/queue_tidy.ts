import type { Clock } from "../../runtime/clock.ts";
import type { Log } from "../../runtime/log.ts";
import type { Store } from "../store/store.ts";
import { jobResult } from "./job_result.ts";

const ROUND_INTERVAL_MS = 60_000;
/** Orders of failed jobs that are kept, so that these can be tried again. */
const KEPT_MAX = 1_000;
/** A job that is not in the queue, of which nothing was written for so long, is run by nobody. */
const SILENT_MAX_MS = 2 * 60_000;
/** Jobs that are failed in one round. */
const LOST_AT_ONCE = 1_000;

/** What {@link tidyQueue} works with. */
export interface QueueTidyOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * Every minute, removes orders that were kept for long enough, and fails the jobs that a manager without a queue left
 * behind: a stock one, or one of an older version. Disposing it ends that.
 */
export function tidyQueue(options: QueueTidyOptions): AsyncDisposable {
  const { clock, log } = options;
  let round: Promise<void> | undefined;
  const begin = () => {
    round ??= tidy(options)
      .catch((error) => log.error("The queue of jobs could not be tidied", { error }))
      .finally(() => round = undefined);
  };
  begin();
  const timer = clock.every(ROUND_INTERVAL_MS, begin);
  return {
    async [Symbol.asyncDispose]() {
      timer[Symbol.dispose]();
      await round;
    },
  };
}

async function tidy({ store, clock, log }: QueueTidyOptions): Promise<void> {
  await store.jobQueue.removeKept(KEPT_MAX);
  const nowMs = clock.wallMs();
  for (const { id, taskId, type, createdAtMs } of await store.jobQueue.lost(nowMs - SILENT_MAX_MS, LOST_AT_ONCE)) {
    const error = "The manager that ran the job is gone, and its order with it; order it again";
    const tasks = [{ uuid: "", state: "FAILURE" as const, results: [], error }];
    await store.jobs.update(id, jobResult({ taskId, type, createdAtMs, nowMs, tasks }));
    log.warn("A job has failed, for the manager that ran it is gone", { id, type });
  }
}
