import { errorText } from "../core/error.ts";
import type { Clock } from "../runtime/clock.ts";
import type { Log } from "../runtime/log.ts";
import { byEachId, type Storage, type TaskRecord } from "./storage/storage.ts";

/** One family of tasks, as the collection sees it. */
export interface CollectedFamily {
  readonly storage: Storage;
  /** Tells the scheduler of a task that this host no longer has it. */
  readonly tell: (task: TaskRecord, signal: AbortSignal) => Promise<void>;
}

/**
 * Removes what is out of date or in the way, each `intervalMs`, and tells the schedulers (wire.md §6.3). The first of
 * the `families` makes way for the others, which share its volume.
 */
export function startGarbageCollection(
  intervalMs: number,
  families: readonly CollectedFamily[],
  { clock, log }: { readonly clock: Clock; readonly log: Log },
): AsyncDisposable {
  const stop = new AbortController();
  let running = Promise.resolve();
  const collectAll = async () => {
    // Space first: a scheduler that cannot be reached may take its time to be told.
    const removed = [];
    for (const { storage, tell } of families) removed.push({ tell, tasks: await collect(storage, log) });
    for (const { tell, tasks } of removed) {
      for (const task of tasks) if (!stop.signal.aborted) await tellQuietly(task, tell, log, stop.signal);
    }
  };
  const timer = clock.every(intervalMs, () => void (running = running.then(collectAll)));
  return {
    async [Symbol.asyncDispose]() {
      timer[Symbol.dispose]();
      stop.abort();
      await running;
    },
  };
}

/** The tasks that were removed. */
async function collect(storage: Storage, log: Log): Promise<TaskRecord[]> {
  try {
    const tasks = new Map(storage.list().flatMap(byEachId).map((task) => [task.taskId, task]));
    const removed = await storage.collectGarbage();
    if (removed.length > 0) log.info("Tasks were removed", { count: removed.length });
    return removed.flatMap((taskId) => tasks.get(taskId) ?? []);
  } catch (error) {
    log.warn("Tasks could not be removed", { error: errorText(error) });
    return [];
  }
}

/** A scheduler that is not told sends children here for nothing until they tell it so. */
async function tellQuietly(
  task: TaskRecord,
  tell: CollectedFamily["tell"],
  log: Log,
  signal: AbortSignal,
): Promise<void> {
  try {
    await tell(task, signal);
  } catch (error) {
    if (signal.aborted) return;
    const { taskId } = task;
    log.info("The scheduler was not told that a task is removed", { taskId, error: errorText(error) });
  }
}
