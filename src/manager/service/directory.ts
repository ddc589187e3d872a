import { DamselflyError } from "../../core/error.ts";
import { type HostPlace, parseScope, rankClusters, type Scope } from "../../core/scope.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { Scheduler, SeedPeer } from "../../rpc/gen/manager/v2/manager.ts";
import { isLive, liveUntilMs } from "../store/liveness.ts";
import type { Cluster } from "../store/clusters.ts";
import type { SchedulerRecord, SeedPeerRecord, ServiceKey } from "../store/services.ts";
import type { Store } from "../store/store.ts";
import { schedulerClusterMessage, schedulerMessage, seedPeerClusterMessage, seedPeerMessage } from "./messages.ts";

/** The feature without which a scheduler is not for peers (wire.md §5.1). */
const SCHEDULE_FEATURE = "schedule";

/** A cluster as answers need it. Messages are shared by all answers and never changed. */
interface ListedCluster {
  readonly id: number;
  readonly scope: Scope;
  readonly isDefault: boolean;
  /** All of its schedulers, by id. */
  readonly schedulers: readonly Scheduler[];
  /** Those that peers may be sent to. */
  readonly live: readonly Scheduler[];
  /** All of its seed peers, by id, each with the live schedulers. */
  readonly seedPeers: readonly SeedPeer[];
}

interface Snapshot {
  readonly revision: number;
  readonly clusters: Promise<ReadonlyMap<number, ListedCluster>>;
  /** The wall time at which the next service falls silent unless it says more; known once the clusters are. */
  expiresAtMs: number;
}

/**
 * Which schedulers there are, ready to be sent. Thousands of peers ask each minute and next to nothing changes in
 * between, so answers come from a snapshot, made again when the store changed or somebody may have fallen silent.
 */
export class Directory {
  readonly #store: Store;
  readonly #clock: Clock;
  #snapshot: Snapshot | undefined;

  constructor(store: Store, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
  }

  /** The live schedulers of all clusters, the cluster that fits `host` best first; the same order each time. */
  async schedulersFor(host: HostPlace): Promise<Scheduler[]> {
    const clusters = await this.#clusters();
    const candidates = [...clusters.values()].filter(({ live }) => live.length > 0);
    return rankClusters(candidates, host).flatMap(({ live }) => live);
  }

  /** All schedulers of one cluster, dead ones too: peers that are pinned to it check them. Fails with `not_found`. */
  async schedulersOf(clusterId: number): Promise<readonly Scheduler[]> {
    const cluster = (await this.#clusters()).get(clusterId);
    if (cluster !== undefined) return cluster.schedulers;
    throw new DamselflyError("not_found", `Cannot list schedulers: scheduler cluster ${clusterId} does not exist`);
  }

  /** A scheduler by its host name and cluster; by its IP too where there are several. */
  async scheduler(key: ServiceKey): Promise<Scheduler> {
    const cluster = (await this.#clusters()).get(key.clusterId);
    return found(cluster?.schedulers ?? [], key, "scheduler");
  }

  /** A seed peer by its host name and seed peer cluster; by its IP too where there are several. */
  async seedPeer(key: ServiceKey): Promise<SeedPeer> {
    const all = [...(await this.#clusters()).values()].flatMap(({ seedPeers }) => seedPeers);
    return found(all.filter(({ seedPeerClusterId }) => seedPeerClusterId === key.clusterId), key, "seed peer");
  }

  /** The live seed peers of all clusters. */
  async seedPeers(): Promise<SeedPeer[]> {
    const all = [...(await this.#clusters()).values()].flatMap(({ seedPeers }) => seedPeers);
    return all.filter(({ state }) => state === "active");
  }

  #clusters(): Promise<ReadonlyMap<number, ListedCluster>> {
    const { revision } = this.#store;
    const last = this.#snapshot;
    if (last?.revision === revision && this.#clock.wallMs() <= last.expiresAtMs) return last.clusters;
    const snapshot: Snapshot = {
      revision,
      expiresAtMs: Infinity,
      clusters: this.#load((ms) => snapshot.expiresAtMs = ms),
    };
    this.#snapshot = snapshot;
    snapshot.clusters.catch(() => {
      if (this.#snapshot === snapshot) this.#snapshot = undefined; // the next call tries again
    });
    return snapshot.clusters;
  }

  async #load(setExpiry: (expiresAtMs: number) => void): Promise<ReadonlyMap<number, ListedCluster>> {
    const [clusters, schedulers, seedPeers] = await Promise.all([
      this.#store.clusters.all(),
      this.#store.schedulers.all(),
      this.#store.seedPeers.all(),
    ]);
    const now = this.#clock.wallMs();
    setExpiry(Math.min(Infinity, ...[...schedulers, ...seedPeers].map(liveUntilMs).filter((until) => until >= now)));
    const schedulersOf = Map.groupBy(schedulers, ({ clusterId }) => clusterId);
    const seedPeersOf = Map.groupBy(seedPeers, ({ clusterId }) => clusterId);
    return new Map(clusters.map((cluster) => {
      const members = {
        schedulers: schedulersOf.get(cluster.id) ?? [],
        seedPeers: seedPeersOf.get(cluster.seedPeerClusterId) ?? [],
      };
      return [cluster.id, listCluster(cluster, members, now)];
    }));
  }
}

function listCluster(
  cluster: Cluster,
  members: { readonly schedulers: readonly SchedulerRecord[]; readonly seedPeers: readonly SeedPeerRecord[] },
  nowMs: number,
): ListedCluster {
  const seedPeerCluster = seedPeerClusterMessage(cluster);
  const seedPeers = members.seedPeers.map((record) => ({
    ...seedPeerMessage(record, isLive(record, nowMs)),
    seedPeerCluster,
  }));
  const schedulerCluster = schedulerClusterMessage(cluster);
  const liveSeedPeers = seedPeers.filter(({ state }) => state === "active");
  const listed = members.schedulers.map((record) => ({
    record,
    message: {
      ...schedulerMessage(record, isLive(record, nowMs)),
      schedulerCluster,
      seedPeers: liveSeedPeers,
    },
  }));
  const live = listed
    .filter(({ record }) => isLive(record, nowMs) && record.features.includes(SCHEDULE_FEATURE))
    .map(({ message }) => message);
  // A message must not contain itself: the schedulers of a seed peer come without their seed peers.
  const bare = live.map((message) => ({ ...message, seedPeers: [] }));
  return {
    id: cluster.id,
    scope: parseScope(cluster.scopes),
    isDefault: cluster.isDefault,
    schedulers: listed.map(({ message }) => message),
    live,
    seedPeers: seedPeers.map((message) => ({ ...message, schedulers: bare })),
  };
}

function found<M extends { readonly hostname: string; readonly ip: string }>(
  messages: readonly M[],
  { hostname, ip, clusterId }: ServiceKey,
  kind: string,
): M {
  const named = messages.filter((message) => message.hostname === hostname);
  const message = named.find((candidate) => candidate.ip === ip) ?? named.at(-1);
  if (message !== undefined) return message;
  throw new DamselflyError("not_found", `Cannot find ${kind} ${hostname} (${ip}): cluster ${clusterId} has no such`);
}
