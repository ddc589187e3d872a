import * as z from "zod";
import { hostTypeName } from "../../core/host_type.ts";
import type { Host, PersistentCachePeer, PersistentCacheTask } from "../../rpc/gen/common/v2/common.ts";
import type { Duration } from "../../rpc/gen/google/protobuf/duration.ts";
import type { Timestamp } from "../../rpc/gen/google/protobuf/timestamp.ts";
import { msOfDuration, msOfTimestamp } from "../../rpc/time.ts";
import { nanosecondsOfMilliseconds } from "../store/liveness.ts";
import type { RestOptions } from "./context.ts";
import { idInText, line, name, timeJson } from "./fields.ts";
import { roleAccess, type Route, route } from "./route.ts";

const PATH = "/api/v1/persistent-cache-tasks";
const STATES = ["Uploading", "Succeeded", "Failed"] as const;

const ClusterQuery = z.object({ scheduler_cluster_id: idInText() });
const ListQuery = z.object({
  scheduler_cluster_id: idInText(),
  application: line().optional(),
  tag: line().optional(),
  state: z.enum(STATES).optional(),
});
const TaskParams = z.object({ id: name() });

const HostReply = z.object({
  ...{ id: z.string(), type: z.string(), hostname: z.string(), ip: z.string(), port: z.int(), download_port: z.int() },
  ...{ os: z.string(), platform: z.string(), platform_family: z.string(), platform_version: z.string() },
  ...{ kernel_version: z.string(), idc: z.string(), location: z.string() },
});
const Peer = z.object({
  id: z.string(),
  persistent: z.boolean(),
  state: z.string(),
  cost: z.int().meta({ description: "Nanoseconds." }),
  created_at: z.string(),
  updated_at: z.string(),
  host: HostReply.nullable(),
}).meta({ id: "PersistentCachePeer" });
const task = {
  id: z.string(),
  persistent_replica_count: z.int(),
  current_persistent_replica_count: z.int(),
  current_replica_count: z.int(),
  tag: z.string(),
  application: z.string(),
  piece_length: z.int(),
  content_length: z.int(),
  total_piece_count: z.int(),
  state: z.string(),
  ttl: z.int().meta({ description: "Nanoseconds." }),
  created_at: z.string(),
  updated_at: z.string(),
};
const Task = z.object({ ...task, peers: z.null() }).meta({ id: "PersistentCacheTask" });
const TaskWithPeers = z.object({ ...task, peers: z.array(Peer) }).meta({ id: "PersistentCacheTaskWithPeers" });
const Share = z.object({ application: z.string(), tag: z.string(), count: z.int(), content_length: z.int() })
  .meta({ id: "PersistentCacheShare" });

/** `persistent-cache-tasks` (manager-rest.md §1.2): schedulers are asked, who know them alone. */
export function persistentCacheTaskRoutes({ cacheTasks }: Pick<RestOptions, "cacheTasks">): Route[] {
  const access = roleAccess(PATH);
  const one = { path: `${PATH}/:id`, access, params: TaskParams, query: ClusterQuery };
  return [
    route({
      ...{ method: "GET", path: PATH, access, summary: "List persistent cache tasks", isList: true },
      ...{ query: ListQuery, reply: Task },
    }, async ({ query: { scheduler_cluster_id: clusterId, application, tag, state }, page, signal }) => {
      const filter = { ...application && { application }, ...tag && { tag }, ...state && { state } };
      const { rows, total } = await cacheTasks.list(clusterId, filter, page, signal);
      return { rows: rows.map((row) => ({ ...taskJson(row), peers: null })), total };
    }),
    route({
      ...{ method: "GET", path: `${PATH}/shares`, access, query: ClusterQuery, reply: z.array(Share) },
      summary: "Count persistent cache tasks by application and tag",
    }, async ({ query: { scheduler_cluster_id: clusterId }, signal }) => {
      const shares = await cacheTasks.shares(clusterId, signal);
      return shares.map(({ contentLength, ...share }) => ({ ...share, content_length: contentLength }));
    }),
    route(
      { ...one, method: "GET", summary: "Show a persistent cache task with its copies", reply: TaskWithPeers },
      async ({ params: { id }, query: { scheduler_cluster_id: clusterId }, signal }) => {
        const { task, peers } = await cacheTasks.get(clusterId, id, signal);
        return { ...taskJson(task), peers: peers.map(peerJson) };
      },
    ),
    route(
      { ...one, method: "DELETE", summary: "Remove a persistent cache task, and its copies" },
      ({ params: { id }, query: { scheduler_cluster_id: clusterId }, signal }) => {
        return cacheTasks.remove(clusterId, id, signal);
      },
    ),
  ];
}

function taskJson(task: PersistentCacheTask) {
  return {
    id: task.id,
    persistent_replica_count: task.persistentReplicaCount,
    current_persistent_replica_count: task.currentPersistentReplicaCount,
    current_replica_count: task.currentReplicaCount,
    tag: task.tag ?? "",
    application: task.application ?? "",
    piece_length: task.pieceLength,
    content_length: task.contentLength,
    total_piece_count: task.pieceCount,
    state: task.state,
    ttl: durationJson(task.ttl),
    created_at: timestampJson(task.createdAt),
    updated_at: timestampJson(task.updatedAt),
  };
}

function peerJson({ id, persistent, state, cost, createdAt, updatedAt, host }: PersistentCachePeer) {
  return {
    ...{ id, persistent, state, cost: durationJson(cost), host: host === undefined ? null : hostJson(host) },
    ...{ created_at: timestampJson(createdAt), updated_at: timestampJson(updatedAt) },
  };
}

function hostJson(host: Host): z.infer<typeof HostReply> {
  const { id, type, hostname, ip, port, downloadPort, os, platform, network } = host;
  return {
    ...{ id, type: hostTypeName(type), hostname, ip, port, download_port: downloadPort, os, platform },
    ...{ platform_family: host.platformFamily, platform_version: host.platformVersion },
    ...{ kernel_version: host.kernelVersion, idc: network?.idc ?? "", location: network?.location ?? "" },
  };
}

function durationJson(duration: Duration | undefined): number {
  return duration === undefined ? 0 : nanosecondsOfMilliseconds(msOfDuration(duration));
}

function timestampJson(timestamp: Timestamp | undefined): string {
  return timeJson(timestamp === undefined ? 0 : msOfTimestamp(timestamp));
}
