import type { PreheatArgs, TaskArgs } from "../rest/job_args.ts";
import type { JobOrder } from "../rest/job_runner.ts";
import { nanosecondsOfMilliseconds } from "../store/liveness.ts";
import type { SchedulerRecord } from "../store/services.ts";
import { preheatRequests, taskRequest } from "./job_requests.ts";
import type { OnResult, SchedulerCalls } from "./scheduler_calls.ts";

/** What jobs ask of schedulers. */
export type JobCalls = Pick<SchedulerCalls, "preheat" | "task">;

/** Asks a scheduler for its part of a job. */
export type Work = (scheduler: SchedulerRecord, onResult: OnResult, signal: AbortSignal) => Promise<void>;

/** What an order asks of each scheduler. Throws `unimplemented` where peers cannot do it. */
export function workOf({ type, args }: Pick<JobOrder, "type" | "args">, calls: JobCalls): Work {
  if (type === "preheat") {
    const requests = preheatRequests(args as unknown as PreheatArgs);
    return (scheduler, onResult, signal) => calls.preheat(scheduler, requests, onResult, signal);
  }
  const request = taskRequest(args as unknown as TaskArgs);
  const kind = type as "get_task" | "delete_task";
  return (scheduler, onResult, signal) => calls.task(kind, scheduler, request, onResult, signal);
}

/** The same order with less time. */
export function within(args: JobOrder["args"], timeoutMs: number): JobOrder["args"] {
  return { ...args, timeout: nanosecondsOfMilliseconds(Math.max(1, Math.floor(timeoutMs))) };
}
