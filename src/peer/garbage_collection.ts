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

/** Collections that go on until it is disposed. */
export interface GarbageCollection extends AsyncDisposable {
  /** Collects now; how many tasks were removed. Throws what a storage throws. */
  collect(): Promise<number>;
}

interface Removed {
  readonly tell: CollectedFamily["tell"];
  /** Each task as often as it has ids. */
  readonly tasks: readonly TaskRecord[];
  readonly count: number;
}

/**
 * Removes what is out of date or in the way, each `intervalMs`, and tells the schedulers (wire.md §6.3). The first of
 * the `families` makes way for the others, which share its volume.
 */
export function startGarbageCollection(
  intervalMs: number,
  families: readonly CollectedFamily[],
  { clock, log }: { readonly clock: Clock; readonly log: Log },
): GarbageCollection {
  const stop = new AbortController();
  let running = Promise.resolve();
  const tellAll = async (removed: readonly Removed[]) => {
    for (const { tell, tasks } of removed) {
      for (const task of tasks) if (!stop.signal.aborted) await tellQuietly(task, tell, log, stop.signal);
    }
  };
  /** Space first: a scheduler that cannot be reached may take its time to be told. */
  const round = async () => {
    const before = running;
    const told = Promise.withResolvers<void>();
    running = told.promise;
    await before;
    const { removed, failures } = await collectAll(families, log);
    void tellAll(removed).then(() => told.resolve());
    if (failures.length > 0) throw failures[0];
    return removed.reduce((sum, { count }) => sum + count, 0);
  };
  const timer = clock.every(intervalMs, () => void round().catch(() => {})); // the log has it
  return {
    collect: round,
    async [Symbol.asyncDispose]() {
      timer[Symbol.dispose]();
      stop.abort();
      await running;
    },
  };
}

/** Collects in each family, whatever becomes of the one before. */
async function collectAll(families: readonly CollectedFamily[], log: Log) {
  const removed: Removed[] = [];
  const failures: unknown[] = [];
  for (const { storage, tell } of families) {
    try {
      removed.push({ tell, ...await collect(storage, log) });
    } catch (error) {
      log.warn("Tasks could not be removed", { error: errorText(error) });
      failures.push(error);
    }
  }
  return { removed, failures };
}

/** The tasks that were removed. */
async function collect(storage: Storage, log: Log): Promise<Omit<Removed, "tell">> {
  const held = storage.list();
  const tasks = new Map(held.flatMap(byEachId).map((task) => [task.taskId, task]));
  const removed = new Set(await storage.collectGarbage());
  if (removed.size > 0) log.info("Tasks were removed", { count: removed.size });
  return {
    tasks: [...removed].flatMap((taskId) => tasks.get(taskId) ?? []),
    count: held.filter(({ taskId }) => removed.has(taskId)).length,
  };
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
