import { DamselflyError } from "../../../core/error.ts";
import type { WarmHost, WarmHostChanges, WarmHostCounts, WarmHostStore } from "../warm_hosts.ts";
import type { SqlContext } from "./context.ts";
import type { SqlValue } from "./database.ts";
import { integerOf } from "./dialect.ts";
import { WARM_HOSTS } from "./schema.ts";
import { SqlTable } from "./table.ts";

/** Ids of one UPDATE; databases limit the values of a statement. */
const IDS_PER_STATEMENT_MAX = 5_000;

/** Hosts that are kept warm. */
export class SqlWarmHosts implements WarmHostStore {
  readonly #context: SqlContext;
  readonly #table: SqlTable<WarmHost>;

  constructor(context: SqlContext) {
    this.#context = context;
    this.#table = new SqlTable(WARM_HOSTS, context.log);
  }

  ofCluster(clusterId: number): Promise<WarmHost[]> {
    return this.#table.select(this.#context.database, { clusterId });
  }

  async count(clusterIds: readonly number[], declaredAtMs: number): Promise<WarmHostCounts> {
    const { database } = this.#context;
    const marks = clusterIds.map(() => "?").join(", ");
    const [declaredAt, never] = [declaredAtMs, 0].map((ms) => database.dialect.time(ms)) as [SqlValue, SqlValue];
    const [row] = await database.all(
      `SELECT count(*) AS known, sum(CASE WHEN warmed_at >= ? THEN 1 ELSE 0 END) AS warm,
         sum(CASE WHEN warmed_at < ? AND failures > 0 THEN 1 ELSE 0 END) AS failing
       FROM "${WARM_HOSTS.name}"
       WHERE is_del = 0 AND missing_since = ? ${marks === "" ? "" : `AND scheduler_cluster_id IN (${marks})`}`,
      [declaredAt, declaredAt, never, ...clusterIds],
    );
    return {
      known: integerOf(row?.["known"]),
      warm: integerOf(row?.["warm"]),
      failing: integerOf(row?.["failing"]),
    };
  }

  change<Plan extends WarmHostChanges>(
    clusterId: number,
    decide: (hosts: readonly WarmHost[]) => Plan,
  ): Promise<Plan> {
    const { database, clock } = this.#context;
    return database.transaction(async (sql) => {
      const [cluster] = await sql.all(
        `SELECT id FROM scheduler_cluster WHERE id = ? AND is_del = 0 ${sql.dialect.forUpdate}`,
        [clusterId],
      );
      if (cluster === undefined) {
        const message = `Cannot store warm hosts: scheduler cluster ${clusterId} does not exist`;
        throw new DamselflyError("not_found", message);
      }
      const plan = decide(await this.#table.select(sql, { clusterId }));
      const updatedAtMs = clock.wallMs();
      await this.#table.insertMany(sql, plan.added, updatedAtMs);
      for (const { ids, patch } of plan.changed) {
        for (let start = 0; start < ids.length; start += IDS_PER_STATEMENT_MAX) {
          const id = ids.slice(start, start + IDS_PER_STATEMENT_MAX);
          await this.#table.update(sql, { id }, { ...patch, updatedAtMs });
        }
      }
      await this.#table.removeMany(sql, plan.removed);
      return plan;
    });
  }
}
