import { DamselflyError } from "../../core/error.ts";
import { type CacheState, type CacheTask, type CacheTaskFacts, type Importer, replicaCounts } from "./state.ts";

/** An import that has not ended after so long never will. */
const IMPORT_TIMEOUT_MS = 2 * 60 * 60 * 1000;

/**
 * A host begins to import a task. Throws `already_exists` while somebody holds it or another host imports it,
 * `not_found` for a host that is not announced, `resource_exhausted`.
 */
export function startImport(state: CacheState, facts: CacheTaskFacts, importer: Importer, nowMs: number): CacheTask {
  const { tasks, swarm } = state;
  const cannot = `Cannot import task ${facts.id}`;
  if (!swarm.hosts.has(importer.hostId)) {
    throw new DamselflyError("not_found", `${cannot}: host ${importer.hostId} is not announced; announce it first`);
  }
  const known = tasks.get(facts.id);
  if (known !== undefined && !isReplaceable(state, known, importer)) {
    throw new DamselflyError("already_exists", `${cannot}: it is in state ${known.state} already`);
  }
  if (known === undefined && tasks.size >= swarm.limits.tasksMax) {
    throw new DamselflyError("resource_exhausted", `${cannot}: ${tasks.size} tasks are known already`);
  }
  const task: CacheTask = {
    ...{ facts, importer, state: "Uploading", createdAtMs: nowMs, updatedAtMs: nowMs },
    ...{ replicasSeen: 0, lostSinceMs: undefined, replicating: new Set(), skippedUntilMs: new Map() },
  };
  tasks.set(facts.id, task);
  return task;
}

/** A host that was interrupted may begin again, and so may anybody with a task that nobody holds any more. */
function isReplaceable(state: CacheState, known: CacheTask, { hostId }: Importer): boolean {
  if (known.state === "Uploading") return known.importer.hostId === hostId;
  return known.state === "Failed" || replicaCounts(state, known).copies === 0;
}

/** The task whose import a peer tells the end of. Throws `not_found` when it imports no such task. */
export function importOf({ tasks }: CacheState, taskId: string, peerId: string): CacheTask {
  const task = tasks.get(taskId);
  if (task?.state === "Uploading" && task.importer.peerId === peerId) return task;
  throw new DamselflyError("not_found", `Cannot find an import of task ${taskId} by peer ${peerId}`);
}

/** Whether nothing is left of a task: its time is over, or its import came to nothing. */
export function isOver({ swarm }: CacheState, task: CacheTask, nowMs: number): boolean {
  const { state, facts, importer, createdAtMs } = task;
  if (nowMs >= createdAtMs + facts.ttlMs || state === "Failed") return true;
  return state === "Uploading" && (!swarm.hosts.has(importer.hostId) || nowMs >= createdAtMs + IMPORT_TIMEOUT_MS);
}
