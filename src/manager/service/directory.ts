import { DamselflyError } from "../../core/error.ts";
import type { HostPlace } from "../../core/scope.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { ListSchedulersResponse, Scheduler, SeedPeer } from "../../rpc/gen/manager/v2/manager.ts";
import type { Change } from "../store/changes.ts";
import type { ServiceKey } from "../store/services.ts";
import type { Store } from "../store/store.ts";
import { type ClusterRows, listCluster, type ListedCluster } from "./listed_cluster.ts";
import { SchedulerAnswers } from "./scheduler_answers.ts";

/**
 * Which schedulers there are, ready to be sent. Thousands of peers ask each minute and next to nothing changes in
 * between, so clusters are kept in memory; one is read again when it changed or somebody in it may have fallen silent.
 */
export class Directory implements Disposable {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #subscription: Disposable;
  readonly #answers = new SchedulerAnswers();
  #clusters: ReadonlyMap<number, ListedCluster> = new Map();
  /** The clusters to be read again, by the id of the scheduler cluster; all of them when it is undefined. */
  #changed: Set<number> | undefined;
  #isReading = false;
  /** When a member of some cluster falls silent unless it says more, as wall time. */
  #expiresAtMs = Infinity;
  /** Ends when the readings that were begun so far have ended. */
  #turn: Promise<void> = Promise.resolve();

  constructor(store: Store, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
    this.#subscription = store.changes.subscribe((change) => this.#note(change));
  }

  [Symbol.dispose](): void {
    this.#subscription[Symbol.dispose]();
  }

  /** The live schedulers of all clusters, the cluster that fits `host` best first; the same order each time. */
  async schedulersFor(host: HostPlace): Promise<ListSchedulersResponse> {
    return this.#answers.answer(await this.#current(), host);
  }

  /** All schedulers of one cluster, dead ones too: peers that are pinned to it check them. Fails with `not_found`. */
  async schedulersOf(clusterId: number): Promise<ListSchedulersResponse> {
    const cluster = (await this.#current()).get(clusterId);
    if (cluster !== undefined) return { schedulers: [...cluster.schedulers] };
    throw new DamselflyError("not_found", `Cannot list schedulers: scheduler cluster ${clusterId} does not exist`);
  }

  /** A scheduler by its host name and cluster; by its IP too where there are several. */
  async scheduler(key: ServiceKey): Promise<Scheduler> {
    const cluster = (await this.#current()).get(key.clusterId);
    return found(cluster?.schedulers ?? [], key, "scheduler");
  }

  /** A seed peer by its host name and seed peer cluster; by its IP too where there are several. */
  async seedPeer(key: ServiceKey): Promise<SeedPeer> {
    const all = [...(await this.#current()).values()].flatMap(({ seedPeers }) => seedPeers);
    return found(all.filter(({ seedPeerClusterId }) => seedPeerClusterId === key.clusterId), key, "seed peer");
  }

  /** The live seed peers of all clusters. */
  async seedPeers(): Promise<SeedPeer[]> {
    const all = [...(await this.#current()).values()].flatMap(({ seedPeers }) => seedPeers);
    const live = all.filter(({ state }) => state === "active");
    return [...new Map(live.map((seedPeer) => [seedPeer.id, seedPeer])).values()];
  }

  #note(change: Change): void {
    if (change.kind === "clusters" || change.kind === "any") this.#changed = undefined;
    else if (change.kind === "schedulers") this.#changed?.add(change.clusterId);
    else if (change.kind === "seed_peers") {
      for (const { id, seedPeerClusterIds } of this.#clusters.values()) {
        if (seedPeerClusterIds.includes(change.clusterId)) this.#changed?.add(id);
      }
    }
  }

  async #current(): Promise<ReadonlyMap<number, ListedCluster>> {
    if (!this.#isFresh()) {
      const turn = this.#turn.then(() => this.#isFresh() ? undefined : this.#read());
      this.#turn = turn.catch(() => undefined);
      await turn;
    }
    return this.#clusters;
  }

  #isFresh(): boolean {
    if (this.#isReading || this.#changed === undefined) return false;
    const now = this.#clock.wallMs();
    if (this.#expiresAtMs < now) {
      for (const { id, expiresAtMs } of this.#clusters.values()) {
        if (expiresAtMs < now) this.#changed.add(id);
      }
    }
    return this.#changed.size === 0;
  }

  async #read(): Promise<void> {
    const changed = this.#changed;
    this.#changed = new Set();
    this.#isReading = true;
    try {
      this.#clusters = changed === undefined ? await this.#readAll() : await this.#readSome(changed);
      this.#expiresAtMs = Math.min(...[...this.#clusters.values()].map(({ expiresAtMs }) => expiresAtMs));
    } catch (error) {
      this.#changed = undefined; // the next call tries again
      throw error;
    } finally {
      this.#isReading = false;
    }
  }

  async #readAll(): Promise<ReadonlyMap<number, ListedCluster>> {
    const [clusters, seedPeerClusters, schedulers, seedPeers] = await Promise.all([
      this.#store.schedulerClusters.all(),
      this.#store.seedPeerClusters.all(),
      this.#store.schedulers.all(),
      this.#store.seedPeers.all(),
    ]);
    const seedPeerClusterOf = new Map(seedPeerClusters.map((cluster) => [cluster.id, cluster]));
    const schedulersOf = Map.groupBy(schedulers, ({ clusterId }) => clusterId);
    const seedPeersOf = Map.groupBy(seedPeers, ({ clusterId }) => clusterId);
    return new Map(clusters.map((cluster) => [
      cluster.id,
      this.#listed({
        cluster,
        seedPeerClusters: cluster.seedPeerClusterIds.flatMap((id) => seedPeerClusterOf.get(id) ?? []),
        schedulers: schedulersOf.get(cluster.id) ?? [],
        seedPeers: cluster.seedPeerClusterIds.flatMap((id) => seedPeersOf.get(id) ?? []),
      }),
    ]));
  }

  async #readSome(ids: ReadonlySet<number>): Promise<ReadonlyMap<number, ListedCluster>> {
    const clusters = new Map(this.#clusters);
    for (const id of ids) {
      const before = clusters.get(id);
      if (before === undefined) continue;
      const { cluster, seedPeerClusters } = before.rows;
      const schedulers = await this.#store.schedulers.ofCluster(id);
      const seedPeers = await Promise.all(before.seedPeerClusterIds.map((of) => this.#store.seedPeers.ofCluster(of)));
      clusters.set(id, this.#listed({ cluster, seedPeerClusters, schedulers, seedPeers: seedPeers.flat() }));
    }
    return clusters;
  }

  #listed(rows: ClusterRows): ListedCluster {
    return listCluster(rows, this.#clock.wallMs());
  }
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
