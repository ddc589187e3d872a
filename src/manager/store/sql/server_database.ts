import { DamselflyError, errorText } from "../../../core/error.ts";
import type { Clock } from "../../../runtime/clock.ts";
import type { Random } from "../../../runtime/random.ts";
import { type ClientTlsFiles, nodeTlsOf } from "../../../runtime/tls_files.ts";
import type { RawRow, Sql, SqlDatabase, SqlValue } from "./database.ts";
import { type Dialect, integerOf } from "./dialect.ts";
import { type ServerConnection, ServerPool, type ServerResult } from "./server_pool.ts";

/** How to reach a database server. */
export interface ServerOptions {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  readonly database: string;
  /** Undefined for a connection in clear. */
  readonly tls: ServerTls | undefined;
}

/** TLS towards a database server. Without an authority those of the system count. */
export interface ServerTls {
  /** Each new connection uses what is in them then; undefined when none are named. */
  readonly files: Pick<ClientTlsFiles, "current"> | undefined;
  readonly checksCertificate: boolean;
}

/** What drivers hand to `node:tls` for a connection that is made now. */
export function tlsOptionsOf({ files, checksCertificate }: ServerTls) {
  return { rejectUnauthorized: checksCertificate, ...(files === undefined ? {} : nodeTlsOf(files.current())) };
}

/** How long a connection may take to be made. */
export const CONNECT_TIMEOUT_MS = 5_000;
/** How long a statement may take; the largest ones store or remove some thousand rows. */
const STATEMENT_TIMEOUT_MS = 15_000;
/** The same for a change of the schema, which may copy a large table, or wait for another manager that does. */
const MIGRATION_STATEMENT_TIMEOUT_MS = 10 * 60_000;

/** How often a transaction is tried when others get in its way, and the first pause between two tries. */
const ATTEMPTS_MAX = 5;
const RETRY_PAUSE_MS = 20;
const NEVER = new AbortController().signal;

/** What a failure means for us. */
export type ServerFailure = "duplicate" | "conflict" | "unreachable" | "refused" | "fault";

/** A kind of server. */
export interface ServerDriver {
  readonly dialect: Dialect;
  /** What makes an INSERT say the id of its row. */
  readonly returningId: string;
  /** Keeps other managers from changing the schema as long as the transaction lasts. */
  lockSchema(connection: ServerConnection): Promise<void>;
  /** Ends what outlasts the transaction. */
  unlockSchema(connection: ServerConnection): Promise<void>;
  connect(): Promise<ServerConnection>;
  failureOf(error: unknown): ServerFailure;
}

/** What a database on a server takes from outside. */
export interface ServerDatabaseOptions {
  /** What it is called in messages. */
  readonly place: string;
  readonly clock: Clock;
  readonly random: Random;
}

/** Connects, to find out now what is wrong. Fails with `unavailable`, or `failed_precondition` when it is refused. */
export async function openServer(driver: ServerDriver, options: ServerDatabaseOptions): Promise<SqlDatabase> {
  const database = new ServerDatabase(driver, options);
  await database.all("SELECT 1");
  return database;
}

class ServerDatabase implements SqlDatabase {
  readonly isShared = true;
  readonly dialect: Dialect;
  readonly #driver: ServerDriver;
  readonly #options: ServerDatabaseOptions;
  readonly #pool: ServerPool;

  constructor(driver: ServerDriver, options: ServerDatabaseOptions) {
    this.dialect = driver.dialect;
    this.#driver = driver;
    this.#options = options;
    this.#pool = new ServerPool({ clock: options.clock, connect: () => driver.connect() });
  }

  writesTo(): undefined {}

  all(statement: string, values?: readonly SqlValue[]): Promise<RawRow[]> {
    return this.#use((connection) => this.#sql(connection).all(statement, values));
  }

  run(statement: string, values?: readonly SqlValue[]): Promise<number> {
    return this.#use((connection) => this.#sql(connection).run(statement, values));
  }

  insert(statement: string, values: readonly SqlValue[]): Promise<number> {
    return this.#use((connection) => this.#sql(connection).insert(statement, values));
  }

