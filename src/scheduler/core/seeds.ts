import { sipHash24 } from "../../core/siphash.ts";
import type { AwaitedSeed, Host, State, Task } from "./state.ts";

/** How long a seed peer that could not be reached is not asked again. */
export const SEED_SKIP_MS = 30_000;
/** How long after a seed peer's failure at the source the peers of that task go there themselves. */
export const SEED_FAILURE_REMEMBERED_MS = 60_000;

/**
 * The seed peer that fetches a task, undefined when none is there. The same task comes to the same seed peer as long
 * as it lives, so that a scheduler which restarts finds its content again, and a seed peer that joins or leaves moves
 * only its own share (highest random weight). A seed peer counts from its announcement on.
 */
export function seedFor(state: State, task: Task, nowMs: number): Host | undefined {
  if (task.seedFailedAtMs !== undefined && nowMs < task.seedFailedAtMs + SEED_FAILURE_REMEMBERED_MS) return undefined;
  let best: { host: Host; weight: bigint } | undefined;
  for (const host of state.seeds) {
    if (!host.facts.isShared || host.skippedUntilMs > nowMs) continue;
    const weight = seedWeight(host.facts.id, task.facts.id);
    if (best === undefined || weight > best.weight) best = { host, weight };
  }
  return best?.host;
}

/** How much a seed peer is meant for a task; the one with the most is asked first. */
export function seedWeight(hostId: string, taskId: string): bigint {
  return sipHash24(new TextEncoder().encode(`${hostId} ${taskId}`));
}

/** Notes which seed peer a task waits for; undefined for none. */
export function setTrigger(task: Task, trigger: AwaitedSeed | undefined): void {
  task.trigger?.host.triggers.delete(task);
  task.trigger = trigger;
  trigger?.host.triggers.add(task);
}
