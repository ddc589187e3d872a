import type { JsonObject } from "../store/records.ts";

/** Entries of each list of a result in a list of jobs. */
export const LISTED_ENTRIES_MAX = 3;

/** What became of hosts and contents, by the number beside each list. */
const LISTS = {
  success_tasks: "success_count",
  failure_tasks: "failure_count",
  contents: "content_count",
  peers: "peer_count",
} as const;

/**
 * A job's result for a list of jobs: with the first entries of its lists only, of which one result has hundreds of
 * kilobytes, and how many there are. It has the same fields.
 */
export function summaryOf(result: JsonObject): JsonObject {
  const states = result["job_states"];
  if (!Array.isArray(states)) return result;
  return { ...result, job_states: states.map((state) => withResults(state)) };
}

function withResults(state: unknown): unknown {
  if (!isRecord(state) || !Array.isArray(state["results"])) return state;
  return { ...state, results: state["results"].map((found) => isRecord(found) ? cut(found) : found) };
}

function cut(found: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const short: Record<string, unknown> = { ...found };
  for (const [list, count] of Object.entries(LISTS)) {
    const entries = found[list];
    if (!Array.isArray(entries)) continue;
    short[list] = entries.slice(0, LISTED_ENTRIES_MAX);
    // Stock managers write no numbers: they are those of the whole lists.
    short[count] ??= entries.length;
  }
  return short;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
