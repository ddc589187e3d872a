/**
 * What a manager does on one core, how long its callers wait, and what it costs while nobody asks: each number with the
 * one that must be reached. The manager runs as it is shipped, in a process of its own on one processor, and its callers
 * on another; its processor time is counted, so that other work on the machine changes little. Takes about three minutes; more with a preheat to twenty peers. The bundle
 * is measured if `deno task bundle` has made one, MariaDB if it is installed.
 *
 *     deno task bench:manager [--preheat] [--json]
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { HAS_CORES, MEASURED_CORE, onCallingCore } from "../cores.ts";
import { measureConnections } from "./connections.ts";
import { fillDatabase, keepAlive, PASSWORD } from "./content.ts";
import { measureListPeers } from "./list_peers.ts";
import { measureListSchedulers } from "./list_schedulers.ts";
import { signIn } from "./people.ts";
import { measurePreheat } from "./preheat.ts";
import { type Row, tableOf } from "./report.ts";
import { BUNDLE, startShipped } from "./shipped.ts";
import { measureMariadbStarts, measureStarts } from "./starts.ts";

async function measure(dir: string): Promise<Row[]> {
  const database = join(dir, "manager.db");
  const configPath = join(dir, "manager.yaml");
  const server = { grpc: { listenIP: "127.0.0.1", port: 0 }, rest: { addr: "127.0.0.1:0" } };
  await Deno.writeTextFile(
    configPath,
    JSON.stringify({ server, database: { type: "sqlite", sqlite: { path: database } } }),
  );
  await fillDatabase(database);
  const rows = await onCallingCore(async () => [
    ...await measureCalls(configPath),
    ...await measureMemory(configPath),
  ]);
  rows.push(...await measureStarts("sources", configPath));
  if (existsSync(BUNDLE)) rows.push(...await measureStarts("bundle", configPath));
  rows.push(...await measureMariadbStarts(dir, server));
  if (Deno.args.includes("--preheat")) rows.push(...await measurePreheat());
  return rows;
}

async function measureCalls(configPath: string): Promise<Row[]> {
  await using manager = await startShipped("sources", configPath, PASSWORD, MEASURED_CORE);
  using _alive = await keepAlive(`127.0.0.1:${manager.grpcPort}`);
  const token = await signIn(manager.restPort, "root", PASSWORD); // the first one takes longer than all others
  return [...await measureListSchedulers(manager), ...await measureListPeers(manager, token)];
}

async function measureMemory(configPath: string): Promise<Row[]> {
  await using manager = await startShipped("sources", configPath, PASSWORD, MEASURED_CORE);
  using _alive = await keepAlive(`127.0.0.1:${manager.grpcPort}`);
  return await measureConnections(manager);
}

if (!HAS_CORES) console.error("No processor for each side (two of them and taskset are needed): times say less");
const dir = await Deno.makeTempDir();
try {
  const rows = await measure(dir);
  console.log(Deno.args.includes("--json") ? JSON.stringify(rows, undefined, 2) : tableOf(rows));
} finally {
  await Deno.remove(dir, { recursive: true });
}
Deno.exit();
