import type {
  ClusterFilter,
  SchedulerCluster,
  SchedulerClusterInput,
  SchedulerClusterStore,
  SeedPeerCluster,
  SeedPeerClusterInput,
  SeedPeerClusterStore,
} from "../clusters.ts";
import type { Identified, Listed, Page, Repository } from "../repository.ts";
import type { ClusterTables } from "./cluster_tables.ts";
import type { SqlContext } from "./context.ts";
import type { Sql } from "./database.ts";
import type { SchedulerClusterRow, SeedPeerClusterRow } from "./schema.ts";
import { linksOf, type LinkTable } from "./sql_links.ts";
import type { SqlTable, Where } from "./table.ts";

/** In what the two halves of a cluster differ. */
interface Half<Row extends Identified, Linked, Input> {
  readonly table: SqlTable<Row>;
  readonly links: LinkTable;
  /** The record with the ids that it is linked to. */
  linked(row: Row, ids: readonly number[]): Linked;
  insert(sql: Sql, input: Input): Promise<number>;
  update(sql: Sql, id: number, patch: Partial<Input>): Promise<void>;
  remove(sql: Sql, id: number): Promise<void>;
}

/** Scheduler clusters by themselves. */
export function sqlSchedulerClusters(context: SqlContext, tables: ClusterTables): SchedulerClusterStore {
  return new SqlClusterHalf<SchedulerClusterRow, SchedulerCluster, SchedulerClusterInput, ClusterFilter>(
    context,
    tables,
    {
      table: tables.schedulerClusters,
      links: tables.fromSchedulerCluster,
      linked: (row, seedPeerClusterIds) => ({ ...row, seedPeerClusterIds }),
      insert: (sql, input) => tables.insertSchedulerCluster(sql, input),
      update: (sql, id, patch) => tables.updateSchedulerCluster(sql, id, patch),
      remove: (sql, id) => tables.removeSchedulerCluster(sql, id),
    },
  );
}

/** Seed peer clusters by themselves. */
export function sqlSeedPeerClusters(context: SqlContext, tables: ClusterTables): SeedPeerClusterStore {
  return new SqlClusterHalf<SeedPeerClusterRow, SeedPeerCluster, SeedPeerClusterInput, ClusterFilter>(context, tables, {
    table: tables.seedPeerClusters,
    links: tables.fromSeedPeerCluster,
    linked: (row, schedulerClusterIds) => ({ ...row, schedulerClusterIds }),
    insert: (sql, input) => tables.insertSeedPeerCluster(sql, input),
    update: (sql, id, patch) => tables.updateSeedPeerCluster(sql, id, patch),
    remove: (sql, id) => tables.removeSeedPeerCluster(sql, id),
  });
}

class SqlClusterHalf<Row extends Identified, Linked extends Identified, Input, Filter extends Where<Row>>
  implements Repository<Linked, Input, Filter> {
  readonly #context: SqlContext;
  readonly #tables: ClusterTables;
  readonly #half: Half<Row, Linked, Input>;

  constructor(context: SqlContext, tables: ClusterTables, half: Half<Row, Linked, Input>) {
    this.#context = context;
    this.#tables = tables;
    this.#half = half;
  }

  async all(): Promise<Linked[]> {
    const { database } = this.#context;
    return await this.#linked(database, await this.#half.table.select(database, {}));
  }

  async list(filter: Filter, page: Page): Promise<Listed<Linked>> {
    const { database } = this.#context;
    const { rows, total } = await this.#half.table.list(database, filter, page);
    return { rows: await this.#linked(database, rows), total };
  }

  async get(id: number): Promise<Linked | undefined> {
    const { database } = this.#context;
    const row = await this.#half.table.find(database, { id } as Where<Row>);
    return row === undefined ? undefined : (await this.#linked(database, [row]))[0];
  }

  create(input: Input): Promise<Linked> {
    return this.#tables.write(async (sql) => await this.#stored(sql, await this.#half.insert(sql, input)));
  }

  update(id: number, patch: Partial<Input>): Promise<Linked> {
    return this.#tables.write(async (sql) => {
      await this.#half.update(sql, id, patch);
      return await this.#stored(sql, id);
    });
  }

  remove(id: number): Promise<void> {
    return this.#tables.write((sql) => this.#half.remove(sql, id));
  }

  async #stored(sql: Sql, id: number): Promise<Linked> {
    const row = await this.#half.table.existing(sql, id, "store");
    const links = await linksOf(sql, this.#half.links, [id]);
    return this.#half.linked(row, links.get(id) ?? []);
  }

  async #linked(sql: Sql, rows: readonly Row[]): Promise<Linked[]> {
    const links = await linksOf(sql, this.#half.links, rows.map(({ id }) => id));
    return rows.map((row) => this.#half.linked(row, links.get(row.id) ?? []));
  }
}
