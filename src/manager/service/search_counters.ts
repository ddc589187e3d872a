import { BoundedLabels } from "../../runtime/bounded_labels.ts";
import type { Metrics } from "../../runtime/metrics.ts";

/** Counts searches for schedulers. */
export interface SearchCounters {
  /** Runs a search and counts it under the caller's version, and its failure too. */
  count<T>(caller: { readonly version: string; readonly commit: string }, search: () => Promise<T>): Promise<T>;
}

/** The counters of manager-rest.md §8.1. */
export function searchCounters(metrics: Metrics): SearchCounters {
  const labelNames = ["version", "commit"];
  const total = metrics.counter(
    "dragonfly_manager_search_scheduler_cluster_total",
    "Searches of peers for their schedulers.",
    labelNames,
  );
  const failures = metrics.counter(
    "dragonfly_manager_search_scheduler_cluster_failure_total",
    "Searches of peers for their schedulers that failed.",
    labelNames,
  );
  const callers = new BoundedLabels();
  return {
    async count({ version, commit }, search) {
      const labels = callers.of({ version, commit });
      total.inc(labels);
      try {
        return await search();
      } catch (error) {
        failures.inc(labels);
        throw error;
      }
    },
  };
}
