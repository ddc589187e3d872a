import * as z from "zod";
import type { PeerFilter, PeerInput, PeerRecord } from "../store/peers.ts";
import type { RestOptions } from "./context.ts";
import { existing } from "./errors.ts";
import {
  asked,
  given,
  id,
  idInText,
  IdParams,
  line,
  name,
  numberInText,
  port,
  portOrNone,
  rowFields,
  rowJson,
} from "./fields.ts";
import { roleAccess, type Route, route } from "./route.ts";
import { schedulerClusterJson, SchedulerClusterReply } from "./scheduler_clusters.ts";

const PATH = "/api/v1/peers";
const PLACE_CHARACTERS_MAX = 1_024;
/** Releases and states that are told of; whoever adds peers by hand may invent more. */
const VERSIONS_MAX = 1_000;

const state = z.enum(["active", "inactive"]);

/** What a peer says of its machine, by the key in JSON. */
const MACHINE = {
  os: "os",
  platform: "platform",
  platform_family: "platformFamily",
  platform_version: "platformVersion",
  kernel_version: "kernelVersion",
  git_version: "gitVersion",
  git_commit: "gitCommit",
  build_platform: "buildPlatform",
} as const satisfies Readonly<Record<string, keyof PeerInput>>;

/** One schema for each key of {@link MACHINE}. */
function machine<T extends z.ZodType>(schema: () => T): { [K in keyof typeof MACHINE]: T } {
  return Object.fromEntries(Object.keys(MACHINE).map((key) => [key, schema()])) as { [K in keyof typeof MACHINE]: T };
}

const Creation = z.object({
  host_name: name(),
  type: z.enum(["super", "normal"]),
  ip: z.union([z.ipv4(), z.ipv6()]),
  port: port(),
  download_port: port(),
  proxy_port: port(),
  object_storage_port: given(portOrNone()),
  scheduler_cluster_id: id(),
  idc: given(line(PLACE_CHARACTERS_MAX)),
  location: given(line(PLACE_CHARACTERS_MAX)),
  state: given(state),
  ...machine(() => given(line())),
});

const Query = z.object({
  host_name: line().optional(),
  type: line().optional(),
  ip: line().optional(),
  port: numberInText().optional(),
  download_port: numberInText().optional(),
  proxy_port: numberInText().optional(),
  object_storage_port: numberInText().optional(),
  scheduler_cluster_id: numberInText().optional(),
  idc: line(PLACE_CHARACTERS_MAX).optional(),
  location: line(PLACE_CHARACTERS_MAX).optional(),
  state: state.optional(),
  ...machine(() => line().optional()),
});

const Reply = z.object({
  ...rowFields,
  host_name: z.string(),
  type: z.string(),
  idc: z.string(),
  location: z.string(),
  ip: z.string(),
  port: z.int(),
  download_port: z.int(),
  proxy_port: z.int(),
  object_storage_port: z.int(),
  state,
  ...machine(() => z.string()),
  scheduler_cluster_id: z.int(),
  scheduler_cluster: SchedulerClusterReply.nullable(),
}).meta({ id: "Peer" });

const PeerVersion = z.object({ git_version: z.string(), git_commit: z.string(), state, count: z.int() })
  .meta({ id: "PeerVersion" });

