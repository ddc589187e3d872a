import * as z from "zod";
import type { SchedulerCluster } from "../store/clusters.ts";
import { BlockListConfig, PeerClusterConfig, SchedulerClusterConfig, Scopes } from "../store/records.ts";
import type { RestOptions } from "./context.ts";
import { existing } from "./errors.ts";
import { asked, bio, given, idInText, idOrNone, IdParams, line, name, present, rowFields, rowJson } from "./fields.ts";
import { roleAccess, type Route, route } from "./route.ts";
import { seedPeerClusterJson, SeedPeerClusterReply } from "./seed_peer_clusters.ts";

const PATH = "/api/v1/scheduler-clusters";

const Creation = z.object({
  name: name(),
  bio: given(bio()),
  config: SchedulerClusterConfig,
  client_config: PeerClusterConfig,
  seed_client_config: BlockListConfig.prefault({}),
  scopes: given(Scopes),
  is_default: given(z.boolean()),
  seed_peer_cluster_id: given(idOrNone()),
});

const Change = z.object({
  name: given(line()),
  bio: given(bio()),
  config: given(SchedulerClusterConfig),
  client_config: given(PeerClusterConfig),
  seed_client_config: given(BlockListConfig),
  scopes: given(Scopes),
  is_default: given(z.boolean()),
  seed_peer_cluster_id: given(idOrNone()),
});

/** A scheduler cluster as callers get it. */
export const SchedulerClusterReply = z.object({
  ...rowFields,
  name: z.string(),
  bio: z.string(),
  config: SchedulerClusterConfig,
  client_config: PeerClusterConfig,
  seed_client_config: BlockListConfig,
  scopes: Scopes,
  is_default: z.boolean(),
  seed_peer_clusters: z.array(SeedPeerClusterReply).nullable(),
  schedulers: z.null(),
  peers: z.null(),
  jobs: z.null(),
}).meta({ id: "SchedulerCluster" });

/** `scheduler-clusters`: what concerns the schedulers and peers of a cluster (manager-rest.md §1.2). */
export function schedulerClusterRoutes({ store }: RestOptions): Route[] {
  const access = roleAccess(PATH);
  const one = { path: `${PATH}/:id`, access, params: IdParams };
  const withSeedPeers = async (cluster: SchedulerCluster) => {
    const linked = await Promise.all(cluster.seedPeerClusterIds.map((id) => store.seedPeerClusters.get(id)));
    return schedulerClusterJson(cluster, linked.filter((row) => row !== undefined).map(seedPeerClusterJson));
  };
  return [
    route({
      ...{ method: "POST", path: PATH, access, summary: "Make a scheduler cluster" },
      ...{ body: Creation, reply: SchedulerClusterReply },
    }, async ({ body }) => {
      const cluster = await store.schedulerClusters.create({
        name: body.name,
        bio: body.bio ?? "",
        config: body.config,
        clientConfig: body.client_config,
        seedClientConfig: body.seed_client_config,
        scopes: body.scopes ?? {},
        isDefault: body.is_default ?? false,
        seedPeerClusterIds: body.seed_peer_cluster_id ? [body.seed_peer_cluster_id] : [],
      });
      return await withSeedPeers(cluster);
    }),
    route({
      ...{ method: "GET", path: PATH, access, summary: "List scheduler clusters", isList: true },
      ...{ query: z.object({ name: line().optional() }), reply: SchedulerClusterReply },
    }, async ({ query, page }) => {
      const { rows, total } = await store.schedulerClusters.list(asked<{ name: string }>({ name: query.name }), page);
      return { rows: await Promise.all(rows.map(withSeedPeers)), total };
    }),
    route(
      { ...one, method: "GET", summary: "Show a scheduler cluster", reply: SchedulerClusterReply },
      async ({ params: { id } }) => {
        return await withSeedPeers(existing(await store.schedulerClusters.get(id), "scheduler cluster", id));
      },
    ),
    route({
      ...{ ...one, method: "PATCH", summary: "Change a scheduler cluster" },
      ...{ body: Change, reply: SchedulerClusterReply },
    }, async ({ params, body }) => {
      const cluster = await store.schedulerClusters.update(
        params.id,
        present({
          name: body.name || undefined,
          bio: body.bio,
          config: body.config,
          clientConfig: body.client_config,
          seedClientConfig: body.seed_client_config,
          scopes: body.scopes,
          isDefault: body.is_default,
          seedPeerClusterIds: body.seed_peer_cluster_id ? [body.seed_peer_cluster_id] : undefined,
        }),
      );
      return await withSeedPeers(cluster);
    }),
    route({ ...one, method: "DELETE", summary: "Remove a scheduler cluster" }, async ({ params }) => {
      await store.schedulerClusters.remove(params.id);
    }),
    route({
      ...{ method: "PUT", path: `${PATH}/:id/schedulers/:scheduler_id`, access },
      ...{ summary: "Move a scheduler to a cluster" },
      params: z.object({ id: idInText(), scheduler_id: idInText() }),
    }, async ({ params }) => {
      existing(await store.schedulerClusters.get(params.id), "scheduler cluster", params.id);
      await store.schedulers.update(params.scheduler_id, { clusterId: params.id });
    }),
  ];
}

/** The JSON of a scheduler cluster; without its seed peer clusters where it is only mentioned. */
export function schedulerClusterJson(
  cluster: SchedulerCluster,
  seedPeerClusters: z.infer<typeof SeedPeerClusterReply>[] | null,
) {
  return {
    ...rowJson(cluster),
    name: cluster.name,
    bio: cluster.bio,
    config: cluster.config,
    client_config: cluster.clientConfig,
    seed_client_config: cluster.seedClientConfig,
    scopes: cluster.scopes,
    is_default: cluster.isDefault,
    seed_peer_clusters: seedPeerClusters,
    schedulers: null,
    peers: null,
    jobs: null,
  };
}
