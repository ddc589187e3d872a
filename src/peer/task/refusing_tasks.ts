import { blockedBy, type BlockList } from "../../core/block_list.ts";
import { DamselflyError } from "../../core/error.ts";
import type { Metrics } from "../../runtime/metrics.ts";
import type { Tasks } from "./task.ts";

/**
 * Tasks of which those are refused that the administrator does not want, as Dragonfly does it: `open` throws
 * `permission_denied` and names the entry, also for what this host already has. `blockList` is asked each time.
 */
export function refusingTasks(tasks: Tasks, blockList: () => BlockList, metrics: Metrics): Tasks {
  const blocked = metrics.counter(
    "dragonfly_client_download_task_blocked_total",
    "Downloads that the block list of the cluster refused.",
    ["type"],
  );
  return {
    // deno-lint-ignore require-await -- the refusal becomes a rejection
    async open(request, signal) {
      const { source: { url }, application, tag, priority } = request;
      const entry = blockedBy(blockList(), { url, application, tag, priority });
      if (entry === undefined) return tasks.open(request, signal);
      blocked.inc({ type: "STANDARD" });
      throw new DamselflyError(
        "permission_denied",
        `Cannot download: the block list of the cluster refuses it by ${entry}; an administrator can change that`,
      );
    },
    asksSourceAtOnce: (request) => tasks.asksSourceAtOnce(request),
    delete: (taskId, signal) => tasks.delete(taskId, signal),
    [Symbol.asyncDispose]: () => tasks[Symbol.asyncDispose](),
  };
}
