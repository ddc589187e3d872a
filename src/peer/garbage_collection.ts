import { errorText } from "../core/error.ts";
import type { Clock } from "../runtime/clock.ts";
import type { Log } from "../runtime/log.ts";
import type { Control } from "./control/control.ts";
import type { Storage } from "./storage/storage.ts";

/** What the collection acts on. */
export interface GarbageCollectionParts {
  readonly storage: Storage;
  readonly control: Control;
  readonly clock: Clock;
  readonly log: Log;
}

/** Removes what is out of date or in the way, each `intervalMs`, and tells the schedulers (wire.md §6.3). */
export function startGarbageCollection(intervalMs: number, parts: GarbageCollectionParts): AsyncDisposable {
  const stop = new AbortController();
  let running = Promise.resolve();
  const timer = parts.clock.every(intervalMs, () => {
    running = running.then(() => collect(parts, stop.signal));
  });
  return {
    async [Symbol.asyncDispose]() {
      timer[Symbol.dispose]();
      stop.abort();
      await running;
    },
  };
}

async function collect({ storage, control, log }: GarbageCollectionParts, signal: AbortSignal): Promise<void> {
  try {
    const removed = await storage.collectGarbage();
    if (removed.length > 0) log.info("Tasks were removed", { count: removed.length });
    for (const taskId of removed) {
      if (!signal.aborted) await tell(taskId, { control, log }, signal);
    }
  } catch (error) {
    log.warn("Tasks could not be removed", { error: errorText(error) });
  }
}

/** A scheduler that is not told sends children here for nothing until they tell it so. */
async function tell(
  taskId: string,
  { control, log }: Pick<GarbageCollectionParts, "control" | "log">,
  signal: AbortSignal,
): Promise<void> {
  try {
    await control.taskDeleted(taskId, signal);
  } catch (error) {
    if (signal.aborted) return;
    log.info("The scheduler was not told that a task is removed", { taskId, error: errorText(error) });
  }
}
