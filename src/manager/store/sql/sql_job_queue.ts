import { DamselflyError } from "../../../core/error.ts";
import type { Job, JobInput } from "../jobs.ts";
import type { JobEnd, JobLease, JobQueue, RetriedJob, SealedOrder, TakenJob } from "../job_queue.ts";
import type { JsonObject } from "../records.ts";
import type { SqlContext } from "./context.ts";
import type { RawRow, Sql, SqlValue } from "./database.ts";
import { integerOf } from "./dialect.ts";
import { JobTable } from "./job_table.ts";
import { JOBS } from "./schema.ts";
import { JOB_ORDER } from "./tables.ts";

/** What a lease is read from; the sealed orders may be large and stay where they are. */
const LEASE = "job_id, owner, beat, deadline_ms, cancelled_by";
/** The owner of a job that waits. */
const NOBODY = "";

/** The queue of jobs: a row beside that of the job, as long as it has not ended or its order is kept. */
export class SqlJobQueue implements JobQueue {
  readonly #context: SqlContext;
  readonly #jobs: JobTable;

  constructor(context: SqlContext) {
    this.#context = context;
    this.#jobs = new JobTable(context.log);
  }

  add(input: JobInput, { sealed, deadlineMs }: SealedOrder, waitingMax: number): Promise<Job> {
    return this.#transaction(async (sql) => {
      await checkRoom(sql, waitingMax);
      const job = await this.#jobs.insert(sql, input, this.#now());
      await sql.run(
        `INSERT INTO ${JOB_ORDER} (${LEASE}, sealed, kept_until_ms) VALUES (?, ?, ?, ?, ?, ?, ?)`,
        [job.id, NOBODY, 0, deadlineMs, "", sealed, 0],
      );
      return job;
    });
  }

  async leases(limit: number): Promise<JobLease[]> {
    const page = `ORDER BY job_id LIMIT ${integerOf(limit)}`;
    const rows = await this.#context.database.all(`SELECT ${LEASE} FROM ${JOB_ORDER} WHERE kept_until_ms = 0 ${page}`);
    return rows.map(leaseOf);
  }

  take({ jobId, owner, beat }: JobLease, newOwner: string): Promise<TakenJob | undefined> {
    return this.#transaction(async (sql) => {
      const taken = await sql.run(
        `UPDATE ${JOB_ORDER} SET owner = ?, beat = beat + 1 WHERE job_id = ? AND owner = ? AND beat = ?`,
        [newOwner, jobId, owner, beat],
      );
      if (taken === 0) return undefined;
      const job = await this.#jobs.find(sql, jobId);
      if (job === undefined) {
        // A manager of Dragonfly's, or a person, removed the job and knows nothing of its order.
        await sql.run(`DELETE FROM ${JOB_ORDER} WHERE job_id = ?`, [jobId]);
        return undefined;
      }
      const [row] = await sql.all(`SELECT sealed FROM ${JOB_ORDER} WHERE job_id = ?`, [jobId]);
      return { job, sealed: String(row?.["sealed"] ?? "") };
    });
  }

  renew(owner: string): Promise<JobLease[]> {
    return this.#transaction(async (sql) => {
      await sql.run(`UPDATE ${JOB_ORDER} SET beat = beat + 1 WHERE owner = ?`, [owner]);
      return (await sql.all(`SELECT ${LEASE} FROM ${JOB_ORDER} WHERE owner = ?`, [owner])).map(leaseOf);
    });
  }

  async release(owner: string): Promise<void> {
    const release = `UPDATE ${JOB_ORDER} SET owner = ? WHERE owner = ?`;
    await this.#transaction((sql) => sql.run(release, [NOBODY, owner]));
  }

  note(owner: string, jobId: number, result: JsonObject): Promise<void> {
    return this.#transaction(async (sql) => {
      if (!await change(sql, "beat = beat + 1", [], { owner, jobId })) return;
      await this.#jobs.update(sql, jobId, { result }, this.#now());
    });
  }

  end(owner: string, jobId: number, { state, result }: JobEnd, keptUntilMs: number): Promise<boolean> {
    return this.#transaction(async (sql) => {
      const values = [NOBODY, "", keptUntilMs];
      if (!await change(sql, "owner = ?, cancelled_by = ?, kept_until_ms = ?", values, { owner, jobId })) return false;
      if (keptUntilMs === 0) await sql.run(`DELETE FROM ${JOB_ORDER} WHERE job_id = ?`, [jobId]);
      await this.#jobs.update(sql, jobId, { state, result }, this.#now());
      return true;
    });
  }

  async cancel(jobId: number, by: string): Promise<boolean> {
    const cancel = `UPDATE ${JOB_ORDER} SET cancelled_by = ? WHERE job_id = ? AND kept_until_ms = 0`;
    return await this.#transaction((sql) => sql.run(cancel, [by, jobId])) > 0;
  }

  retry(jobId: number, { deadlineMs, result }: RetriedJob, waitingMax: number): Promise<Job | undefined> {
    return this.#transaction(async (sql) => {
      await checkRoom(sql, waitingMax);
      const waits = await sql.run(
        `UPDATE ${JOB_ORDER} SET beat = beat + 1, deadline_ms = ?, kept_until_ms = 0
          WHERE job_id = ? AND kept_until_ms > ?`,
        [deadlineMs, jobId, this.#now()],
      );
      if (waits === 0) return undefined;
      await this.#jobs.update(sql, jobId, { state: "PENDING", result }, this.#now());
      return await this.#jobs.existing(sql, jobId, "retry");
    });
  }

  removeKept(max: number): Promise<void> {
    return this.#transaction(async (sql) => {
      const kept = `FROM ${JOB_ORDER} WHERE kept_until_ms > 0`;
      await sql.run(`DELETE ${kept} AND kept_until_ms <= ?`, [this.#now()]);
      const [last] = await sql.all(`SELECT job_id ${kept} ORDER BY job_id DESC LIMIT 1 OFFSET ${integerOf(max)}`);
      if (last !== undefined) await sql.run(`DELETE ${kept} AND job_id <= ?`, [integerOf(last["job_id"])]);
    });
  }

  async lost(sinceMs: number, limit: number): Promise<Job[]> {
    const { database } = this.#context;
    const rows = await database.all(
      `SELECT id FROM "${JOBS.name}" WHERE is_del = 0 AND state = ? AND updated_at < ?
        AND id NOT IN (SELECT job_id FROM ${JOB_ORDER}) ORDER BY id LIMIT ${integerOf(limit)}`,
      ["PENDING", database.dialect.time(sinceMs)],
    );
    return await this.#jobs.select(database, { id: rows.map((row) => integerOf(row["id"])) });
  }

  #transaction<T>(work: (sql: Sql) => Promise<T>): Promise<T> {
    return this.#context.database.transaction(work);
  }

  #now(): number {
    return this.#context.clock.wallMs();
  }
}

/** Changes the row of a job if it is its owner's; whether it is. */
async function change(
  sql: Sql,
  sets: string,
  values: readonly SqlValue[],
  { owner, jobId }: { readonly owner: string; readonly jobId: number },
): Promise<boolean> {
  const statement = `UPDATE ${JOB_ORDER} SET ${sets} WHERE job_id = ? AND owner = ?`;
  return await sql.run(statement, [...values, jobId, owner]) > 0;
}

async function checkRoom(sql: Sql, waitingMax: number): Promise<void> {
  const waiting = `SELECT count(*) AS total FROM ${JOB_ORDER} WHERE owner = ? AND kept_until_ms = 0`;
  const [row] = await sql.all(waiting, [NOBODY]);
  if (integerOf(row?.["total"]) < waitingMax) return;
  throw new DamselflyError("resource_exhausted", `Cannot take the job: ${waitingMax} others wait`);
}

function leaseOf(row: RawRow): JobLease {
  return {
    jobId: integerOf(row["job_id"]),
    owner: String(row["owner"] ?? ""),
    beat: integerOf(row["beat"]),
    deadlineMs: integerOf(row["deadline_ms"]),
    cancelledBy: String(row["cancelled_by"] ?? ""),
  };
}
