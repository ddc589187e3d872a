import type { Connection, ResultSetHeader } from "mysql2/promise";
import { DamselflyError } from "../../../core/error.ts";
import type { RawRow, SqlDatabase, SqlValue } from "./database.ts";
import { MYSQL } from "./dialect.ts";
import {
  CONNECT_TIMEOUT_MS,
  openServer,
  type ServerDatabaseOptions,
  type ServerDriver,
  type ServerFailure,
  type ServerOptions,
  tlsOptionsOf,
} from "./server_database.ts";
import type { ServerConnection, ServerResult } from "./server_pool.ts";

/** Statements that a connection keeps prepared. */
const PREPARED_MAX = 200;
/** How long another manager may take to change the schema, in seconds as MySQL wants it. */
const SCHEMA_LOCK_TIMEOUT_S = 300;

/** How every connection begins: names in double quotes, wrong values refused, times in UTC. */
const SESSION = [
  "SET SESSION sql_mode = 'ANSI_QUOTES,STRICT_TRANS_TABLES,NO_ENGINE_SUBSTITUTION', time_zone = '+00:00'",
  "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED",
];

/** Errors of the server by their code. */
const FAILURES: Readonly<Record<string, ServerFailure>> = {
  ER_DUP_ENTRY: "duplicate",
  ER_LOCK_DEADLOCK: "conflict",
  ER_LOCK_WAIT_TIMEOUT: "conflict",
  ER_CHECKREAD: "conflict",
  ER_ACCESS_DENIED_ERROR: "refused",
  ER_DBACCESS_DENIED_ERROR: "refused",
  ER_BAD_DB_ERROR: "refused",
  ER_NOT_SUPPORTED_AUTH_MODE: "refused",
  HANDSHAKE_NO_SSL_SUPPORT: "refused",
  HANDSHAKE_SSL_ERROR: "refused",
  ER_CON_COUNT_ERROR: "unreachable",
  ER_SERVER_SHUTDOWN: "unreachable",
  ER_CONNECTION_KILLED: "unreachable",
};

/** Opens a database of MySQL or MariaDB. Fails as {@link openServer} does. */
export async function openMysql(server: ServerOptions, options: ServerDatabaseOptions): Promise<SqlDatabase> {
  return await openServer(mysqlDriver(server), options);
}

function mysqlDriver(server: ServerOptions): ServerDriver {
  return {
    dialect: MYSQL,
    returningId: "",
    connect: () => connect(server),
    async lockSchema(connection) {
      const lock = `SELECT GET_LOCK('damselfly_schema', ${SCHEMA_LOCK_TIMEOUT_S}) AS got`;
      const { rows: [row] } = await connection.query(lock, []);
      if (Number(row?.["got"]) === 1) return;
      throw new DamselflyError("unavailable", "Cannot change the schema: another manager has been at it for too long");
    },
    async unlockSchema(connection) {
      await connection.query("SELECT RELEASE_LOCK('damselfly_schema')", []);
    },
    failureOf,
  };
}

function failureOf(error: unknown): ServerFailure {
  if (error instanceof DamselflyError) return error.code === "unavailable" ? "unreachable" : "fault";
  const { code = "", fatal } = error as { code?: string; fatal?: boolean };
  return FAILURES[code] ?? (fatal === true || /^(E[A-Z]+|PROTOCOL_.*)$/.test(code) ? "unreachable" : "fault");
}

async function connect({ host, port, user, password, database, tls }: ServerOptions): Promise<ServerConnection> {
  const { createConnection } = await import("mysql2/promise"); // not needed with SQLite, and slow to load
  const connection = await createConnection({
    host,
    port,
    user,
    password,
    database,
    charset: "utf8mb4_bin",
    connectTimeout: CONNECT_TIMEOUT_MS,
    // Ids and times as text: numbers lose the last digits of a BIGINT, dates the milliseconds.
    supportBigNumbers: true,
    bigNumberStrings: true,
    dateStrings: true,
    maxPreparedStatements: PREPARED_MAX,
    ...(tls === undefined ? {} : { ssl: tlsOptionsOf(tls) }),
  });
  const opened = new MysqlConnection(connection);
  try {
    for (const statement of SESSION) await connection.query(statement);
  } catch (error) {
    opened.destroy();
    throw error;
  }
  return opened;
}

class MysqlConnection implements ServerConnection {
  readonly #connection: Connection;
  #isOpen = true;

  constructor(connection: Connection) {
    this.#connection = connection;
    const onEnd = () => void (this.#isOpen = false);
    connection.on("error", onEnd);
    connection.on("end", onEnd);
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  async query(statement: string, values: readonly SqlValue[]): Promise<ServerResult> {
    // What the protocol of prepared statements does not know goes as text.
    const [result] = values.length === 0
      ? await this.#connection.query(statement)
      : await this.#connection.execute(statement, [...values]);
    if (Array.isArray(result)) return { rows: result as RawRow[], changes: 0, id: 0 };
    const { affectedRows, insertId } = result as ResultSetHeader;
    return { rows: [], changes: affectedRows, id: insertId };
  }

  end(): Promise<void> {
    this.#isOpen = false;
    return this.#connection.end();
  }

  destroy(): void {
    this.#isOpen = false;
    this.#connection.destroy();
  }
}
