import { DamselflyError } from "../../../core/error.ts";
import type { RawRow, SqlDatabase, SqlValue } from "./database.ts";
import { POSTGRES } from "./dialect.ts";
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

/** Any number, the same in every manager, so that they find each other's lock. */
const SCHEMA_LOCK = 20_260_815;

/** Errors of the server by their SQLSTATE. */
const FAILURES: Readonly<Record<string, ServerFailure>> = {
  "23505": "duplicate", // unique_violation
  "40001": "conflict", // serialization_failure
  "40P01": "conflict", // deadlock_detected
  "28000": "refused", // invalid_authorization_specification
  "28P01": "refused", // invalid_password
  "3D000": "refused", // invalid_catalog_name
  "42501": "refused", // insufficient_privilege
  "53300": "unreachable", // too_many_connections
  "57P01": "unreachable", // admin_shutdown
  "57P02": "unreachable", // crash_shutdown
  "57P03": "unreachable", // cannot_connect_now
};

/** The part of the driver's client that is used; the package has no types of its own. */
interface Client {
  readonly connection: { readonly stream: { destroy(): void } };
  connect(): Promise<void>;
  query(statement: string, values: readonly SqlValue[]): Promise<{ rows: RawRow[]; rowCount: number | null }>;
  end(): Promise<void>;
  on(event: "error" | "end", listener: () => void): void;
}

/** Opens a database of PostgreSQL. Fails as {@link openServer} does. */
export async function openPostgres(server: ServerOptions, options: ServerDatabaseOptions): Promise<SqlDatabase> {
  return await openServer(postgresDriver(server), options);
}

function postgresDriver(server: ServerOptions): ServerDriver {
  return {
    dialect: POSTGRES,
    returningId: " RETURNING id",
    connect: () => connect(server),
    async lockSchema(connection) {
      await connection.query(`SELECT pg_advisory_xact_lock(${SCHEMA_LOCK})`, []);
    },
    unlockSchema: () => Promise.resolve(), // it ends with the transaction
    failureOf,
  };
}

function failureOf(error: unknown): ServerFailure {
  if (error instanceof DamselflyError) return error.code === "unavailable" ? "unreachable" : "fault";
  const { code = "", message = "" } = error as { code?: string; message?: string };
  const isBroken = /^E[A-Z]+$/.test(code) || /terminated|not queryable|timeout|Connection ended/i.test(message);
  return FAILURES[code] ?? (isBroken ? "unreachable" : /SSL|certificate/i.test(message) ? "refused" : "fault");
}

async function connect({ host, port, user, password, database, tls }: ServerOptions): Promise<ServerConnection> {
  const { default: pg } = await import("pg"); // not needed with SQLite, and slow to load
  const client: Client = new pg.Client({
    host,
    port,
    user,
    password,
    database,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    application_name: "damselfly",
    // Everything as text: numbers lose the last digits of a BIGINT, dates depend on the machine's time zone.
    types: {
      getTypeParser: (oid: number) => oid === BOOLEAN ? (text: string) => text === "t" : (text: string) => text,
    },
    options: "-c TimeZone=UTC -c DateStyle=ISO",
    ssl: tls === undefined ? false : tlsOptionsOf(tls),
  });
  const opened = new PostgresConnection(client);
  try {
    await client.connect();
  } catch (error) {
    opened.destroy();
    throw error;
  }
  return opened;
}

/** The type of booleans in PostgreSQL's catalogue. */
const BOOLEAN = 16;

class PostgresConnection implements ServerConnection {
  readonly #client: Client;
  #isOpen = true;

  constructor(client: Client) {
    this.#client = client;
    const onEnd = () => void (this.#isOpen = false);
    client.on("error", onEnd);
    client.on("end", onEnd);
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  async query(statement: string, values: readonly SqlValue[]): Promise<ServerResult> {
    const { rows, rowCount } = await this.#client.query(this.#numbered(statement), [...values]);
    return { rows, changes: rowCount ?? 0, id: rows[0]?.["id"] };
  }

  end(): Promise<void> {
    this.#isOpen = false;
    return this.#client.end();
  }

  destroy(): void {
    this.#isOpen = false;
    this.#client.connection.stream.destroy();
  }

  /** PostgreSQL numbers the values of a statement. */
  #numbered(statement: string): string {
    let number = 0;
    return statement.replaceAll("?", () => `$${++number}`);
  }
}
