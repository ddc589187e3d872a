import { queryOptions } from "@tanstack/react-query";
import { api, dataOf, idPath, pageOf, type Schemas } from "../api/client.ts";

export type Cluster = Schemas["Cluster"];

/** More than anybody has; the list shows them a few at a time. */
const CLUSTERS_MAX = 1_000;

/** All clusters. */
export const clustersQuery = queryOptions({
  queryKey: ["clusters"],
  queryFn: async ({ signal }) => {
    const query = { per_page: CLUSTERS_MAX };
    return (await pageOf(api.GET("/api/v1/clusters", { params: { query }, signal }))).rows;
  },
});

/** One cluster. */
export function clusterQuery(id: string) {
  return queryOptions({
    queryKey: ["clusters", id],
    queryFn: ({ signal }) => dataOf(api.GET("/api/v1/clusters/{id}", { ...idPath(id), signal })),
  });
}

/** Those whose name has `text` in it, whatever the case: the default first, then by age. */
export function foundClusters<C extends Pick<Cluster, "id" | "name" | "is_default">>(
  clusters: readonly C[],
  text: string,
): C[] {
  const wanted = text.trim().toLowerCase();
  return clusters
    .filter(({ name }) => name.toLowerCase().includes(wanted))
    .sort((a, b) => Number(b.is_default) - Number(a.is_default) || a.id - b.id);
}
