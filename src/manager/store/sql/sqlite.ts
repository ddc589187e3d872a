import { chmodSync, statSync } from "node:fs";
import { DatabaseSync, type StatementSync } from "node:sqlite";
import { DamselflyError, errorText } from "../../../core/error.ts";
import type { RawRow, Sql, SqlDatabase, SqlValue } from "./database.ts";
import { SQLITE } from "./dialect.ts";
import { FileLock } from "./file_lock.ts";
import { TableWrites } from "./table_writes.ts";

/** SQLite's extended result codes (https://sqlite.org/rescode.html). */
const SQLITE_CONSTRAINT_UNIQUE = 2067;
const SQLITE_CONSTRAINT_PRIMARYKEY = 1555;

/** How long a write waits for another process that holds the file, such as a backup. */
const LOCK_TIMEOUT_MS = 5_000;
/** Statements that are kept prepared. */
const STATEMENTS_MAX = 500;

/** The path of a database that is gone when it is closed. */
export const MEMORY = ":memory:";
const OWNER_ONLY = 0o600;

/**
 * Opens the file at `path` (`:memory:` keeps nothing), which is created if absent. Fails with `data_loss` when it is
 * damaged, which leaves it as it is, and with `unavailable` when it cannot be opened or another manager uses it.
 */
export function openSqlite(path: string): SqlDatabase {
  const lock = path === MEMORY ? undefined : FileLock.acquire(path);
  try {
    return new SqliteDatabase(openSound(path), lock);
  } catch (error) {
    lock?.[Symbol.dispose]();
    throw error;
  }
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
      `Cannot open database ${path}: ${text}; check its directory, its permissions, and that no other program uses it`,
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

/**
 * SQLite answers at once, on one connection. What runs beside a transaction waits for its end, for it would be part
 * of it otherwise.
 */
class SqliteDatabase implements SqlDatabase {
  readonly dialect = SQLITE;
  readonly isShared = false;
  readonly #database: DatabaseSync;
  readonly #lock: Disposable | undefined;
  readonly #statements: SqliteStatements;
  /** Settles when the transactions that were begun so far have ended. */
  #idle: Promise<unknown> = Promise.resolve();

  constructor(database: DatabaseSync, lock: Disposable | undefined) {
    this.#database = database;
    this.#lock = lock;
    this.#statements = new SqliteStatements(database);
  }

  writesTo(table: string): number {
    return this.#statements.writesTo(table);
  }

  async all(statement: string, values?: readonly SqlValue[]): Promise<RawRow[]> {
    await this.#idle;
    return await this.#statements.all(statement, values);
  }

  async run(statement: string, values?: readonly SqlValue[]): Promise<number> {
    await this.#idle;
    return await this.#statements.run(statement, values);
  }

  async insert(statement: string, values: readonly SqlValue[]): Promise<number> {
    await this.#idle;
    return await this.#statements.insert(statement, values);
  }

  transaction<T>(work: (sql: Sql) => Promise<T>): Promise<T> {
    const done = this.#idle.then(() => this.#transaction(work));
    this.#idle = done.catch(() => undefined);
    return done;
  }

  migration<T>(work: (sql: Sql) => Promise<T>): Promise<T> {
    return this.transaction(work); // the file is ours alone
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#idle;
    if (this.#database.isOpen) this.#database.close();
    this.#lock?.[Symbol.dispose]();
  }

  async #transaction<T>(work: (sql: Sql) => Promise<T>): Promise<T> {
    this.#database.exec("BEGIN IMMEDIATE");
    try {
      const result = await work(this.#statements);
      this.#database.exec("COMMIT");
      return result;
    } catch (error) {
      if (this.#database.isTransaction) this.#database.exec("ROLLBACK"); // a full disk has rolled it back already
      throw error;
    }
  }
}

/** Runs statements at once; each is prepared the first time. */
class SqliteStatements implements Sql {
  readonly dialect = SQLITE;
  readonly #database: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();
  readonly #fileVersion: StatementSync;
  readonly #writes = new TableWrites();

  constructor(database: DatabaseSync) {
    this.#database = database;
    this.#fileVersion = database.prepare("PRAGMA data_version");
  }

  /** Another program may write too, such as the one with which somebody mends a row; the file tells of it. */
  writesTo(table: string): number {
    return this.#writes.to(table, Number(this.#fileVersion.get()?.["data_version"]));
  }

  all(statement: string, values: readonly SqlValue[] = []): Promise<RawRow[]> {
    return this.#attempt(statement, (prepared) => prepared.all(...plain(values)));
  }

  run(statement: string, values: readonly SqlValue[] = []): Promise<number> {
    this.#writes.note(statement);
    return this.#attempt(statement, (prepared) => Number(prepared.run(...plain(values)).changes));
  }

  insert(statement: string, values: readonly SqlValue[]): Promise<number> {
    this.#writes.note(statement);
    return this.#attempt(statement, (prepared) => Number(prepared.run(...plain(values)).lastInsertRowid));
  }

  #attempt<T>(statement: string, run: (prepared: StatementSync) => T): Promise<T> {
    try {
      return Promise.resolve(run(this.#prepare(statement)));
    } catch (cause) {
      const code = (cause as { errcode?: number }).errcode;
      const isDuplicate = code === SQLITE_CONSTRAINT_UNIQUE || code === SQLITE_CONSTRAINT_PRIMARYKEY;
      return Promise.reject(isDuplicate ? new DamselflyError("already_exists", errorText(cause), { cause }) : cause);
    }
  }

  #prepare(statement: string): StatementSync {
    let prepared = this.#statements.get(statement);
    if (prepared === undefined) {
      if (this.#statements.size >= STATEMENTS_MAX) this.#statements.clear();
      prepared = this.#database.prepare(statement);
      this.#statements.set(statement, prepared);
    }
    return prepared;
  }
}

function plain(values: readonly SqlValue[]): (string | number | null)[] {
  return values.map((value) => typeof value === "boolean" ? Number(value) : value);
}
