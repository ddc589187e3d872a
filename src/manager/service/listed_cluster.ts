import { parseScope, type Scope } from "../../core/scope.ts";
import type { Scheduler, SeedPeer } from "../../rpc/gen/manager/v2/manager.ts";
import { isLive, type KeepAlives, liveUntilMs, servesPeers } from "../store/liveness.ts";
import type { SchedulerCluster, SeedPeerCluster } from "../store/clusters.ts";
import type { SchedulerRecord, SeedPeerRecord } from "../store/services.ts";
import { schedulerClusterMessage, schedulerMessage, seedPeerClusterMessage, seedPeerMessage } from "./messages.ts";

/** What the store knows of a cluster and its members. */
export interface ClusterRows {
  readonly cluster: SchedulerCluster;
  readonly seedPeerClusters: readonly SeedPeerCluster[];
  /** All of its schedulers, by id. */
  readonly schedulers: readonly SchedulerRecord[];
  /** All seed peers of the linked clusters. */
  readonly seedPeers: readonly SeedPeerRecord[];
}

/** A cluster as answers need it. Messages are shared by all answers and never changed. */
export interface ListedCluster {
  readonly id: number;
  readonly seedPeerClusterIds: readonly number[];
  readonly scope: Scope;
  readonly isDefault: boolean;
  /** All of its schedulers, by id. */
  readonly schedulers: readonly Scheduler[];
  /** Those that peers may be sent to. */
  readonly live: readonly Scheduler[];
  /** All of its seed peers, each with the live schedulers. */
  readonly seedPeers: readonly SeedPeer[];
  /** The wall time at which the next member falls silent unless it says more. */
  readonly expiresAtMs: number;
  /** What it was made from. */
  readonly rows: ClusterRows;
}

/** What is told of a cluster at this wall time. */
export function listCluster(rows: ClusterRows, nowMs: number): ListedCluster {
  const { cluster } = rows;
  const seedPeerClusters = new Map(rows.seedPeerClusters.map((one) => [one.id, seedPeerClusterMessage(one)]));
  const seedPeers = rows.seedPeers.map((record) => ({
    ...seedPeerMessage(record, isLive(record, nowMs)),
    seedPeerCluster: seedPeerClusters.get(record.clusterId),
  }));
  const schedulerCluster = schedulerClusterMessage(cluster);
  const liveSeedPeers = seedPeers.filter(({ state }) => state === "active");
  const listed = rows.schedulers.map((record) => ({
    record,
    message: { ...schedulerMessage(record, isLive(record, nowMs)), schedulerCluster, seedPeers: liveSeedPeers },
  }));
  const live = listed
    .filter(({ record }) => servesPeers(record, nowMs))
    .map(({ message }) => message);
  // A message must not contain itself: the schedulers of a seed peer come without their seed peers.
  const bare = live.map((message) => ({ ...message, seedPeers: [] }));
  return {
    id: cluster.id,
    seedPeerClusterIds: cluster.seedPeerClusterIds,
    scope: parseScope(cluster.scopes),
    isDefault: cluster.isDefault,
    schedulers: listed.map(({ message }) => message),
    live,
    seedPeers: seedPeers.map((message) => ({ ...message, schedulers: bare })),
    expiresAtMs: firstToFallSilent([...rows.schedulers, ...rows.seedPeers], nowMs),
    rows,
  };
}

function firstToFallSilent(services: readonly KeepAlives[], nowMs: number): number {
  let first = Infinity;
  for (const service of services) {
    const until = liveUntilMs(service);
    if (until >= nowMs && until < first) first = until;
  }
  return first;
}
