/** MariaDB and Redis, which the stock manager cannot do without: one of each for all clusters of a test. */
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { requireProgram, run } from "../../e2e/lib/programs.ts";
import { startProcess } from "../../e2e/lib/process.ts";
import { REDIS_PROGRAM, startRedis } from "../../e2e/lib/redis_server.ts";

/** What {@link startDatabases} needs from the machine. */
export const DATABASE_PROGRAMS = ["mariadbd", "mariadb", "mariadb-install-db", REDIS_PROGRAM] as const;

const START_TIMEOUT_MS = 60_000;
const MARIADB_PORT = 3306;
const REDIS_PORT = 6379;

/** Running database servers, on standard ports of one address. */
export interface Databases extends AsyncDisposable {
  readonly ip: string;
  /** An empty database for a manager's first start. */
  fresh(): Promise<StockDatabase>;
}

/** What one stock manager calls its own. */
export interface StockDatabase extends JobQueues {
  readonly mysql: { readonly host: string; readonly port: number; readonly user: string; readonly password: string };
  readonly name: string;
}

/** Where a manager puts jobs, and its schedulers find them. */
export interface JobQueues {
  readonly redis: { readonly addrs: readonly string[]; readonly db: number; readonly brokerDB: number };
  readonly backendDB: number;
}

/** Starts both servers with empty stores below `dir`. */
export async function startDatabases(ip: string, dir: string): Promise<Databases> {
  await using stack = new AsyncDisposableStack();
  const data = join(dir, "mysql");
  const scratch = join(dir, "scratch");
  const socket = join(dir, "mysql.sock");
  await mkdir(scratch, { recursive: true });
  // A server that starts removes all temporary tables of its scratch folder, whoever they belong to.
  const own = ["--no-defaults", "--user=root", `--datadir=${data}`, `--tmpdir=${scratch}`];
  const install = [...own, "--skip-test-db", "--auth-root-authentication-method=normal"];
  await run(requireProgram("mariadb-install-db"), install);
  const mariadb = stack.use(startProcess({
    name: "mariadb",
    command: requireProgram("mariadbd"),
    args: [
      ...[...own, "--skip-name-resolve", "--innodb-flush-log-at-trx-commit=2"],
      ...[`--socket=${socket}`, `--pid-file=${join(dir, "mysql.pid")}`],
      ...[`--bind-address=${ip}`, `--port=${MARIADB_PORT}`],
    ],
    logDir: dir,
  }));
  stack.use(await startRedis({ ip, port: REDIS_PORT, dir }));
  const sql = async (text: string) => {
    await run(requireProgram("mariadb"), ["--no-defaults", `--socket=${socket}`, "-uroot", "-e", text]);
    return true as const;
  };
  await mariadb.ready("the SQL server", START_TIMEOUT_MS, () => sql("select 1"));
  await sql("create user 'manager'@'%' identified by 'manager'; grant all on *.* to 'manager'@'%'");
  const parts = stack.move();
  let made = 0;
  return {
    ip,
    async fresh() {
      const number = made++;
      const name = `manager_${number}`;
      await sql(`create database ${name}`);
      return {
        mysql: { host: ip, port: MARIADB_PORT, user: "manager", password: "manager" },
        name,
        redis: { addrs: [`${ip}:${REDIS_PORT}`], db: 3 * number, brokerDB: 3 * number + 1 },
        backendDB: 3 * number + 2,
      };
    },
    [Symbol.asyncDispose]: () => parts[Symbol.asyncDispose](),
  };
}
