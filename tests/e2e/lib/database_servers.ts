/** Real database servers on private sockets and ports, with data of their own. */
import { chown, mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { SqlDatabase } from "../../../src/manager/store/sql/database.ts";
import { openMysql } from "../../../src/manager/store/sql/mysql.ts";
import { openPostgres } from "../../../src/manager/store/sql/postgres.ts";
import type { ServerDatabaseOptions, ServerOptions } from "../../../src/manager/store/sql/server_database.ts";
import { testCertificates } from "../../../src/testing/certificates.ts";
import { freePort } from "./addresses.ts";
import { requireProgram, run } from "./programs.ts";
import { type RunningProcess, startProcess } from "./process.ts";

const LOCAL = "127.0.0.1";
const USER = "damselfly";
const PASSWORD = "only for tests";
const START_TIMEOUT_MS = 60_000;

/** A kind of server that tests can start. */
export interface DatabaseServerKind {
  readonly name: string;
  /** Its `database.type`. */
  readonly type: "mysql" | "postgres";
  readonly programs: readonly string[];
  /** The file with what a Dragonfly manager wrote. */
  readonly dragonfly: string;
  start(dir: string): Promise<DatabaseServer>;
  open(server: ServerOptions, options: ServerDatabaseOptions): Promise<SqlDatabase>;
}

/** A running server. */
export interface DatabaseServer extends AsyncDisposable {
  /** Makes an empty database, for one test. */
  create(): Promise<ServerOptions>;
  /** Runs the statements of a file. */
  load(options: ServerOptions, file: string): Promise<void>;
  /** Stops it, keeping its data. */
  stop(): Promise<void>;
  /** Starts it again where it was. */
  restart(): Promise<void>;
}

export const MARIADB: DatabaseServerKind = {
  name: "MariaDB",
  type: "mysql",
  programs: ["mariadbd", "mariadb-install-db", "mariadb"],
  dragonfly: "dragonfly.mysql.sql",
  start: startMariadb,
  open: openMysql,
};

export const POSTGRESQL: DatabaseServerKind = {
  name: "PostgreSQL",
  type: "postgres",
  programs: ["initdb", "postgres", "psql"],
  dragonfly: "dragonfly.postgres.sql",
  start: startPostgres,
  open: openPostgres,
};

async function startMariadb(dir: string): Promise<DatabaseServer> {
  const data = join(dir, "mariadb");
  const socket = join(dir, "mariadb.sock");
  const port = await freePort(LOCAL);
  const user = Deno.uid() === 0 ? ["--user=root"] : [];
  const install = ["--no-defaults", `--datadir=${data}`, ...user, "--skip-test-db"];
  await run(requireProgram("mariadb-install-db"), [...install, "--auth-root-authentication-method=normal"]);
  const args = ["--no-defaults", `--datadir=${data}`, ...user, `--bind-address=${LOCAL}`, `--port=${port}`];
  const hasty = ["--innodb-flush-log-at-trx-commit=0", "--skip-innodb-doublewrite", "--innodb-flush-method=nosync"];
  const own = [...hasty, `--socket=${socket}`, `--pid-file=${join(dir, "mariadb.pid")}`, "--skip-name-resolve"];
  const { cert, key } = testCertificates("a"); // for callers who want TLS
  const tls = [`--ssl-cert=${cert}`, `--ssl-key=${key}`];
  const command = requireProgram("mariadbd");
  const client = (...more: string[]) =>
    run(requireProgram("mariadb"), ["--no-defaults", `--socket=${socket}`, "-uroot", ...more]);
  const server = await startServer(
    () => startProcess({ name: "mariadb", command, args: [...args, ...own, ...tls], logDir: dir }),
    () => client("-e", "SELECT 1"),
  );
  await client("-e", `CREATE USER '${USER}'@'%' IDENTIFIED BY '${PASSWORD}'; GRANT ALL ON *.* TO '${USER}'@'%'`);
  return {
    ...server,
    async create() {
      const options = nextDatabase(port);
      await client("-e", `CREATE DATABASE ${options.database}`);
      return options;
    },
    async load({ database }, file) {
      await client(database, "-e", `source ${file}`);
    },
  };
}

async function startPostgres(dir: string): Promise<DatabaseServer> {
  const data = join(dir, "postgres");
  const port = await freePort(LOCAL);
  await mkdir(data);
  // PostgreSQL refuses to run as root; Debian has a user for it.
  const isRoot = Deno.uid() === 0;
  if (isRoot) {
    await Deno.chmod(dir, 0o711);
    const [uid, gid] = await Promise.all(["-u", "-g"].map((what) => run("id", [what, "postgres"])));
    await chown(data, Number(uid), Number(gid));
  }
  const as = (program: string, ...args: string[]): [string, ...string[]] =>
    isRoot ? ["runuser", "-u", "postgres", "--", requireProgram(program), ...args] : [requireProgram(program), ...args];
  const [initdb, ...initdbArgs] = as("initdb", "-D", data, "-A", "trust", "-U", USER, "-E", "UTF8", "--no-locale");
  await run(initdb, initdbArgs, { cwd: "/" });
  const [command, ...args] = as("postgres", "-D", data, "-h", LOCAL, "-p", String(port), "-k", "", "-c", "fsync=off");
  const client = (database: string, ...more: string[]) =>
    run(requireProgram("psql"), [
      "-h",
      LOCAL,
      "-p",
      String(port),
      "-U",
      USER,
      "-qv",
      "ON_ERROR_STOP=1",
      database,
      ...more,
    ]);
  const server = await startServer(
    () => startProcess({ name: "postgres", command, args, logDir: dir, cwd: "/" }),
    () => client("postgres", "-c", "SELECT 1"),
  );
  return {
    ...server,
    async create() {
      const options = nextDatabase(port);
      await client("postgres", "-c", `CREATE DATABASE ${options.database}`);
      return options;
    },
    async load({ database }, file) {
      await client(database, "-f", file);
    },
  };
}

async function startServer(start: () => RunningProcess, probe: () => Promise<unknown>) {
  const ready = async () => {
    const process = start();
    await process.ready("an answer", START_TIMEOUT_MS, async () => {
      await probe();
      return true;
    });
    return process;
  };
  let process = await ready();
  return {
    stop: () => process.stop(),
    async restart() {
      process = await ready();
    },
    [Symbol.asyncDispose]: () => process.stop(),
  };
}

let databases = 0;

function nextDatabase(port: number): ServerOptions {
  const database = `manager_${++databases}`;
  return { host: LOCAL, port, user: USER, password: PASSWORD, database, tls: undefined };
}
