import type { Counter, Metrics } from "../../runtime/metrics.ts";

const PREFIX = "dragonfly_client_";

/** Calls by the name of their counter, with that of their failures where Dragonfly calls it otherwise. */
const CALLS = {
  update_task: undefined,
  stat_task: undefined,
  stat_local_task: undefined,
  list_local_tasks: "list_tasks",
  list_task_entries: undefined,
  delete_task: undefined,
  delete_local_task: undefined,
} as const;

type CallName = keyof typeof CALLS;

/** Families of tasks, as Dragonfly labels them (wire.md §1.1, `TaskType`). */
export type TaskFamily = "STANDARD" | "PERSISTENT_CACHE";

/** Counts the calls of other hosts and of programs of this one, under Dragonfly's names (node-side.md §3.13). */
export class CallMetrics {
  readonly #calls = new Map<CallName, { readonly total: Counter; readonly failures: Counter }>();
  readonly #hostDeletions: Counter;
  readonly #failedHostDeletions: Counter;

  constructor(metrics: Metrics) {
    for (const [name, failed] of Object.entries(CALLS)) {
      const failuresOf = `${PREFIX}${failed ?? name}_failure_total`;
      this.#calls.set(name as CallName, {
        total: metrics.counter(`${PREFIX}${name}_total`, `Calls of ${name}.`, ["type"]),
        failures: metrics.counter(failuresOf, `Calls of ${name} that failed.`, ["type"]),
      });
    }
    this.#hostDeletions = metrics.counter(`${PREFIX}delete_host_total`, "Calls to take this host out of the swarm.");
    this.#failedHostDeletions = metrics.counter(`${PREFIX}delete_host_failure_total`, "Those of them that failed.");
  }

  /** Counts a call about tasks, and its failure if it throws. */
  async count<T>(name: CallName, type: TaskFamily, run: () => Promise<T> | T): Promise<T> {
    const counters = this.#calls.get(name);
    counters?.total.inc({ type });
    try {
      return await run();
    } catch (error) {
      counters?.failures.inc({ type });
      throw error;
    }
  }

  /** {@link count} for the one call that is about the host. */
  async countHostDeletion(run: () => Promise<void>): Promise<void> {
    this.#hostDeletions.inc();
    try {
      await run();
    } catch (error) {
      this.#failedHostDeletions.inc();
      throw error;
    }
  }
}
