import * as z from "zod";
import type { SeedPeerCluster } from "../store/clusters.ts";
import { SeedPeerClusterConfig } from "../store/records.ts";
import type { RestOptions } from "./context.ts";
import { existing } from "./errors.ts";
import { asked, bio, given, idInText, IdParams, line, name, present, rowFields, rowJson } from "./fields.ts";
import { roleAccess, type Route, route } from "./route.ts";

const PATH = "/api/v1/seed-peer-clusters";

const Creation = z.object({ name: name(), bio: given(bio()), config: SeedPeerClusterConfig });
const Change = z.object({ name: given(line()), bio: given(bio()), config: given(SeedPeerClusterConfig) });

/** A seed peer cluster as callers get it; what belongs to it is asked for on its own. */
export const SeedPeerClusterReply = z.object({
  ...rowFields,
  name: z.string(),
  bio: z.string(),
  config: SeedPeerClusterConfig,
  scheduler_clusters: z.null(),
  seed_peer: z.null(),
  jobs: z.null(),
}).meta({ id: "SeedPeerCluster" });

/** `seed-peer-clusters`: what concerns the seed peers of a cluster (manager-rest.md §1.2). */
export function seedPeerClusterRoutes({ store }: RestOptions): Route[] {
  const access = roleAccess(PATH);
  const one = { path: `${PATH}/:id`, access, params: IdParams };
  return [
    route({
      ...{ method: "POST", path: PATH, access, summary: "Make a seed peer cluster" },
      ...{ body: Creation, reply: SeedPeerClusterReply },
    }, async ({ body }) => {
      const input = { name: body.name, bio: body.bio ?? "", config: body.config, schedulerClusterIds: [] };
      return seedPeerClusterJson(await store.seedPeerClusters.create(input));
    }),
    route({
      ...{ method: "GET", path: PATH, access, summary: "List seed peer clusters", isList: true },
      ...{ query: z.object({ name: line().optional() }), reply: SeedPeerClusterReply },
    }, async ({ query, page }) => {
      const { rows, total } = await store.seedPeerClusters.list(asked<{ name: string }>({ name: query.name }), page);
      return { rows: rows.map(seedPeerClusterJson), total };
    }),
    route(
      { ...one, method: "GET", summary: "Show a seed peer cluster", reply: SeedPeerClusterReply },
      async ({ params: { id } }) => {
        return seedPeerClusterJson(existing(await store.seedPeerClusters.get(id), "seed peer cluster", id));
      },
    ),
    route({
      ...{ ...one, method: "PATCH", summary: "Change a seed peer cluster" },
      ...{ body: Change, reply: SeedPeerClusterReply },
    }, async ({ params, body }) => {
      const patch = present({ name: body.name || undefined, bio: body.bio, config: body.config });
      return seedPeerClusterJson(await store.seedPeerClusters.update(params.id, patch));
    }),
    route({ ...one, method: "DELETE", summary: "Remove a seed peer cluster" }, async ({ params }) => {
      await store.seedPeerClusters.remove(params.id);
    }),
    route({
      ...{ method: "PUT", path: `${PATH}/:id/seed-peers/:seed_peer_id`, access },
      ...{ summary: "Move a seed peer to a cluster" },
      params: z.object({ id: idInText(), seed_peer_id: idInText() }),
    }, async ({ params }) => {
      existing(await store.seedPeerClusters.get(params.id), "seed peer cluster", params.id);
      await store.seedPeers.update(params.seed_peer_id, { clusterId: params.id });
    }),
    route({
      ...{ method: "PUT", path: `${PATH}/:id/scheduler-clusters/:scheduler_cluster_id`, access },
      ...{ summary: "Make a seed peer cluster the one of a scheduler cluster" },
      params: z.object({ id: idInText(), scheduler_cluster_id: idInText() }),
    }, async ({ params }) => {
      existing(await store.seedPeerClusters.get(params.id), "seed peer cluster", params.id);
      await store.schedulerClusters.update(params.scheduler_cluster_id, { seedPeerClusterIds: [params.id] });
    }),
  ];
}

/** The JSON of a seed peer cluster. */
export function seedPeerClusterJson(cluster: SeedPeerCluster) {
  return {
    ...rowJson(cluster),
    name: cluster.name,
    bio: cluster.bio,
    config: cluster.config,
    scheduler_clusters: null,
    seed_peer: null,
    jobs: null,
  };
}
