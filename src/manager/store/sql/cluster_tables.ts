import { DamselflyError } from "../../../core/error.ts";
import type { SchedulerClusterInput, SeedPeerClusterInput } from "../clusters.ts";
import { isLive, type KeepAlives } from "../liveness.ts";
import type { Identified } from "../repository.ts";
import type { PeerRecord } from "../peers.ts";
import type { SchedulerRecord, SeedPeerRecord, ServiceKey } from "../services.ts";
import type { WarmHost } from "../warm_hosts.ts";
import type { WarmImage } from "../warm_images.ts";
import type { SqlContext } from "./context.ts";
import type { Sql } from "./database.ts";
import {
  PEERS,
  SCHEDULER_CLUSTERS,
  type SchedulerClusterRow,
  SCHEDULERS,
  SEED_PEER_CLUSTERS,
  SEED_PEERS,
  type SeedPeerClusterRow,
  WARM_HOSTS,
  WARM_IMAGES,
} from "./schema.ts";
import { type LinkTable, replaceLinks } from "./sql_links.ts";
import { leaveCluster } from "./sql_warm_images.ts";
import { SqlTable } from "./table.ts";
import { CLUSTER_LINK } from "./tables.ts";

/** What a change of a scheduler cluster may hold. */
export type SchedulerClusterPatch = Partial<SchedulerClusterInput>;

/** The tables of clusters and of what belongs to them, with the rules that hold between them. */
export class ClusterTables {
  readonly schedulerClusters: SqlTable<SchedulerClusterRow>;
  readonly seedPeerClusters: SqlTable<SeedPeerClusterRow>;
  readonly schedulers: SqlTable<SchedulerRecord>;
  readonly seedPeers: SqlTable<SeedPeerRecord>;
  readonly peers: SqlTable<PeerRecord>;
  readonly warmImages: SqlTable<WarmImage>;
  readonly warmHosts: SqlTable<WarmHost>;
  readonly fromSchedulerCluster: LinkTable = {
    table: CLUSTER_LINK,
    from: "scheduler_cluster_id",
    to: "seed_peer_cluster_id",
  };
  readonly fromSeedPeerCluster: LinkTable = {
    table: CLUSTER_LINK,
    from: "seed_peer_cluster_id",
    to: "scheduler_cluster_id",
  };
  readonly #context: SqlContext;

  constructor(context: SqlContext) {
    this.#context = context;
    this.schedulerClusters = new SqlTable(SCHEDULER_CLUSTERS, context.log);
    this.seedPeerClusters = new SqlTable(SEED_PEER_CLUSTERS, context.log);
    this.schedulers = new SqlTable(SCHEDULERS, context.log);
    this.seedPeers = new SqlTable(SEED_PEERS, context.log);
    this.peers = new SqlTable(PEERS, context.log);
    this.warmImages = new SqlTable(WARM_IMAGES, context.log);
    this.warmHosts = new SqlTable(WARM_HOSTS, context.log);
  }

