import { DamselflyError } from "../../../core/error.ts";
import type { Job, JobFilter, JobInput, JobStore } from "../jobs.ts";
import type { Listed, Page } from "../repository.ts";
import type { SqlContext } from "./context.ts";
import type { Sql } from "./database.ts";
import { type JobRow, JOBS } from "./schema.ts";
import { linksOf, type LinkTable, replaceLinks } from "./sql_links.ts";
import { SqlTable } from "./table.ts";
import { JOB_SCHEDULER_CLUSTER, JOB_SEED_PEER_CLUSTER } from "./tables.ts";

const SCHEDULER_LINK: LinkTable = { table: JOB_SCHEDULER_CLUSTER, from: "job_id", to: "scheduler_cluster_id" };
const SEED_PEER_LINK: LinkTable = { table: JOB_SEED_PEER_CLUSTER, from: "job_id", to: "seed_peer_cluster_id" };

/** Jobs with the clusters they are for. */
export class SqlJobs implements JobStore {
  readonly #context: SqlContext;
  readonly #table: SqlTable<JobRow>;

  constructor(context: SqlContext) {
    this.#context = context;
    this.#table = new SqlTable(JOBS, context.log);
  }

  async list(filter: JobFilter, page: Page): Promise<Listed<Job>> {
    const { rows, total } = await this.#table.list(this.#context.database, filter, page);
    return { rows: await withClusters(this.#context.database, rows), total };
  }

  async get(id: number): Promise<Job | undefined> {
    const row = await this.#table.find(this.#context.database, { id });
    return row === undefined ? undefined : (await withClusters(this.#context.database, [row]))[0];
  }

  create({ schedulerClusterIds, seedPeerClusterIds, ...row }: JobInput): Promise<Job> {
    return this.#context.database.transaction(async (sql) => {
      const id = await this.#table.insert(sql, row, this.#context.clock.wallMs());
      await linkClusters(sql, id, { schedulerClusterIds, seedPeerClusterIds });
      return await this.#existing(sql, id, "store");
    });
  }

  update(id: number, { schedulerClusterIds, seedPeerClusterIds, ...patch }: Partial<JobInput>): Promise<Job> {
    return this.#context.database.transaction(async (sql) => {
      await this.#table.existing(sql, id, "change");
      await this.#table.update(sql, { id }, { ...patch, updatedAtMs: this.#context.clock.wallMs() });
      await linkClusters(sql, id, { schedulerClusterIds, seedPeerClusterIds });
      return await this.#existing(sql, id, "change");
    });
  }

  async remove(id: number): Promise<void> {
    const count = await this.#context.database.transaction(async (sql) => {
      await linkClusters(sql, id, { schedulerClusterIds: [], seedPeerClusterIds: [] });
      return await this.#table.remove(sql, { id });
    });
    if (count === 0) throw new DamselflyError("not_found", `Cannot delete job ${id}: it does not exist`);
  }

  removeBefore(beforeMs: number, limit: number): Promise<number> {
    return this.#context.database.transaction(async (sql) => {
      const removed = await this.#table.removeBefore(sql, "createdAtMs", beforeMs, limit);
      for (const { table } of removed === 0 ? [] : [SCHEDULER_LINK, SEED_PEER_LINK]) {
        await sql.run(`DELETE FROM ${table} WHERE job_id NOT IN (SELECT id FROM job)`);
      }
      return removed;
    });
  }

  async #existing(sql: Sql, id: number, action: string): Promise<Job> {
    const [job] = await withClusters(sql, [await this.#table.existing(sql, id, action)]);
    if (job === undefined) throw new Error("a job is missing");
    return job;
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
