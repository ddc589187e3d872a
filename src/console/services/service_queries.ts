import { useQuery } from "@tanstack/react-query";
import { api, type Paged, pageOf } from "../api/client.ts";
import type { ServiceQuery } from "./service_table.tsx";

export const ROWS_PER_PAGE = 20;

/** A page of the schedulers of a cluster. */
export function listSchedulers(clusterId: number) {
  return (query: ServiceQuery, signal: AbortSignal) => {
    return pageOf(api.GET("/api/v1/schedulers", {
      params: { query: { ...query, scheduler_cluster_id: String(clusterId) } },
      signal,
    }));
  };
}

/** A page of the seed peers of a seed peer cluster. */
export function listSeedPeers(clusterId: number) {
  return (query: ServiceQuery, signal: AbortSignal) => {
    return pageOf(api.GET("/api/v1/seed-peers", {
      params: { query: { ...query, seed_peer_cluster_id: String(clusterId) } },
      signal,
    }));
  };
}

/** How many there are, and how many of them are alive; undefined until it is known. */
export function useServiceCounts(
  name: string,
  list: (query: ServiceQuery, signal: AbortSignal) => Promise<Paged<unknown>>,
  clusterId: number,
) {
  const { data } = useQuery({
    queryKey: [name, clusterId, "counts"],
    queryFn: async ({ signal }) => {
      const [all, active] = await Promise.all([
        list({ page: 1, per_page: 1 }, signal),
        list({ page: 1, per_page: 1, state: "active" }, signal),
      ]);
      return { all: all.pages, active: active.pages, inactive: all.pages - active.pages };
    },
  });
  return data;
}
