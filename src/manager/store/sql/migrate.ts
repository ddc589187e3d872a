import type { Clock } from "../../../runtime/clock.ts";
import { DamselflyError, errorText } from "../../../core/error.ts";
import { hashToken, isTokenHash } from "../token_hash.ts";
import type { ColumnDefinition, Sql, SqlDatabase } from "./database.ts";
import { integerOf } from "./dialect.ts";
import { SQL_TABLES, type SqlTableDefinition } from "./tables.ts";

/** One step of the schema. A step that was released is never taken out; what follows is a new one. */
export interface Migration {
  readonly version: number;
  readonly name: string;
  /** May have been done before in part: MySQL keeps each change of a table at once. */
  apply(sql: Sql): Promise<void>;
}

/**
 * The steps. A database of Dragonfly's has version 0; the first SQLite files of ours have version 1, a part of the
 * tables.
 */
export const MIGRATIONS: readonly Migration[] = [
  { version: 2, name: "all tables", apply: completeTables },
  { version: 3, name: "tokens as hashes", apply: hashTokens },
  { version: 4, name: "orders of jobs, turns of managers", apply: completeTables },
  { version: 5, name: "warm images", apply: completeTables },
  { version: 6, name: "savings", apply: completeTables },
  { version: 7, name: "the last minutes of savings", apply: completeTables },
];

const SCHEMA_MIGRATION = `
  CREATE TABLE IF NOT EXISTS schema_migration (
    version INTEGER PRIMARY KEY,
    name VARCHAR(256) NOT NULL,
    applied_at BIGINT NOT NULL
  )`;

/** Whether the schema may be changed. */
export interface MigrateOptions {
  readonly clock: Clock;
  /** What the database is called in messages. */
  readonly place: string;
  /** False where somebody else looks after the schema: then it must be up to date already. */
  readonly migrate: boolean;
  readonly migrations?: readonly Migration[];
}

/**
 * Brings the schema up to date. Fails with `failed_precondition` when a newer manager wrote the database, or when it
 * is behind and must not be changed, and with `internal` on a step that fails, which leaves the version as it was.
 */
export async function migrate(database: SqlDatabase, options: MigrateOptions): Promise<void> {
  const { clock, place, migrations = MIGRATIONS } = options;
  const newest = Math.max(0, ...migrations.map(({ version }) => version));
  const applied = await appliedVersion(database);
  if (applied > newest) {
    throw new DamselflyError(
      "failed_precondition",
      `Cannot use database ${place}: a newer manager wrote it (schema ${applied}, this one knows ${newest}); run that ` +
        "version, or restore a backup",
    );
  }
  if (applied === newest) return;
  if (!options.migrate) {
    throw new DamselflyError(
      "failed_precondition",
      `Cannot use database ${place}: its schema is ${applied} and must be ${newest}; set its key migrate to true`,
    );
  }
  for (const migration of migrations) {
    await database.migration((sql) => applyOnce(sql, migration, clock.wallMs())).catch((cause) => {
      const step = `schema ${migration.version} (${migration.name})`;
      throw new DamselflyError("internal", `Cannot bring database ${place} to ${step}: ${errorText(cause)}`, { cause });
    });
  }
}

async function applyOnce(sql: Sql, { version, name, apply }: Migration, nowMs: number): Promise<void> {
  await sql.run(SCHEMA_MIGRATION);
  if (version <= await appliedVersion(sql)) return; // another manager was faster
  await apply(sql);
  await sql.run("INSERT INTO schema_migration (version, name, applied_at) VALUES (?, ?, ?)", [version, name, nowMs]);
}

async function appliedVersion(sql: Sql): Promise<number> {
  if ((await namesOf(sql, sql.dialect.columnsOfTable, "schema_migration")).size === 0) return 0;
  const [row] = await sql.all("SELECT max(version) AS version FROM schema_migration");
  return integerOf(row?.["version"]);
}

/** The names of columns or indexes, by a query of the dialect. */
async function namesOf(sql: Sql, query: string, table: string): Promise<ReadonlySet<string>> {
  const rows = await sql.all(query, [table]);
  return new Set(rows.map((row) => String(row["name"])));
}

/**
 * Makes the tables that are not there and adds the columns that they lack, and the indexes too, where an earlier try may
 * have ended between the two; whatever else is there stays.
 */
async function completeTables(sql: Sql): Promise<void> {
  const { columnsOfTable, indexesOfTable } = sql.dialect;
  for (const table of SQL_TABLES) {
    const present = await namesOf(sql, columnsOfTable, table.name);
    if (present.size > 0) await addColumns(sql, table, present);
    else await createTable(sql, table);
    if (present.size === 0) await addIndexes(sql, table, new Set());
    else if (indexesOfTable !== undefined) await addIndexes(sql, table, await namesOf(sql, indexesOfTable, table.name));
  }
}

async function createTable(sql: Sql, { name, columns, primaryKey }: SqlTableDefinition): Promise<void> {
  const declarations = columns.map((column) => declaration(sql, column));
  if (primaryKey !== undefined) declarations.push(`PRIMARY KEY (${primaryKey.map(quoted).join(", ")})`);
  await sql.run(`CREATE TABLE ${quoted(name)} (${declarations.join(", ")}) ${sql.dialect.tableOptions}`);
}

async function addIndexes(
  sql: Sql,
  { name, unique, indexes }: SqlTableDefinition,
  present: ReadonlySet<string>,
): Promise<void> {
  for (const [kind, made] of [["UNIQUE INDEX", unique], ["INDEX", indexes]] as const) {
    for (const [index, names] of Object.entries(made).filter(([index]) => !present.has(index))) {
      await sql.run(`CREATE ${kind} ${index} ON ${quoted(name)} (${names.map(quoted).join(", ")})`);
    }
  }
}

async function addColumns(sql: Sql, table: SqlTableDefinition, present: ReadonlySet<string>): Promise<void> {
  for (const column of table.columns.filter(({ name }) => !present.has(name))) {
    await sql.run(`ALTER TABLE ${quoted(table.name)} ADD COLUMN ${declaration(sql, column)}`);
    if (column.name === "is_del") await sql.run(`UPDATE ${quoted(table.name)} SET is_del = 0`);
    const before = table.formerly[column.name];
    if (before === undefined || !present.has(before)) continue;
    await sql.run(`UPDATE ${quoted(table.name)} SET ${quoted(column.name)} = ${quoted(before)}`);
  }
}

function declaration(sql: Sql, { name, type }: ColumnDefinition): string {
  return `${quoted(name)} ${sql.dialect.declare(type)}`;
}

function quoted(name: string): string {
  return `"${name}"`;
}

/** Dragonfly keeps tokens in clear, where whoever reads the database or its backup could use them. */
async function hashTokens(sql: Sql): Promise<void> {
  for (const row of await sql.all("SELECT id, token FROM personal_access_token")) {
    const token = String(row["token"]);
    if (isTokenHash(token)) continue;
    await sql.run("UPDATE personal_access_token SET token = ? WHERE id = ?", [hashToken(token), integerOf(row["id"])]);
  }
}
