import { DamselflyError } from "../../../core/error.ts";
import type { Cluster, ClusterFilter, ClusterInput, ClusterStore } from "../clusters.ts";
import type { Listed, Page } from "../repository.ts";
import { ClusterTables, type SchedulerClusterPatch } from "./cluster_tables.ts";
import type { SqlContext } from "./context.ts";
import type { Sql } from "./database.ts";
import type { SchedulerClusterRow } from "./schema.ts";
import { linksOf } from "./sql_links.ts";

/** Both halves of a cluster as one. */
export class SqlClusters implements ClusterStore {
  readonly #context: SqlContext;
  readonly #tables: ClusterTables;

  constructor(context: SqlContext, tables: ClusterTables) {
    this.#context = context;
    this.#tables = tables;
  }

  async all(): Promise<Cluster[]> {
    const { database } = this.#context;
    return await this.#joined(database, await this.#tables.schedulerClusters.select(database, {}));
  }

  async list(filter: ClusterFilter, page: Page): Promise<Listed<Cluster>> {
    const { database } = this.#context;
    const { rows, total } = await this.#tables.schedulerClusters.list(database, filter, page);
    return { rows: await this.#joined(database, rows), total };
  }

  async get(id: number): Promise<Cluster | undefined> {
    const row = await this.#tables.schedulerClusters.find(this.#context.database, { id });
    return row === undefined ? undefined : (await this.#joined(this.#context.database, [row]))[0];
  }

  create(input: ClusterInput): Promise<Cluster> {
    return this.#tables.write(async (sql) => {
      const { name, bio, scopes, isDefault, schedulerClusterConfig, seedPeerClusterConfig, peerClusterConfig } = input;
      const id = await this.#tables.insertSchedulerCluster(sql, {
        name,
        bio,
        scopes,
        isDefault,
        config: schedulerClusterConfig,
        clientConfig: peerClusterConfig,
        seedClientConfig: blockListOf(seedPeerClusterConfig),
        seedPeerClusterIds: [],
      });
      // The second, for a name that is taken is taken by another cluster then.
      await this.#tables.insertSeedPeerCluster(sql, {
        name,
        bio,
        config: seedPeerClusterConfig,
        schedulerClusterIds: [id],
      });
      return await this.#existing(sql, id, "store");
    });
  }

  update(id: number, patch: Partial<ClusterInput>): Promise<Cluster> {
    return this.#tables.write(async (sql) => {
      const { seedPeerClusterId } = await this.#existing(sql, id, "change");
      const { schedulerClusterConfig, seedPeerClusterConfig, peerClusterConfig, ...both } = patch;
      const half: SchedulerClusterPatch = {
        ...both,
        ...(schedulerClusterConfig === undefined ? {} : { config: schedulerClusterConfig }),
        ...(peerClusterConfig === undefined ? {} : { clientConfig: peerClusterConfig }),
        ...(seedPeerClusterConfig === undefined ? {} : { seedClientConfig: blockListOf(seedPeerClusterConfig) }),
      };
      await this.#tables.updateSchedulerCluster(sql, id, half);
      if (seedPeerClusterId !== 0) {
        const { name, bio } = both;
        await this.#tables.updateSeedPeerCluster(sql, seedPeerClusterId, {
          ...(name === undefined ? {} : { name }),
          ...(bio === undefined ? {} : { bio }),
          ...(seedPeerClusterConfig === undefined ? {} : { config: seedPeerClusterConfig }),
        });
      }
      return await this.#existing(sql, id, "change");
    });
  }

  remove(id: number): Promise<void> {
    return this.#tables.write(async (sql) => {
      const { seedPeerClusterId } = await this.#existing(sql, id, "delete");
      await this.#tables.removeSchedulerCluster(sql, id);
      const links = await linksOf(sql, this.#tables.fromSeedPeerCluster, [seedPeerClusterId]);
      if (seedPeerClusterId !== 0 && links.size === 0) {
        await this.#tables.seedPeers.remove(sql, { clusterId: seedPeerClusterId });
        await this.#tables.seedPeerClusters.remove(sql, { id: seedPeerClusterId });
      }
    });
  }

  async #existing(sql: Sql, id: number, action: string): Promise<Cluster> {
    const [cluster] = await this.#joined(sql, [await this.#tables.schedulerClusters.existing(sql, id, action)]);
    if (cluster !== undefined) return cluster;
    throw new DamselflyError("data_loss", `Cannot ${action} cluster ${id}: its seed peer cluster cannot be read`);
  }

  async #joined(sql: Sql, rows: readonly SchedulerClusterRow[]): Promise<Cluster[]> {
    const links = await linksOf(sql, this.#tables.fromSchedulerCluster, rows.map(({ id }) => id));
    const ids = [...new Set(rows.flatMap(({ id }) => links.get(id)?.[0] ?? []))];
    const halves = ids.length === 0 ? [] : await this.#tables.seedPeerClusters.select(sql, { id: ids });
    const configs = new Map(halves.map(({ id, config }) => [id, config]));
    return rows.map(({ config, clientConfig, seedClientConfig: _, ...row }) => {
      const seedPeerClusterId = links.get(row.id)?.[0] ?? 0;
      return {
        ...row,
        seedPeerClusterId,
        schedulerClusterConfig: config,
        peerClusterConfig: clientConfig,
        seedPeerClusterConfig: configs.get(seedPeerClusterId) ?? {},
      };
    });
  }
}

/** Seed peers read their block list from the scheduler cluster, never from their own (wire.md §5.5). */
function blockListOf({ block_list }: ClusterInput["seedPeerClusterConfig"]) {
  return block_list === undefined ? {} : { block_list };
}
