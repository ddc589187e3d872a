import { DamselflyError } from "../../../core/error.ts";
import type { Job, JobFilter, JobInput, JobStore } from "../jobs.ts";
import type { Listed, Page } from "../repository.ts";
import type { SqlContext } from "./context.ts";
import { JobTable } from "./job_table.ts";

/** Jobs with the clusters they are for. */
export class SqlJobs implements JobStore {
  readonly #context: SqlContext;
  readonly #table: JobTable;

  constructor(context: SqlContext) {
    this.#context = context;
    this.#table = new JobTable(context.log);
  }

  list(filter: JobFilter, page: Page): Promise<Listed<Job>> {
    return this.#table.list(this.#context.database, filter, page);
  }

  get(id: number): Promise<Job | undefined> {
    return this.#table.find(this.#context.database, id);
  }

  create(job: JobInput): Promise<Job> {
    const { database, clock } = this.#context;
    return database.transaction((sql) => this.#table.insert(sql, job, clock.wallMs()));
  }

  update(id: number, patch: Partial<JobInput>): Promise<Job> {
    const { database, clock } = this.#context;
    return database.transaction(async (sql) => {
      await this.#table.existing(sql, id, "change");
      await this.#table.update(sql, id, patch, clock.wallMs());
      return await this.#table.existing(sql, id, "change");
    });
  }

  async remove(id: number): Promise<void> {
    const count = await this.#context.database.transaction((sql) => this.#table.remove(sql, id));
    if (count === 0) throw new DamselflyError("not_found", `Cannot delete job ${id}: it does not exist`);
  }

  countSince(filter: JobFilter, sinceMs: number): Promise<number> {
    return this.#table.countSince(this.#context.database, filter, sinceMs);
  }

  removeBefore(beforeMs: number, limit: number): Promise<number> {
    return this.#context.database.transaction((sql) => this.#table.removeBefore(sql, beforeMs, limit));
  }
}
