import { chmodSync, statSync } from "node:fs";
import { DatabaseSync, type SQLInputValue, type StatementSync } from "node:sqlite";
import { DamselflyError, errorText, toDamselflyError } from "../../core/error.ts";
import { type Migration, MIGRATIONS } from "./migrations.ts";

/** A row as SQLite gives it. */
export type Row = Record<string, unknown>;

/** Values for the `:name` parameters of a statement; those that it does not name are left aside. */
export type Parameters = Record<string, SQLInputValue>;

/** SQLite's extended result codes (https://sqlite.org/rescode.html). */
const SQLITE_CONSTRAINT_UNIQUE = 2067;
const SQLITE_CONSTRAINT_FOREIGNKEY = 787;

/** How long a write waits for another process that holds the file, such as a backup. */
const LOCK_TIMEOUT_MS = 5_000;

/** The path of a database that is gone when it is closed. */
const MEMORY = ":memory:";
const OWNER_ONLY = 0o600;

const SCHEMA_MIGRATION = `
  CREATE TABLE IF NOT EXISTS schema_migration (
    version INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    applied_at INTEGER NOT NULL
  ) STRICT`;

/** An open SQLite database with its schema up to date. Statements are prepared once, transactions do not nest. */
export class SqliteDatabase implements Disposable {
  readonly #database: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();

  private constructor(database: DatabaseSync) {
    this.#database = database;
  }

  /**
   * Opens the file at `path` (`:memory:` keeps nothing) and brings its schema up to `migrations`. `nowMs` is noted
   * with each migration. Fails with `data_loss` when the file is damaged, and with `failed_precondition` when a newer
   * version wrote it; neither changes it.
   */
  static open(path: string, nowMs: number, migrations: readonly Migration[] = MIGRATIONS): SqliteDatabase {
    const database = openSound(path);
    try {
      migrate(database, { path, nowMs, migrations });
      return new SqliteDatabase(database);
    } catch (error) {
      database.close();
      throw error;
    }
  }

  /** The first row of a query. */
  get(sql: string, parameters: Parameters = {}): Row | undefined {
    return this.#prepare(sql).get(parameters);
  }

  /** All rows of a query. */
  all(sql: string, parameters: Parameters = {}): Row[] {
    return this.#prepare(sql).all(parameters);
  }

  /** Runs a statement; how many rows it changed. */
  run(sql: string, parameters: Parameters = {}): number {
    return Number(this.#prepare(sql).run(parameters).changes);
  }

  /** Does all that `work` does, or nothing when it throws. */
  transaction<T>(work: () => T): T {
    return transaction(this.#database, work);
  }

  [Symbol.dispose](): void {
    this.#statements.clear();
    if (this.#database.isOpen) this.#database.close();
  }

  #prepare(sql: string): StatementSync {
    let statement = this.#statements.get(sql);
    if (statement === undefined) {
      statement = this.#database.prepare(sql);
      statement.setAllowUnknownNamedParameters(true);
      this.#statements.set(sql, statement);
    }
    return statement;
  }
}

/** Whether `error` says that a row with such a unique value exists already. */
export function isDuplicate(error: unknown): boolean {
  return (error as { errcode?: number }).errcode === SQLITE_CONSTRAINT_UNIQUE;
}

/** Whether `error` says that a row which is referred to does not exist. */
export function isMissingReference(error: unknown): boolean {
  return (error as { errcode?: number }).errcode === SQLITE_CONSTRAINT_FOREIGNKEY;
}

function openSound(path: string): DatabaseSync {
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(path, { timeout: LOCK_TIMEOUT_MS, enableForeignKeyConstraints: true });
    // It will hold password hashes. The write-ahead log takes over the mode.
    if (path !== MEMORY && statSync(path).size === 0) chmodSync(path, OWNER_ONLY);
    // Read before anything is written, so that a damaged file stays as it is for whoever wants to rescue it.
    const [finding] = database.prepare("PRAGMA quick_check(1)").all();
    if (finding?.["quick_check"] !== "ok") throw new Error(String(finding?.["quick_check"]));
    database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL");
    return database;
  } catch (cause) {
    database?.close();
    throw openError(path, cause);
  }
}

/** node:sqlite gives no result code when it opens or checks, so the text has to tell the causes apart. */
function openError(path: string, cause: unknown): DamselflyError {
  const text = errorText(cause);
  if (/unable to open|locked|readonly|permission/i.test(text)) {
    return new DamselflyError(
      "unavailable",
      `Cannot open database ${path}: ${text}; check its directory, its permissions, and that no other manager uses it`,
      { cause },
    );
  }
  return new DamselflyError(
    "data_loss",
    `Cannot use database ${path}: ${text}; it was left as it is: put a backup in its place, or move it away to start ` +
      "with an empty one",
    { cause },
  );
}

function migrate(
  database: DatabaseSync,
  { path, nowMs, migrations }: { path: string; nowMs: number; migrations: readonly Migration[] },
): void {
  const newest = Math.max(0, ...migrations.map(({ version }) => version));
  const applied = appliedVersion(database);
  if (applied > newest) {
    throw new DamselflyError(
      "failed_precondition",
      `Cannot use database ${path}: a newer manager wrote it (schema ${applied}, this one knows ${newest}); run that ` +
        "version, or restore a backup",
    );
  }
  database.exec(SCHEMA_MIGRATION);
  for (const { version, name, sql } of migrations) {
    if (version <= applied) continue;
    try {
      transaction(database, () => {
        database.exec(sql);
        database.prepare("INSERT INTO schema_migration (version, name, applied_at) VALUES (?, ?, ?)")
          .run(version, name, nowMs);
      });
    } catch (cause) {
      throw toDamselflyError(cause, "internal", `Cannot bring database ${path} to schema ${version} (${name})`);
    }
  }
}

function appliedVersion(database: DatabaseSync): number {
  const table = database.prepare("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'schema_migration'");
  if (table.get() === undefined) return 0;
  return Number(database.prepare("SELECT max(version) AS version FROM schema_migration").get()?.["version"] ?? 0);
}

function transaction<T>(database: DatabaseSync, work: () => T): T {
  database.exec("BEGIN IMMEDIATE");
  try {
    const result = work();
    database.exec("COMMIT");
    return result;
  } catch (error) {
    if (database.isTransaction) database.exec("ROLLBACK"); // a full disk has rolled it back already
    throw error;
  }
}