/** `peers`: hosts as their schedulers reported them last (manager-rest.md §1.2). */
export function peerRoutes({ store }: RestOptions): Route[] {
  const access = roleAccess(PATH);
  const one = { path: `${PATH}/:id`, access, params: IdParams };
  const clusterJson = async (id: number): Promise<ClusterJson> => {
    const cluster = await store.schedulerClusters.get(id);
    return cluster === undefined ? null : schedulerClusterJson(cluster, null);
  };
  const withClusters = async (rows: readonly PeerRecord[]) => {
    const ids = [...new Set(rows.map(({ clusterId }) => clusterId))];
    const clusters = new Map(await Promise.all(ids.map(async (id) => [id, await clusterJson(id)] as const)));
    return rows.map((row) => peerJson(row, clusters.get(row.clusterId) ?? null));
  };
  return [
    route({
      ...{ method: "POST", path: PATH, access, summary: "Add a peer" },
      ...{ body: Creation, reply: Reply },
    }, async ({ body }) => {
      const peer = await store.peers.create({
        hostname: body.host_name,
        type: body.type,
        ip: body.ip,
        port: body.port,
        downloadPort: body.download_port,
        proxyPort: body.proxy_port,
        objectStoragePort: body.object_storage_port ?? 0,
        clusterId: body.scheduler_cluster_id,
        idc: body.idc ?? "",
        location: body.location ?? "",
        state: body.state ?? "inactive",
        ...machineOf((key) => body[key] ?? ""),
      });
      return peerJson(peer, null);
    }),
    route({
      ...{ method: "GET", path: PATH, access, summary: "List peers", isList: true },
      ...{ query: Query, reply: Reply },
    }, async ({ query, page }) => {
      const filter = asked<PeerFilter>({
        hostname: query.host_name,
        type: query.type,
        ip: query.ip,
        port: query.port,
        downloadPort: query.download_port,
        proxyPort: query.proxy_port,
        objectStoragePort: query.object_storage_port,
        clusterId: query.scheduler_cluster_id,
        idc: query.idc,
        location: query.location,
        state: query.state,
        ...machineOf((key) => query[key]),
      });
      const { rows, total } = await store.peers.list(filter, page);
      return { rows: await withClusters(rows), total };
    }),
    route({
      ...{ method: "GET", path: `${PATH}/versions`, access, summary: "Count the releases that peers of a cluster run" },
      ...{ query: z.object({ scheduler_cluster_id: idInText() }), reply: z.array(PeerVersion) },
    }, async ({ query }) => {
      const counts = await store.peers.versions(query.scheduler_cluster_id, VERSIONS_MAX);
      return counts.map(({ gitVersion, gitCommit, state, count }) => {
        return { git_version: gitVersion, git_commit: gitCommit, state, count };
      });
    }),
    route({ ...one, method: "GET", summary: "Show a peer", reply: Reply }, async ({ params: { id } }) => {
      const row = existing(await store.peers.get(id), "peer", id);
      return peerJson(row, await clusterJson(row.clusterId));
    }),
    route({ ...one, method: "DELETE", summary: "Remove a peer" }, ({ params }) => store.peers.remove(params.id)),
  ];
}

/** The keys of {@link MACHINE} as the store has them. */
function machineOf<T>(valueOf: (key: keyof typeof MACHINE) => T): { [K in (typeof MACHINE)[keyof typeof MACHINE]]: T } {
  const entries = Object.entries(MACHINE).map(([key, field]) => [field, valueOf(key as keyof typeof MACHINE)]);
  return Object.fromEntries(entries) as { [K in (typeof MACHINE)[keyof typeof MACHINE]]: T };
}

/** Written once for all peers of a page. */
type ClusterJson = ReturnType<typeof schedulerClusterJson> | null;

function peerJson(peer: PeerRecord, cluster: ClusterJson) {
  return {
    ...rowJson(peer),
    host_name: peer.hostname,
    type: peer.type,
    idc: peer.idc,
    location: peer.location,
    ip: peer.ip,
    port: peer.port,
    download_port: peer.downloadPort,
    proxy_port: peer.proxyPort,
    object_storage_port: peer.objectStoragePort,
    state: peer.state,
    os: peer.os,
    platform: peer.platform,
    platform_family: peer.platformFamily,
    platform_version: peer.platformVersion,
    kernel_version: peer.kernelVersion,
    git_version: peer.gitVersion,
    git_commit: peer.gitCommit,
    build_platform: peer.buildPlatform,
    scheduler_cluster_id: peer.clusterId,
    scheduler_cluster: cluster,
  };
}
