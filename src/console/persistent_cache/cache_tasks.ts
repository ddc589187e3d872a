import { queryOptions } from "@tanstack/react-query";
import { api, dataOf, pageOf, type Schemas } from "../api/client.ts";

export const STATES = ["Succeeded", "Uploading", "Failed"] as const;

export const ROWS_PER_PAGE = 20;

/** Which tasks to list; an empty text asks for nothing. */
export interface CacheTaskQuery {
  readonly clusterId: string;
  readonly page: number;
  readonly application: string;
  readonly tag: string;
  readonly state: string;
}

/** A page of the tasks of a cluster. */
export function cacheTasksQuery({ clusterId, page, application, tag, state }: CacheTaskQuery) {
  return queryOptions({
    queryKey: ["cache-tasks", clusterId, "list", page, application, tag, state],
    queryFn: ({ signal }) => {
      const known = STATES.find((one) => one === state);
      const filter = {
        ...(application === "" ? {} : { application }),
        ...(tag === "" ? {} : { tag }),
        ...(known === undefined ? {} : { state: known }),
      };
      const query = { scheduler_cluster_id: clusterId, page, per_page: ROWS_PER_PAGE, ...filter };
      return pageOf(api.GET("/api/v1/persistent-cache-tasks", { params: { query }, signal }));
    },
    placeholderData: (before) => before,
  });
}

/** Where one task is asked for. */
export function taskPath(clusterId: string, id: string) {
  return { params: { path: { id }, query: { scheduler_cluster_id: clusterId } } };
}

/** One task with its copies. */
export function cacheTaskQuery(clusterId: string, id: string) {
  return queryOptions({
    queryKey: ["cache-tasks", clusterId, "one", id],
    queryFn: ({ signal }) => {
      return dataOf(api.GET("/api/v1/persistent-cache-tasks/{id}", { ...taskPath(clusterId, id), signal }));
    },
  });
}

/** Tasks that have something in common. */
export interface Portion {
  readonly name: string;
  readonly count: number;
  readonly bytes: number;
}

/** The tasks by application or by tag, those with the most bytes first; what a task does not say is a dash. */
export function portionsOf(
  shares: readonly Schemas["PersistentCacheShare"][],
  key: "application" | "tag",
): Portion[] {
  const portions = new Map<string, Portion>();
  for (const share of shares) {
    const name = share[key] === "" ? "-" : share[key];
    const before = portions.get(name) ?? { name, count: 0, bytes: 0 };
    portions.set(name, { name, count: before.count + share.count, bytes: before.bytes + share.content_length });
  }
  return [...portions.values()].sort((a, b) => b.bytes - a.bytes || (a.name < b.name ? -1 : 1));
}
