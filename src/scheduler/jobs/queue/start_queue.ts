import { redisServersOf } from "../../../config/redis.ts";
import type { SchedulerConfig } from "../../../config/scheduler.ts";
import { invariant } from "../../../core/invariant.ts";
import { queueOf, type QueueOwner } from "../../../redis/machinery.ts";
import { openRedisQueues } from "../../../redis/redis_databases.ts";
import type { Runtime } from "../../../runtime/runtime.ts";
import { type QueuedJobsOptions, runQueuedJob } from "./queued_jobs.ts";
import { QueueWorker } from "./queue_worker.ts";

const WITHOUT_REDIS = "until then a manager of Dragonfly's cannot give jobs to this scheduler";
/** Jobs of the queue that run at a time; gRPC has room for as many again. */
const JOBS_MAX = 50;

/** Whether the configuration wants jobs of a stock manager: it names Redis, and does not switch them off. */
export function takesQueuedJobs({ database, job, manager }: SchedulerConfig): boolean {
  return manager.addr !== undefined && job.enable && redisServersOf(redisOf({ database, job })) !== undefined;
}

/** Takes jobs out of this scheduler's queue, until disposed. Only where {@link takesQueuedJobs}. */
export async function startQueueWorker(
  config: SchedulerConfig,
  owner: QueueOwner,
  jobs: QueuedJobsOptions,
  runtime: Runtime,
): Promise<AsyncDisposable> {
  await using stack = new AsyncDisposableStack();
  const redis = await openRedisQueues(redisOf(config), runtime, WITHOUT_REDIS);
  invariant(redis !== undefined, "Redis is configured where jobs are taken from it");
  stack.use(redis);
  stack.use(
    new QueueWorker({
      ...{ clock: runtime.clock, log: runtime.log, broker: redis.broker, backend: redis.backend },
      ...{ queue: queueOf(owner), jobsMax: Math.min(config.job.localWorkerNum, JOBS_MAX) },
      run: (name, payload, signal) => runQueuedJob(jobs, name, payload, signal),
    }),
  );
  return stack.move();
}

/** Older files have it in another table. */
function redisOf({ database, job }: Pick<SchedulerConfig, "database" | "job">) {
  return redisServersOf(database.redis) === undefined ? job.redis : database.redis;
}
