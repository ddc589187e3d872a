import type { Audit, AuditFilter, AuditInput, AuditStore } from "../audits.ts";
import type { SqlContext } from "./context.ts";
import { AUDITS } from "./schema.ts";
import { SqlRepository } from "./sql_repository.ts";

/** Audits. */
export class SqlAudits extends SqlRepository<Audit, AuditFilter> implements AuditStore {
  constructor(context: SqlContext) {
    super(context, AUDITS);
  }

  add(audits: readonly AuditInput[]): Promise<void> {
    const { database, clock } = this.context;
    return database.transaction((sql) => this.table.insertMany(sql, audits, clock.wallMs()));
  }

  removeBefore(beforeMs: number, limit: number): Promise<number> {
    return this.context.database.transaction((sql) => this.table.removeBefore(sql, "createdAtMs", beforeMs, limit));
  }
}
