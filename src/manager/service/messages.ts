/** Records of the store as messages of manager.v2. */
import { Buffer } from "node:buffer";
import type {
  Application as ApplicationMessage,
  Scheduler,
  SchedulerCluster,
  SeedPeer,
  SeedPeerCluster,
} from "../../rpc/gen/manager/v2/manager.ts";
import type { Application } from "../store/applications.ts";
import type { SchedulerCluster as ClusterRecord, SeedPeerCluster as SeedPeerClusterRecord } from "../store/clusters.ts";
import type { SchedulerRecord, SeedPeerRecord } from "../store/services.ts";

/** A scheduler cluster; its JSON is that of wire.md §5.5. */
export function schedulerClusterMessage(cluster: ClusterRecord): SchedulerCluster {
  return {
    id: cluster.id,
    name: cluster.name,
    bio: cluster.bio,
    config: json(cluster.config),
    clientConfig: json(cluster.clientConfig),
    scopes: json(cluster.scopes),
    // Ours: stock seed peers do not look at the id, and ours join by it.
    seedClientConfig: json({ ...cluster.seedClientConfig, seed_peer_cluster_id: cluster.seedPeerClusterIds[0] }),
  };
}

/** A seed peer cluster. */
export function seedPeerClusterMessage({ id, name, bio, config }: SeedPeerClusterRecord): SeedPeerCluster {
  return { id, name, bio, config: json(config) };
}

/** A scheduler without its cluster and seed peers. */
export function schedulerMessage(record: SchedulerRecord, isLive: boolean): Scheduler {
  return {
    id: record.id,
    hostname: record.hostname,
    idc: record.idc,
    location: record.location,
    ip: record.ip,
    port: record.port,
    state: stateOf(isLive),
    schedulerClusterId: record.clusterId,
    schedulerCluster: undefined,
    seedPeers: [],
    features: json(record.features),
  };
}

/** A seed peer without its cluster and schedulers. */
export function seedPeerMessage(record: SeedPeerRecord, isLive: boolean): SeedPeer {
  return {
    id: record.id,
    hostname: record.hostname,
    type: record.type,
    idc: record.idc,
    location: record.location,
    ip: record.ip,
    port: record.port,
    downloadPort: record.downloadPort,
    state: stateOf(isLive),
    seedPeerClusterId: record.clusterId,
    seedPeerCluster: undefined,
    schedulers: [],
  };
}

/** An application with its priorities. */
export function applicationMessage({ id, name, url, bio, priority }: Application): ApplicationMessage {
  return { id, name, url, bio, priority: { value: priority.value, urls: priority.urls ?? [] } };
}

function stateOf(isLive: boolean): string {
  return isLive ? "active" : "inactive";
}

function json(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value));
}
