/** How long a manager takes to start, and what it needs when nobody asks it anything. */
import { join } from "node:path";
import { MARIADB } from "../../e2e/lib/database_servers.ts";
import { findProgram } from "../../e2e/lib/programs.ts";
import { median } from "./load.ts";
import type { Row } from "./report.ts";
import { type Form, type ShippedManager, startShipped } from "./shipped.ts";

const STARTS = 3;
const SQLITE_SECONDS_MAX = 1;
const MARIADB_SECONDS_MAX = 2;
const RSS_MIB_MAX = 120;
/** After a start: what was only needed for it is given back. */
const IDLE_MS = 3_000;

interface Starts {
  readonly readySeconds: number;
  readonly cpuSeconds: number;
  readonly rssMiB: number;
}

/** Starts it several times; the middle of what that took. */
async function startRepeatedly(form: Form, configPath: string): Promise<Starts> {
  const readySeconds: number[] = [];
  const cpuSeconds: number[] = [];
  let rssMiB = 0;
  for (let n = 0; n <= STARTS; n++) {
    await using manager: ShippedManager = await startShipped(form, configPath, "only for benches");
    if (n === 0) continue; // the first one fills the code cache
    readySeconds.push(manager.readyAfterMs / 1_000);
    cpuSeconds.push(manager.readyCpuSeconds);
    if (n < STARTS) continue;
    await new Promise((resolve) => setTimeout(resolve, IDLE_MS));
    rssMiB = manager.rssMiB();
  }
  return { readySeconds: median(readySeconds), cpuSeconds: median(cpuSeconds), rssMiB };
}

/** The rows about starts with the SQLite database of `configPath`. */
export async function measureStarts(form: Form, configPath: string): Promise<Row[]> {
  const { readySeconds, cpuSeconds, rssMiB } = await startRepeatedly(form, configPath);
  const name = `SQLite, from ${form === "bundle" ? "its bundle" : "the sources"}`;
  return [
    { what: `start to ready, ${name}`, value: readySeconds, unit: "s", target: { atMost: SQLITE_SECONDS_MAX } },
    { what: `processor time of that`, value: cpuSeconds, unit: "s" },
    { what: `idle memory, ${name}`, value: rssMiB, unit: "MiB", target: { atMost: RSS_MIB_MAX } },
  ];
}

/** The row about starts with a MariaDB that has its tables; none where MariaDB is not installed. */
export async function measureMariadbStarts(dir: string, server: object): Promise<Row[]> {
  if (!MARIADB.programs.every((name) => findProgram(name) !== undefined)) return [];
  await using mariadb = await MARIADB.start(dir);
  const { host, port, user, password, database } = await mariadb.create();
  const configPath = join(dir, "mariadb.yaml");
  const mysql = { host, port, user, password, dbname: database, migrate: true };
  await Deno.writeTextFile(configPath, JSON.stringify({ server, database: { type: "mariadb", mysql } }));
  const { readySeconds, cpuSeconds } = await startRepeatedly("sources", configPath);
  const what = "start to ready, existing MariaDB, from the sources";
  return [
    { what, value: readySeconds, unit: "s", target: { atMost: MARIADB_SECONDS_MAX } },
    { what: "processor time of that", value: cpuSeconds, unit: "s" },
  ];
}
