import * as z from "zod";
import type { Cluster } from "../store/clusters.ts";
import { PeerClusterConfig, SchedulerClusterConfig, Scopes, SeedPeerClusterConfig } from "../store/records.ts";
import type { RestOptions } from "./context.ts";
import { existing } from "./errors.ts";
import { asked, bio, given, IdParams, line, name, present, timeJson } from "./fields.ts";
import { type Access, type Route, route } from "./route.ts";

/** `POST /clusters`. */
const ClusterCreation = z.object({
  name: name(),
  bio: given(bio()),
  scopes: given(Scopes),
  scheduler_cluster_config: SchedulerClusterConfig,
  seed_peer_cluster_config: SeedPeerClusterConfig,
  peer_cluster_config: PeerClusterConfig,
  is_default: given(z.boolean()),
});

/** `PATCH /clusters/:id`: what is left out, or an empty name, stays as it was. */
const ClusterChange = z.object({
  name: given(line()),
  bio: given(bio()),
  scopes: given(Scopes),
  scheduler_cluster_config: given(SchedulerClusterConfig),
  seed_peer_cluster_config: given(SeedPeerClusterConfig),
  peer_cluster_config: given(PeerClusterConfig),
  is_default: given(z.boolean()),
});

const ClusterReply = z.object({
  id: z.int(),
  name: z.string(),
  bio: z.string(),
  scopes: Scopes,
  scheduler_cluster_id: z.int(),
  seed_peer_cluster_id: z.int(),
  scheduler_cluster_config: SchedulerClusterConfig,
  seed_peer_cluster_config: SeedPeerClusterConfig,
  peer_cluster_config: PeerClusterConfig,
  created_at: z.string(),
  updated_at: z.string(),
  is_default: z.boolean(),
}).meta({ id: "Cluster" });

/** `clusters`: one resource for a scheduler cluster and its seed peer cluster (manager-rest.md §1.2), below `prefix`. */
export function clusterRoutes({ store }: RestOptions, prefix: string, access: Access): Route[] {
  const path = `${prefix}/clusters`;
  const one = { path: `${path}/:id`, access, params: IdParams };
  return [
    route({
      ...{ method: "POST", path, access, summary: "Make a cluster" },
      ...{ body: ClusterCreation, reply: ClusterReply },
    }, async ({ body }) => {
      const cluster = await store.clusters.create({
        name: body.name,
        bio: body.bio ?? "",
        isDefault: body.is_default ?? false,
        scopes: body.scopes ?? {},
        schedulerClusterConfig: body.scheduler_cluster_config,
        seedPeerClusterConfig: body.seed_peer_cluster_config,
        peerClusterConfig: body.peer_cluster_config,
      });
      return clusterJson(cluster);
    }),
    route({
      ...{ method: "GET", path, access, summary: "List clusters", isList: true },
      ...{ query: z.object({ name: line().optional() }), reply: ClusterReply },
    }, async ({ query, page }) => {
      const { rows, total } = await store.clusters.list(asked<{ name: string }>({ name: query.name }), page);
      return { rows: rows.map(clusterJson), total };
    }),
    route({ ...one, method: "GET", summary: "Show a cluster", reply: ClusterReply }, async ({ params: { id } }) => {
      return clusterJson(existing(await store.clusters.get(id), "cluster", id));
    }),
    route({
      ...{ ...one, method: "PATCH", summary: "Change a cluster" },
      ...{ body: ClusterChange, reply: ClusterReply },
    }, async ({ params, body }) => {
      const cluster = await store.clusters.update(
        params.id,
        present({
          name: body.name || undefined,
          bio: body.bio,
          isDefault: body.is_default,
          scopes: body.scopes,
          schedulerClusterConfig: body.scheduler_cluster_config,
          seedPeerClusterConfig: body.seed_peer_cluster_config,
          peerClusterConfig: body.peer_cluster_config,
        }),
      );
      return clusterJson(cluster);
    }),
    route({ ...one, method: "DELETE", summary: "Remove a cluster" }, ({ params }) => store.clusters.remove(params.id)),
  ];
}

/** What Go writes for a table without some of its keys: they are there, with their zero. */
function wholeConfig({ load_limit = 0, block_list }: PeerClusterConfig) {
  const none = { task: null, persistent_task: null, persistent_cache_task: null };
  return { load_limit, block_list: { ...none, ...block_list } };
}

function clusterJson(cluster: Cluster) {
  return {
    id: cluster.id,
    name: cluster.name,
    bio: cluster.bio,
    scopes: { idc: "", location: "", cidrs: null, hostnames: null, ...cluster.scopes },
    scheduler_cluster_id: cluster.id,
    seed_peer_cluster_id: cluster.seedPeerClusterId,
    scheduler_cluster_config: {
      ...{ candidate_parent_limit: 0, filter_parent_limit: 0, job_rate_limit: 0 },
      ...cluster.schedulerClusterConfig,
    },
    seed_peer_cluster_config: wholeConfig(cluster.seedPeerClusterConfig),
    peer_cluster_config: wholeConfig(cluster.peerClusterConfig),
    created_at: timeJson(cluster.createdAtMs),
    updated_at: timeJson(cluster.updatedAtMs),
    is_default: cluster.isDefault,
  };
}
