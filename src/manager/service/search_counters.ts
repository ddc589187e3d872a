import type { Metrics } from "../../runtime/metrics.ts";

/** Versions of peers that are counted apart. They come from callers, and each makes a series that is never dropped. */
const VERSIONS_MAX = 50;
const VERSION_CHARACTERS_MAX = 64;
const OTHER = { version: "other", commit: "other" };

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
  const seen = new Map<string, { readonly version: string; readonly commit: string }>();
  return {
    async count({ version, commit }, search) {
      const key = `${version} ${commit}`;
      const isCounted = seen.size < VERSIONS_MAX && key.length <= VERSION_CHARACTERS_MAX;
      if (isCounted && !seen.has(key)) seen.set(key, { version, commit });
      const labels = seen.get(key) ?? OTHER;
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
