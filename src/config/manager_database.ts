import * as z from "zod";
import { DamselflyError } from "../core/error.ts";
import { choice, flag, parsed, path, port, section, table, text } from "./fields.ts";
import { managerRedis } from "./redis.ts";

const NO_OTHER = "databases are reached by database.mysql or database.postgres";

/** The kinds of databases; MariaDB is MySQL for us. */
export type DatabaseKind = "sqlite" | "mysql" | "postgres";

function parseDatabaseType(type: string): "sqlite" | "mysql" | "mariadb" | "postgres" {
  if (type === "sqlite" || type === "mysql" || type === "mariadb" || type === "postgres") return type;
  const what = type === "polardb" ? "is not supported, write mysql for one that speaks its protocol" : "is no database";
  throw new DamselflyError(
    "invalid_argument",
    `Cannot use database type "${type}": it ${what}; known are sqlite, mysql, mariadb and postgres`,
  );
}

/** What Go's MySQL driver is told by `tlsConfig`, as far as it can be done here. */
function parseTlsConfig(mode: string): "true" | "false" | "skip-verify" {
  if (mode === "true" || mode === "false" || mode === "skip-verify") return mode;
  throw new DamselflyError(
    "invalid_argument",
    `Cannot use tlsConfig "${mode}": expected true, false or skip-verify; write certificates in tls`,
  );
}

const sqlTls = section({
  caCert: path().optional().describe("PEM file of the authority of the database server."),
  cert: path().optional().describe("PEM file of our own certificate."),
  key: path().optional().describe("PEM file of the key of our own certificate."),
  insecureSkipVerify: flag().default(false).describe("Do not check the certificate of the database server."),
}, "TLS of the connection to the database; used when a key of it is set.").refine(
  ({ cert, key }) => (cert === undefined) === (key === undefined),
  "TLS needs both cert and key",
);

const mysql = table({
  user: text().optional().describe("Database user."),
  password: text().optional().describe("Password of the database user."),
  host: text().optional().describe("Host of the database server."),
  port: port().default(3306).describe("Port of the database server."),
  dbname: text().default("manager").describe("Name of the database."),
  tlsConfig: parsed("true or false or skip-verify", parseTlsConfig).optional().describe(
    "TLS without certificates of our own: checked against the system's authorities, off, or not checked.",
  ),
  tls: sqlTls,
  migrate: flag().default(true).describe("Create and change tables at start."),
}, "MySQL or MariaDB.");

const postgres = table({
  user: text().optional().describe("Database user."),
  password: text().optional().describe("Password of the database user."),
  host: text().optional().describe("Host of the database server."),
  port: port().default(5432).describe("Port of the database server."),
  dbname: text().default("manager").describe("Name of the database."),
  sslMode: choice("disable", "require", "verify-full").default("disable").describe(
    "TLS: off, without checking the certificate, or checked against the system's authorities.",
  ),
  preferSimpleProtocol: flag().default(false).describe("Do not prepare statements.").meta({
    ignored: "statements are never kept prepared",
  }),
  timezone: text().default("UTC").describe("Time zone of the connection.").meta({
    ignored: "times are kept without a zone",
  }),
  migrate: flag().default(true).describe("Create and change tables at start."),
}, "PostgreSQL.");

const polardb = section({
  user: text().optional().describe("Database user."),
  password: text().optional().describe("Password of the database user."),
  addrList: text().optional().describe("Addresses of the database servers."),
  dbname: text().default("manager").describe("Name of the database."),
  migrate: flag().default(true).describe("Create and change tables at start."),
}, "PolarDB.").meta({ ignored: NO_OTHER });

/** `database` of the manager. */
export const database = section({
  type: parsed("sqlite or mysql or mariadb or postgres", parseDatabaseType).optional().describe(
    "Kind of database; left out it is mysql when there is a table database.mysql, as in Dragonfly, and sqlite otherwise.",
  ),
  sqlite: section({
    path: path().default("/var/lib/dragonfly/manager.db").describe("File of the database; it is created if absent."),
  }, "SQLite, which is built in."),
  // Left out is not the same as empty: whoever writes one of these tables wants that database, and never a new SQLite.
  mysql: mysql.optional(),
  mariadb: mysql.optional().describe("MariaDB; left out, database.mysql counts."),
  postgres: postgres.optional(),
  polardb,
  redis: managerRedis,
}, "Where the manager keeps its data.").superRefine((value, context) => {
  const problem = problemOf(value);
  if (problem !== undefined) context.addIssue(problem);
});
type Database = z.infer<typeof database>;

/** The kind of database that the configuration means. */
export function databaseKind({ type, mysql }: Database): DatabaseKind {
  if (type !== undefined) return type === "mariadb" ? "mysql" : type;
  return mysql === undefined ? "sqlite" : "mysql";
}

/** The part of the configuration that says how to reach MySQL or MariaDB; the defaults where there is none. */
export function mysqlOf({ type, mysql: written, mariadb }: Database): z.infer<typeof mysql> {
  return (type === "mariadb" ? mariadb : undefined) ?? written ?? mysql.parse({});
}

/** The part of the configuration that says how to reach PostgreSQL; the defaults where there is none. */
export function postgresOf({ postgres: written }: Database): z.infer<typeof postgres> {
  return written ?? postgres.parse({});
}

/** The tables of `database` that are written and have no effect, for another kind of database is used. */
export function unusedDatabases(database: Database): string[] {
  const kind = databaseKind(database);
  const used = kind === "postgres" ? database.postgres : kind === "mysql" ? mysqlOf(database) : undefined;
  return (["mysql", "mariadb", "postgres"] as const)
    .filter((name) => database[name] !== undefined && database[name] !== used)
    .map((name) => `database.${name}`);
}

function problemOf(database: Database): string | undefined {
  const kind = databaseKind(database);
  if (kind === "sqlite") {
    const { type, mariadb, postgres } = database;
    if (type !== undefined || (mariadb === undefined && postgres === undefined)) return undefined;
    const name = mariadb === undefined ? "postgres" : "mariadb";
    return `database.${name} is filled in but not used: set database.type to ${name}, or to sqlite`;
  }
  const server = kind === "mysql" ? mysqlOf(database) : postgresOf(database);
  if (server.host !== undefined && server.user !== undefined) return undefined;
  return `a database of type ${kind} needs host and user in database.${kind}`;
}
