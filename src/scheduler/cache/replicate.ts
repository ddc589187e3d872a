import type { Chance } from "../../core/random_set.ts";
import type { Host, Peer } from "../core/state.ts";
import { type CacheState, type CacheTask, copiesOf, replicaCounts } from "./state.ts";

/** After a start, peers are given so long to tell what they have before anything is copied anew. */
export const REPLICATION_GRACE_MS = 10_000;
/** A host that is gone may come back with its replica: most are restarted. */
export const LOST_GRACE_MS = 60_000;
/** A host that could not be made a replica is left alone for so long. */
const SKIP_MS = 60_000;
const SKIPPED_MAX = 256;

/** What makes a host a replica: it keeps the copy that it has, or gets one. */
export type Replication =
  | { readonly kind: "persist"; readonly task: CacheTask; readonly host: Host; readonly copy: Peer }
  | { readonly kind: "download"; readonly task: CacheTask; readonly host: Host };

/**
 * What has to be done so that a task has all its replicas, at most `roomFor` of it: hosts with a copy first, for they
 * need no bytes, then others by chance. Nothing while no complete copy is there to be copied. Replicas that are lost
 * are missed after a while only.
 */
export function planReplication(
  state: CacheState,
  task: CacheTask,
  { nowMs, chance, roomFor }: { readonly nowMs: number; readonly chance: Chance; readonly roomFor: number },
): Replication[] {
  if (task.state !== "Succeeded" || nowMs < state.startedAtMs + REPLICATION_GRACE_MS) return [];
  const missing = Math.min(roomFor, task.facts.replicaCount - replicasHeld(state, task, nowMs) - task.replicating.size);
  if (missing <= 0) return [];
  const holders = new Map<Host, Peer>();
  for (const copy of copiesOf(state, task)) {
    if (copy.isPersistent || !holders.has(copy.host)) holders.set(copy.host, copy);
  }
  if (!holders.keys().some((host) => host.facts.isShared)) return [];
  const isFree = ({ facts: { id } }: Host) => !task.replicating.has(id) && (task.skippedUntilMs.get(id) ?? 0) <= nowMs;
  const kept = [...holders].filter(([host, copy]) => !copy.isPersistent && host.facts.isShared && isFree(host))
    .map(([host, copy]): Replication => ({ kind: "persist", task, host, copy }));
  if (kept.length >= missing) return kept.slice(0, missing);
  const others = [...state.swarm.hosts.values()].filter((host) => {
    return host.facts.isShared && !holders.has(host) && isFree(host);
  });
  return [
    ...kept,
    ...sample(others, missing - kept.length, chance).map((host): Replication => ({ kind: "download", task, host })),
  ];
}

/** The replicas that there are, and those that were there a moment ago. */
function replicasHeld(state: CacheState, task: CacheTask, nowMs: number): number {
  const { persistent } = replicaCounts(state, task);
  if (persistent >= task.replicasSeen) {
    task.replicasSeen = persistent;
    task.lostSinceMs = undefined;
    return persistent;
  }
  task.lostSinceMs ??= nowMs;
  if (nowMs >= task.lostSinceMs + LOST_GRACE_MS) replicasGivenUp(state, task);
  return task.replicasSeen;
}

/** The replicas that are lost will not come back. */
export function replicasGivenUp(state: CacheState, task: CacheTask): void {
  task.replicasSeen = replicaCounts(state, task).persistent;
  task.lostSinceMs = undefined;
}

/** Notes that a host is being made a replica. */
export function replicationStarted({ task, host }: Replication): void {
  task.replicating.add(host.facts.id);
}

/** Notes that this has ended; a host that is none all the same is left alone for a while. */
export function replicationEnded(state: CacheState, { task, host }: Replication, nowMs: number): void {
  const { id } = host.facts;
  task.replicating.delete(id);
  task.updatedAtMs = nowMs;
  task.skippedUntilMs.delete(id);
  const isReplica = copiesOf(state, task).some((copy) => copy.host.facts.id === id && copy.isPersistent);
  if (isReplica) return;
  const [oldest] = task.skippedUntilMs.keys();
  if (task.skippedUntilMs.size >= SKIPPED_MAX && oldest !== undefined) task.skippedUntilMs.delete(oldest);
  task.skippedUntilMs.set(id, nowMs + SKIP_MS);
}

function sample<T>(items: T[], count: number, chance: Chance): T[] {
  const taken: T[] = [];
  for (let left = items.length; left > 0 && taken.length < count; left--) {
    const index = chance.below(left);
    taken.push(items[index] as T);
    items[index] = items[left - 1] as T;
  }
  return taken;
}
