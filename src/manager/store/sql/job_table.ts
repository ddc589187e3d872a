import type { Log } from "../../../runtime/log.ts";
import type { Job, JobInput } from "../jobs.ts";
import type { Sql, SqlDatabase } from "./database.ts";
import { integerOf } from "./dialect.ts";
import { type JobRow, JOBS } from "./schema.ts";
import { linksOf, type LinkTable, replaceLinks } from "./sql_links.ts";
import { SqlTable, type Where } from "./table.ts";
import { JOB_ORDER, JOB_SCHEDULER_CLUSTER, JOB_SEED_PEER_CLUSTER } from "./tables.ts";
import type { Listed, Page } from "../repository.ts";

const SCHEDULER_LINK: LinkTable = { table: JOB_SCHEDULER_CLUSTER, from: "job_id", to: "scheduler_cluster_id" };
const SEED_PEER_LINK: LinkTable = { table: JOB_SEED_PEER_CLUSTER, from: "job_id", to: "seed_peer_cluster_id" };

/** The rows of jobs with the clusters they are for; its methods run within the `Sql` they are given. */
export class JobTable {
  readonly #table: SqlTable<JobRow>;

  constructor(log: Log) {
    this.#table = new SqlTable(JOBS, log);
  }

  async select(sql: Sql, where: Where<JobRow>): Promise<Job[]> {
    return await withClusters(sql, await this.#table.select(sql, where));
  }

  async list(database: SqlDatabase, where: Where<JobRow>, page: Page): Promise<Listed<Job>> {
    const { rows, total } = await this.#table.list(database, where, page);
    return { rows: await withClusters(database, rows), total };
  }

  countSince(sql: Sql, where: Where<JobRow>, sinceMs: number): Promise<number> {
    return this.#table.countSince(sql, where, sinceMs);
  }

  async find(sql: Sql, id: number): Promise<Job | undefined> {
    const row = await this.#table.find(sql, { id });
    return row === undefined ? undefined : (await withClusters(sql, [row]))[0];
  }

  /** The job with this id. Fails with `not_found` that says what could not be done. */
  async existing(sql: Sql, id: number, action: string): Promise<Job> {
    const [job] = await withClusters(sql, [await this.#table.existing(sql, id, action)]);
    if (job === undefined) throw new Error("a job is missing");
    return job;
  }

  async insert(sql: Sql, job: JobInput, nowMs: number): Promise<Job> {
    const { schedulerClusterIds, seedPeerClusterIds, ...row } = job;
    const id = await this.#table.insert(sql, row, nowMs);
    await linkClusters(sql, id, { schedulerClusterIds, seedPeerClusterIds });
    return await this.existing(sql, id, "store");
  }

  /** Changes what `patch` holds; does nothing to a job that does not exist. */
  async update(sql: Sql, id: number, patch: Partial<JobInput>, nowMs: number): Promise<void> {
    const { schedulerClusterIds, seedPeerClusterIds, ...row } = patch;
    await this.#table.update(sql, { id }, { ...row, updatedAtMs: nowMs });
    await linkClusters(sql, id, { schedulerClusterIds, seedPeerClusterIds });
  }

  /** Removes a job, its links and its order; how many there were. */
  async remove(sql: Sql, id: number): Promise<number> {
    await linkClusters(sql, id, { schedulerClusterIds: [], seedPeerClusterIds: [] });
    await sql.run(`DELETE FROM ${JOB_ORDER} WHERE job_id = ?`, [id]);
    return await this.#table.remove(sql, { id });
  }

  /** Removes at most `limit` jobs of before `beforeMs`, with links and orders; one that has not ended stays. */
  async removeBefore(sql: Sql, beforeMs: number, limit: number): Promise<number> {
    const rows = await sql.all(
      `SELECT id FROM "${JOBS.name}" WHERE is_del = 0 AND created_at < ?
        AND id NOT IN (SELECT job_id FROM ${JOB_ORDER} WHERE kept_until_ms = 0) ORDER BY id LIMIT ${integerOf(limit)}`,
      [sql.dialect.time(beforeMs)],
    );
    const removed = await this.#table.removeMany(sql, rows.map((row) => integerOf(row["id"])));
    for (const table of removed === 0 ? [] : [JOB_ORDER, SCHEDULER_LINK.table, SEED_PEER_LINK.table]) {
      await sql.run(`DELETE FROM ${table} WHERE job_id NOT IN (SELECT id FROM "${JOBS.name}")`);
    }
    return removed;
  }
}

async function linkClusters(
  sql: Sql,
  id: number,
  { schedulerClusterIds, seedPeerClusterIds }: {
    readonly schedulerClusterIds: readonly number[] | undefined;
    readonly seedPeerClusterIds: readonly number[] | undefined;
  },
): Promise<void> {
  if (schedulerClusterIds !== undefined) await replaceLinks(sql, SCHEDULER_LINK, id, schedulerClusterIds);
  if (seedPeerClusterIds !== undefined) await replaceLinks(sql, SEED_PEER_LINK, id, seedPeerClusterIds);
}

async function withClusters(sql: Sql, rows: readonly JobRow[]): Promise<Job[]> {
  const ids = rows.map(({ id }) => id);
  const schedulers = await linksOf(sql, SCHEDULER_LINK, ids);
  const seedPeers = await linksOf(sql, SEED_PEER_LINK, ids);
  return rows.map((row) => ({
    ...row,
    schedulerClusterIds: schedulers.get(row.id) ?? [],
    seedPeerClusterIds: seedPeers.get(row.id) ?? [],
  }));
}
