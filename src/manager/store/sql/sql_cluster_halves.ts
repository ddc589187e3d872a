import type {
  ClusterFilter,
  SchedulerCluster,
  SchedulerClusterInput,
  SchedulerClusterStore,
  SeedPeerCluster,
  SeedPeerClusterInput,
  SeedPeerClusterStore,
} from "../clusters.ts";
import type { Listed, Page } from "../repository.ts";
import type { ClusterTables } from "./cluster_tables.ts";
import type { SqlContext } from "./context.ts";
import type { Sql } from "./database.ts";
import type { SchedulerClusterRow, SeedPeerClusterRow } from "./schema.ts";
import { linksOf } from "./sql_links.ts";

/** Scheduler clusters by themselves. */
export class SqlSchedulerClusters implements SchedulerClusterStore {
  readonly #context: SqlContext;
  readonly #tables: ClusterTables;

  constructor(context: SqlContext, tables: ClusterTables) {
    this.#context = context;
    this.#tables = tables;
  }

  async all(): Promise<SchedulerCluster[]> {
    const { database } = this.#context;
    return await this.#linked(database, await this.#tables.schedulerClusters.select(database, {}));
  }

  async list(filter: ClusterFilter, page: Page): Promise<Listed<SchedulerCluster>> {
    const { database } = this.#context;
    const { rows, total } = await this.#tables.schedulerClusters.list(database, filter, page);
    return { rows: await this.#linked(database, rows), total };
  }

  async get(id: number): Promise<SchedulerCluster | undefined> {
    const row = await this.#tables.schedulerClusters.find(this.#context.database, { id });
    return row === undefined ? undefined : (await this.#linked(this.#context.database, [row]))[0];
  }

  create(input: SchedulerClusterInput): Promise<SchedulerCluster> {
    return this.#tables.write(async (sql) =>
      await this.#existing(sql, await this.#tables.insertSchedulerCluster(sql, input))
    );
  }

  update(id: number, patch: Partial<SchedulerClusterInput>): Promise<SchedulerCluster> {
    return this.#tables.write(async (sql) => {
      await this.#tables.updateSchedulerCluster(sql, id, patch);
      return await this.#existing(sql, id);
    });
  }

  remove(id: number): Promise<void> {
    return this.#tables.write((sql) => this.#tables.removeSchedulerCluster(sql, id));
  }

  async #existing(sql: Sql, id: number): Promise<SchedulerCluster> {
    const [cluster] = await this.#linked(sql, [await this.#tables.schedulerClusters.existing(sql, id, "store")]);
    if (cluster === undefined) throw new Error("a scheduler cluster is missing");
    return cluster;
  }

  async #linked(sql: Sql, rows: readonly SchedulerClusterRow[]): Promise<SchedulerCluster[]> {
    const links = await linksOf(sql, this.#tables.fromSchedulerCluster, rows.map(({ id }) => id));
    return rows.map((row) => ({ ...row, seedPeerClusterIds: links.get(row.id) ?? [] }));
  }
}

/** Seed peer clusters by themselves. */
export class SqlSeedPeerClusters implements SeedPeerClusterStore {
  readonly #context: SqlContext;
  readonly #tables: ClusterTables;

  constructor(context: SqlContext, tables: ClusterTables) {
    this.#context = context;
    this.#tables = tables;
  }

  async all(): Promise<SeedPeerCluster[]> {
    const { database } = this.#context;
    return await this.#linked(database, await this.#tables.seedPeerClusters.select(database, {}));
  }

  async list(filter: ClusterFilter, page: Page): Promise<Listed<SeedPeerCluster>> {
    const { database } = this.#context;
    const { rows, total } = await this.#tables.seedPeerClusters.list(database, filter, page);
    return { rows: await this.#linked(database, rows), total };
  }

  async get(id: number): Promise<SeedPeerCluster | undefined> {
    const row = await this.#tables.seedPeerClusters.find(this.#context.database, { id });
    return row === undefined ? undefined : (await this.#linked(this.#context.database, [row]))[0];
  }

  create(input: SeedPeerClusterInput): Promise<SeedPeerCluster> {
    return this.#tables.write(async (sql) =>
      await this.#existing(sql, await this.#tables.insertSeedPeerCluster(sql, input))
    );
  }

  update(id: number, patch: Partial<SeedPeerClusterInput>): Promise<SeedPeerCluster> {
    return this.#tables.write(async (sql) => {
      await this.#tables.updateSeedPeerCluster(sql, id, patch);
      return await this.#existing(sql, id);
    });
  }

  remove(id: number): Promise<void> {
    return this.#tables.write((sql) => this.#tables.removeSeedPeerCluster(sql, id));
  }

  async #existing(sql: Sql, id: number): Promise<SeedPeerCluster> {
    const [cluster] = await this.#linked(sql, [await this.#tables.seedPeerClusters.existing(sql, id, "store")]);
    if (cluster === undefined) throw new Error("a seed peer cluster is missing");
    return cluster;
  }

  async #linked(sql: Sql, rows: readonly SeedPeerClusterRow[]): Promise<SeedPeerCluster[]> {
    const links = await linksOf(sql, this.#tables.fromSeedPeerCluster, rows.map(({ id }) => id));
    return rows.map((row) => ({ ...row, schedulerClusterIds: links.get(row.id) ?? [] }));
  }
}
