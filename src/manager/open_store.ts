import { dirname } from "node:path";
import { DamselflyError, errorText } from "../core/error.ts";
import { databaseKind, mysqlOf, postgresOf, unusedDatabases } from "../config/manager_database.ts";
import type { ManagerConfig } from "../config/manager.ts";
import type { Runtime } from "../runtime/runtime.ts";
import { openClientTlsFiles } from "../runtime/tls_files.ts";
import { openMysql } from "./store/sql/mysql.ts";
import { openPostgres } from "./store/sql/postgres.ts";
import type { ServerOptions, ServerTls } from "./store/sql/server_database.ts";
import { createSqlStore } from "./store/sql/sql_store.ts";
import { MEMORY } from "./store/sql/sqlite.ts";
import { openSqliteStore } from "./store/sqlite_store.ts";
import type { Store } from "./store/store.ts";

type DatabaseConfig = ManagerConfig["database"];
type MysqlConfig = ReturnType<typeof mysqlOf>;
type PostgresConfig = ReturnType<typeof postgresOf>;

/**
 * Opens the database that the configuration names, with its schema up to date, for `stack` to own; warns of tables of
 * the configuration that have no effect. Fails as the stores do, with the path or address in the text, and with
 * `invalid_argument` when a TLS file cannot be used.
 */
export async function openStore(
  config: DatabaseConfig,
  runtime: Runtime,
  stack: AsyncDisposableStack,
): Promise<Store> {
  const { clock, log } = runtime;
  const kind = databaseKind(config);
  for (const name of unusedDatabases(config)) {
    log.warn("A table of the configuration has no effect, for another kind of database is used", { name, kind });
  }
  if (kind === "sqlite") return stack.use(await openFile(config.sqlite.path, runtime));
  const place = placeOf(config);
  const { migrate } = kind === "mysql" ? mysqlOf(config) : postgresOf(config);
  const database = kind === "mysql"
    ? await openMysql(await mysqlServer(mysqlOf(config), runtime, stack), { ...runtime, place })
    : await openPostgres(postgresServer(postgresOf(config)), { ...runtime, place });
  return stack.use(await createSqlStore(database, { clock, log, place, migrate }));
}

/** What the database is called in the log, without credentials. */
export function placeOf(config: DatabaseConfig): string {
  const kind = databaseKind(config);
  if (kind === "sqlite") return config.sqlite.path;
  const { host = "", port, dbname } = kind === "mysql" ? mysqlOf(config) : postgresOf(config);
  return `${kind}://${host.includes(":") ? `[${host}]` : host}:${port}/${dbname}`;
}

async function openFile(path: string, { clock, disk, log }: Runtime): Promise<Store> {
  try {
    if (path !== MEMORY) await disk.mkdirAll(dirname(path));
  } catch (cause) {
    const why = `${errorText(cause)}; make its folder writable for this user or set another database.sqlite.path`;
    throw new DamselflyError("failed_precondition", `Cannot use database ${path}: ${why}`);
  }
  return await openSqliteStore(path, { clock, log });
}

async function mysqlServer(
  config: MysqlConfig,
  runtime: Runtime,
  stack: AsyncDisposableStack,
): Promise<ServerOptions> {
  return { ...addressOf(config), tls: await mysqlTls(config, runtime, stack) };
}

function postgresServer(config: PostgresConfig): ServerOptions {
  const { sslMode } = config;
  const tls = { files: undefined, checksCertificate: sslMode === "verify-full" };
  return { ...addressOf(config), tls: sslMode === "disable" ? undefined : tls };
}

function addressOf({ host = "", port, user = "", password = "", dbname }: MysqlConfig | PostgresConfig) {
  return { host, port, user, password, database: dbname };
}

/** TLS as `tls` says, or as `tlsConfig` does when there is nothing in `tls`. */
async function mysqlTls(
  { tls, tlsConfig }: MysqlConfig,
  runtime: Runtime,
  stack: AsyncDisposableStack,
): Promise<ServerTls | undefined> {
  const { caCert, cert, key, insecureSkipVerify } = tls;
  const hasFiles = caCert !== undefined || cert !== undefined;
  if (!hasFiles && !insecureSkipVerify && (tlsConfig === undefined || tlsConfig === "false")) return undefined;
  return {
    files: hasFiles ? stack.use(await openClientTlsFiles({ caCert, cert, key }, runtime)) : undefined,
    checksCertificate: !insecureSkipVerify && tlsConfig !== "skip-verify",
  };
}
