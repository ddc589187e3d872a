import type { Retention } from "./storage.ts";

/** What eviction looks at. */
export interface EvictionCandidate {
  readonly taskId: string;
  readonly bytes: number;
  readonly updatedAtMs: number;
  readonly isSealed: boolean;
  /** Somebody reads or writes it. */
  readonly isBusy: boolean;
  /** Set for tasks of the persistent cache. */
  readonly retention?: Retention | undefined;
}

/** When tasks go. */
export interface EvictionPolicy {
  readonly nowMs: number;
  readonly taskTtlMs: number;
  /** How much space is wanted besides; 0 for none. */
  readonly bytesToFree: number;
  /** So many tasks may stay, however small they are. */
  readonly tasksMax: number;
}

/** An incomplete task is an attempt that failed, once nobody has touched it for so long. */
const ABANDONED_MS = 10 * 60_000;

/** Whether a task may go when space is needed; never one that is in use, or that was promised to stay. */
export function isEvictable({ updatedAtMs, isSealed, isBusy, retention }: EvictionCandidate, nowMs: number): boolean {
  if (isBusy || (isSealed && retention?.isPersistent === true)) return false;
  return isSealed || nowMs - updatedAtMs >= ABANDONED_MS;
}

/**
 * Which tasks to delete: those past their time, then, least recently used first, until enough space comes free
 * and they are few enough. Never
 * one that is in use (wire.md §6.3, where a task that is not finished has 24 hours; ours can be held instead).
 */
export function planEviction(candidates: readonly EvictionCandidate[], policy: EvictionPolicy): string[] {
  const { nowMs, taskTtlMs, bytesToFree, tasksMax } = policy;
  const countToFree = candidates.length - tasksMax;
  const chosen: string[] = [];
  let freed = 0;
  const unused = candidates.filter((task) => !task.isBusy).sort((a, b) => a.updatedAtMs - b.updatedAtMs);
  for (const task of unused) {
    const isExpired = nowMs >= (task.retention?.expiresAtMs ?? task.updatedAtMs + taskTtlMs);
    const isWanted = (freed < bytesToFree || chosen.length < countToFree) && isEvictable(task, nowMs);
    if (!isExpired && !isWanted) continue;
    chosen.push(task.taskId);
    freed += task.bytes;
  }
  return chosen;
}

/** How full a store may get, in percent: from `high` on, tasks go until it is below `low`. */
export interface EvictionThresholds {
  readonly highPercent: number;
  readonly lowPercent: number;
}

/** How many bytes have to go; 0 below the high threshold. */
export function bytesOver(
  { usedBytes, totalBytes }: { readonly usedBytes: number; readonly totalBytes: number },
  { highPercent, lowPercent }: EvictionThresholds,
): number {
  if (usedBytes * 100 < totalBytes * highPercent) return 0;
  return Math.max(0, usedBytes - Math.floor((totalBytes * lowPercent) / 100));
}