  /** Runs a transaction that changes clusters, one at a time, and tells of it. */
  async write<T>(work: (sql: Sql) => Promise<T>): Promise<T> {
    const result = await this.#context.database.transaction(async (sql) => {
      await sql.all(`SELECT id FROM scheduler_cluster ${sql.dialect.forUpdate}`);
      return await work(sql);
    });
    this.#context.changes.tell({ kind: "clusters" });
    return result;
  }

  /** Adds a scheduler cluster; the first one is the default. */
  async insertSchedulerCluster(sql: Sql, input: SchedulerClusterInput): Promise<number> {
    const { seedPeerClusterIds, ...row } = input;
    const isFirst = await this.schedulerClusters.count(sql, {}) === 0;
    const isDefault = row.isDefault || isFirst;
    if (isDefault) await this.#clearDefault(sql);
    const id = await this.schedulerClusters.insert(sql, { ...row, isDefault }, this.#now());
    await replaceLinks(sql, this.fromSchedulerCluster, id, await this.#seedPeerClusters(sql, seedPeerClusterIds));
    return id;
  }

  async updateSchedulerCluster(sql: Sql, id: number, patch: SchedulerClusterPatch): Promise<void> {
    const { seedPeerClusterIds, ...row } = patch;
    const before = await this.schedulerClusters.existing(sql, id, "change");
    if (before.isDefault && row.isDefault === false) {
      throw new DamselflyError(
        "failed_precondition",
        `Cannot change cluster ${id}: it is the default cluster; make another one the default instead`,
      );
    }
    if (row.isDefault === true && !before.isDefault) await this.#clearDefault(sql);
    await this.schedulerClusters.update(sql, { id }, { ...row, updatedAtMs: this.#now() });
    if (seedPeerClusterIds === undefined) return;
    await replaceLinks(sql, this.fromSchedulerCluster, id, await this.#seedPeerClusters(sql, seedPeerClusterIds));
  }

  /** Removes a scheduler cluster with its dead schedulers, its peers, and what was kept warm only there. */
  async removeSchedulerCluster(sql: Sql, id: number): Promise<void> {
    const cluster = await this.schedulerClusters.existing(sql, id, "delete");
    if (cluster.isDefault) {
      throw new DamselflyError(
        "failed_precondition",
        `Cannot delete cluster ${id}: it is the default cluster; make another one the default first`,
      );
    }
    this.#checkDead(await this.schedulers.select(sql, { clusterId: id }), `cluster ${id}: stop its schedulers first`);
    await this.schedulers.remove(sql, { clusterId: id });
    await this.peers.remove(sql, { clusterId: id });
    await leaveCluster(sql, this.warmImages, id);
    await this.warmHosts.remove(sql, { clusterId: id });
    await replaceLinks(sql, this.fromSchedulerCluster, id, []);
    await this.schedulerClusters.remove(sql, { id });
  }

  async insertSeedPeerCluster(sql: Sql, input: SeedPeerClusterInput): Promise<number> {
    const { schedulerClusterIds, ...row } = input;
    const id = await this.seedPeerClusters.insert(sql, row, this.#now());
    await this.#linkSeedPeerCluster(sql, id, schedulerClusterIds);
    return id;
  }

  async updateSeedPeerCluster(sql: Sql, id: number, patch: Partial<SeedPeerClusterInput>): Promise<void> {
    const { schedulerClusterIds, ...row } = patch;
    await this.seedPeerClusters.existing(sql, id, "change");
    await this.seedPeerClusters.update(sql, { id }, { ...row, updatedAtMs: this.#now() });
    if (schedulerClusterIds !== undefined) await this.#linkSeedPeerCluster(sql, id, schedulerClusterIds);
  }

  async removeSeedPeerCluster(sql: Sql, id: number): Promise<void> {
    await this.seedPeerClusters.existing(sql, id, "delete");
    const members = await this.seedPeers.select(sql, { clusterId: id });
    this.#checkDead(members, `seed peer cluster ${id}: stop its seed peers first`);
    await this.seedPeers.remove(sql, { clusterId: id });
    await replaceLinks(sql, this.fromSeedPeerCluster, id, []);
    await this.seedPeerClusters.remove(sql, { id });
  }

  async #linkSeedPeerCluster(sql: Sql, id: number, schedulerClusterIds: readonly number[]): Promise<void> {
    for (const other of schedulerClusterIds) await this.schedulerClusters.existing(sql, other, "link");
    await replaceLinks(sql, this.fromSeedPeerCluster, id, schedulerClusterIds);
  }

  async #seedPeerClusters(sql: Sql, ids: readonly number[]): Promise<readonly number[]> {
    for (const id of ids) await this.seedPeerClusters.existing(sql, id, "link");
    return ids;
  }

  #checkDead(members: readonly (Identified & ServiceKey & KeepAlives)[], what: string): void {
    const live = members.filter((member) => isLive(member, this.#now()));
    if (live.length === 0) return;
    const names = live.map(({ hostname }) => hostname).join(", ");
    throw new DamselflyError("failed_precondition", `Cannot delete ${what}: ${names}`);
  }

  async #clearDefault(sql: Sql): Promise<void> {
    await this.schedulerClusters.update(sql, { isDefault: true }, { isDefault: false });
  }

  #now(): number {
    return this.#context.clock.wallMs();
  }
}