  async transaction<T>(work: (sql: Sql) => Promise<T>): Promise<T> {
    const { clock, random } = this.#options;
    for (let attempt = 1; attempt < ATTEMPTS_MAX; attempt++) {
      try {
        return await this.#use((connection) => this.#transaction(connection, () => work(this.#sql(connection))));
      } catch (error) {
        if (this.#driver.failureOf(error) !== "conflict") throw error;
        await clock.sleep(RETRY_PAUSE_MS * attempt * (1 + random.float()), NEVER);
      }
    }
    return await this.#use((connection) => this.#transaction(connection, () => work(this.#sql(connection))));
  }

  migration<T>(work: (sql: Sql) => Promise<T>): Promise<T> {
    return this.#use(async (connection) => {
      try {
        return await this.#transaction(connection, async () => {
          await this.#driver.lockSchema(connection);
          return await work(this.#sql(connection));
        });
      } finally {
        if (connection.isOpen) await this.#driver.unlockSchema(connection);
      }
    }, MIGRATION_STATEMENT_TIMEOUT_MS);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#pool[Symbol.asyncDispose]();
  }

  #sql(connection: ServerConnection): Sql {
    const query = (statement: string, values: readonly SqlValue[] = []) => connection.query(statement, values);
    return {
      dialect: this.dialect,
      all: async (statement, values) => [...(await query(statement, values)).rows],
      run: async (statement, values) => (await query(statement, values)).changes,
      insert: async (statement, values) => integerOf((await query(statement + this.#driver.returningId, values)).id),
    };
  }

  async #transaction<T>(connection: ServerConnection, work: () => Promise<T>): Promise<T> {
    await connection.query("BEGIN", []);
    try {
      const result = await work();
      await connection.query("COMMIT", []);
      return result;
    } catch (error) {
      if (connection.isOpen) await connection.query("ROLLBACK", []);
      throw error;
    }
  }

  async #limited(
    connection: ServerConnection,
    timeoutMs: number,
    [statement, values]: readonly [string, readonly SqlValue[]],
  ): Promise<ServerResult> {
    using limit = this.#options.clock.deadline(timeoutMs);
    const late = Promise.withResolvers<never>();
    limit.signal.addEventListener("abort", () => {
      connection.destroy();
      const message = `Cannot use database ${this.#options.place}: a statement took longer than ${timeoutMs} ms`;
      late.reject(new DamselflyError("unavailable", message, { details: statement }));
    }, { once: true });
    try {
      return await Promise.race([connection.query(statement, values), late.promise]);
    } catch (error) {
      throw this.#explained(error);
    }
  }

  /**
   * Lends a connection to `work`, each statement on which is limited in time, those that begin and end a transaction too.
   * What the driver throws comes out as our errors, conflicts as they are.
   */
  async #use<T>(
    work: (connection: ServerConnection) => Promise<T>,
    timeoutMs: number = STATEMENT_TIMEOUT_MS,
  ): Promise<T> {
    const isSpoilt = (error: unknown) => this.#driver.failureOf(error) === "unreachable";
    const limited = (connection: ServerConnection): ServerConnection => ({
      get isOpen() {
        return connection.isOpen;
      },
      query: (...query) => this.#limited(connection, timeoutMs, query),
      end: () => connection.end(),
      destroy: () => connection.destroy(),
    });
    try {
      return await this.#pool.use((connection) => work(limited(connection)), isSpoilt);
    } catch (error) {
      throw this.#explained(error);
    }
  }

  #explained(error: unknown): unknown {
    if (error instanceof DamselflyError) return error;
    const failure = this.#driver.failureOf(error);
    const place = `Cannot use database ${this.#options.place}: ${errorText(error)}`;
    if (failure === "duplicate") return new DamselflyError("already_exists", errorText(error), { cause: error });
    if (failure === "unreachable") {
      return new DamselflyError("unavailable", `${place}; check that it runs and can be reached`, { cause: error });
    }
    if (failure === "refused") {
      const hint = "create the database, and check user, password and TLS";
      return new DamselflyError("failed_precondition", `${place}; ${hint}`, { cause: error });
    }
    return error;
  }
}
