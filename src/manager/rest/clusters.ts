import { Hono } from "hono";
import * as z from "zod";
import { DamselflyError } from "../../core/error.ts";
import { PeerClusterConfig, SchedulerClusterConfig, Scopes, SeedPeerClusterConfig } from "../store/records.ts";
import type { Cluster, ClusterInput } from "../store/clusters.ts";
import { parseInput, readBody } from "./body.ts";
import type { RestEnv, RestOptions } from "./context.ts";
import { linkHeader, parsePage } from "./pages.ts";

const NAME_CHARACTERS_MAX = 256;
const BIO_CHARACTERS_MAX = 1_024;

// deno-lint-ignore no-control-regex -- SQLite ends a text at a zero character, so that two names would look like one
const name = z.string().max(NAME_CHARACTERS_MAX).regex(/^[^\x00-\x1f\x7f]*$/, "expected no control characters");
const bio = z.string().max(BIO_CHARACTERS_MAX);

/** `POST /clusters`; Go clients send `null` for what they leave out (manager-rest.md §0). */
const ClusterCreation = z.object({
  name: name.min(1),
  bio: bio.nullish(),
  scopes: Scopes.nullish(),
  scheduler_cluster_config: SchedulerClusterConfig,
  seed_peer_cluster_config: SeedPeerClusterConfig,
  peer_cluster_config: PeerClusterConfig,
  is_default: z.boolean().nullish(),
});

/** `PATCH /clusters/:id`: what is left out, or an empty name, stays as it was. */
const ClusterChange = z.object({
  name: name.nullish(),
  bio: bio.nullish(),
  scopes: Scopes.nullish(),
  scheduler_cluster_config: SchedulerClusterConfig.nullish(),
  seed_peer_cluster_config: SeedPeerClusterConfig.nullish(),
  peer_cluster_config: PeerClusterConfig.nullish(),
  is_default: z.boolean().nullish(),
});

const ClusterId = z.object({
  id: z.string().regex(/^\d{1,15}$/, "expected a whole number").transform(Number).pipe(z.int().min(1)),
});

const ClusterFilter = z.object({ name: name.optional() });

/** `/clusters`: one resource for a scheduler cluster and its seed peer cluster (manager-rest.md §1.2). */
export function clusterRoutes({ store, clock }: RestOptions): Hono<RestEnv> {
  const app = new Hono<RestEnv>();

  app.post("/", async function createCluster(c) {
    const input = await readBody(c.req.raw, ClusterCreation, clock);
    const cluster = await store.clusters.create({
      name: input.name,
      bio: input.bio ?? "",
      isDefault: input.is_default ?? false,
      scopes: input.scopes ?? {},
      schedulerClusterConfig: input.scheduler_cluster_config,
      seedPeerClusterConfig: input.seed_peer_cluster_config,
      peerClusterConfig: input.peer_cluster_config,
    });
    return c.json(clusterJson(cluster));
  });

  app.get("/", async function listClusters(c) {
    const page = parsePage(c.req.query());
    const { name = "" } = parseInput(ClusterFilter, c.req.query());
    const { rows, total } = await store.clusters.list(name === "" ? {} : { name }, {
      offset: (page.page - 1) * page.perPage,
      limit: page.perPage,
    });
    c.header("link", linkHeader(c.req.url, page, total));
    return c.json(rows.map(clusterJson));
  });

  app.get("/:id", async function getCluster(c) {
    const { id } = parseInput(ClusterId, c.req.param());
    const cluster = await store.clusters.get(id);
    if (cluster === undefined) throw new DamselflyError("not_found", `Cannot get cluster ${id}: it does not exist`);
    return c.json(clusterJson(cluster));
  });

  app.patch("/:id", async function changeCluster(c) {
    const { id } = parseInput(ClusterId, c.req.param());
    const input = await readBody(c.req.raw, ClusterChange, clock);
    const cluster = await store.clusters.update(
      id,
      given<ClusterInput>({
        name: input.name || undefined,
        bio: input.bio,
        isDefault: input.is_default,
        scopes: input.scopes,
        schedulerClusterConfig: input.scheduler_cluster_config,
        seedPeerClusterConfig: input.seed_peer_cluster_config,
        peerClusterConfig: input.peer_cluster_config,
      }),
    );
    return c.json(clusterJson(cluster));
  });

  app.delete("/:id", async function deleteCluster(c) {
    const { id } = parseInput(ClusterId, c.req.param());
    await store.clusters.remove(id);
    return c.body(null, 200);
  });
  return app;
}

/** The keys that have a value. */
function given<T extends object>(values: { readonly [K in keyof T]: T[K] | null | undefined }): Partial<T> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== null && value !== undefined)) as
    & object
    & Partial<T>;
}

function clusterJson(cluster: Cluster) {
  return {
    id: cluster.id,
    name: cluster.name,
    bio: cluster.bio,
    scopes: cluster.scopes,
    scheduler_cluster_id: cluster.id,
    seed_peer_cluster_id: cluster.seedPeerClusterId,
    scheduler_cluster_config: cluster.schedulerClusterConfig,
    seed_peer_cluster_config: cluster.seedPeerClusterConfig,
    peer_cluster_config: cluster.peerClusterConfig,
    created_at: new Date(cluster.createdAtMs).toISOString(),
    updated_at: new Date(cluster.updatedAtMs).toISOString(),
    is_default: cluster.isDefault,
  };
}
