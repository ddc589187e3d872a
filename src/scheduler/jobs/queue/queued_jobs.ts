import { DamselflyError } from "../../../core/error.ts";
import type { Host } from "../../../rpc/gen/common/v2/common.ts";
import type { Jobs } from "../jobs.ts";
import {
  deleteAnswer,
  findAnswer,
  hostsAnswer,
  parseQueuedPreheat,
  parseQueuedTask,
  preheatAnswer,
} from "./queue_orders.ts";

/** What jobs of the queue are run with. */
export interface QueuedJobsOptions {
  readonly jobs: Pick<Jobs, "preheat" | "find" | "delete">;
  readonly hosts: () => readonly Host[];
  readonly clusterId: number;
}

/** Runs a job of the queue; gives what the manager shall read. Throws what is wrong with it, or went wrong. */
export async function runQueuedJob(
  { jobs, hosts, clusterId }: QueuedJobsOptions,
  name: string,
  payload: string,
  signal: AbortSignal,
): Promise<string> {
  if (name === "preheat") {
    return preheatAnswer(await Array.fromAsync(jobs.preheat(parseQueuedPreheat(payload), signal)), clusterId);
  }
  if (name === "get_task") {
    return findAnswer(await Array.fromAsync(jobs.find(parseQueuedTask(payload), signal)), clusterId);
  }
  if (name === "delete_task") {
    return deleteAnswer(await Array.fromAsync(jobs.delete(parseQueuedTask(payload), signal)), clusterId);
  }
  if (name === "sync_peers") return hostsAnswer(hosts());
  throw new DamselflyError("unimplemented", `Cannot run jobs of type ${name.slice(0, 100)}`);
}
