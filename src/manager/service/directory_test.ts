import assert from "node:assert/strict";
import type { ListSchedulersResponse } from "../../rpc/gen/manager/v2/manager.ts";
import { silentLog } from "../../runtime/log.ts";
import { memoryStore } from "../../testing/memory_store.ts";
import { VirtualClock } from "../../testing/virtual_clock.ts";
import type { SqlDatabase } from "../store/sql/database.ts";
import { MEMORY, openSqlite } from "../store/sql/sqlite.ts";
import { createSqlStore } from "../store/sql/sql_store.ts";
import type { Store } from "../store/store.ts";
import { clusterInput, schedulerInput } from "../store/store_builders_test.ts";
import { Directory } from "./directory.ts";

const HOST = { hostname: "node-7", ip: "10.1.2.3", idc: "", location: "" };
const SCHEDULER = { ip: "10.0.0.1" };

/** One database for two managers, as a server would be; the first of them closes it. */
function sharedDatabases(): [SqlDatabase, SqlDatabase] {
  const database = openSqlite(MEMORY);
  const shared = (close: () => Promise<void>): SqlDatabase => ({
    dialect: database.dialect,
    isShared: true,
    writesTo: () => undefined,
    all: (...statement) => database.all(...statement),
    run: (...statement) => database.run(...statement),
    insert: (...statement) => database.insert(...statement),
    transaction: (work) => database.transaction(work),
    migration: (work) => database.migration(work),
    [Symbol.asyncDispose]: close,
  });
  return [shared(async () => await database[Symbol.asyncDispose]()), shared(() => Promise.resolve())];
}

function hostnames({ schedulers }: ListSchedulersResponse): string[] {
  return schedulers.map(({ hostname }) => hostname);
}

async function liveCluster(store: Store, name: string, idc = ""): Promise<number> {
  const { id } = await store.clusters.create(clusterInput({ name, scopes: idc === "" ? {} : { idc } }));
  await store.schedulers.keepAlive(await store.schedulers.upsert(schedulerInput({ clusterId: id, hostname: name })));
  return id;
}

Deno.test("what another manager wrote to the same database is known within seconds", async () => {
  const clock = new VirtualClock();
  const options = { clock, log: silentLog(), place: "shared", migrate: true };
  const [first, second] = sharedDatabases();
  await using writer = await createSqlStore(first, options);
  await using reader = await createSqlStore(second, options);
  using directory = new Directory(reader, clock);
  assert.deepEqual(hostnames(await directory.schedulersFor(HOST)), []);
  await liveCluster(writer, "default");
  const id = await liveCluster(writer, "a", "fra");
  await clock.advance(2_000);
  assert.deepEqual(hostnames(await directory.schedulersFor(HOST)), ["default", "a"]);
  assert.deepEqual(hostnames(await directory.schedulersOf(id)), ["a"]);
  await writer.schedulers.markInactive({ ...SCHEDULER, clusterId: id, hostname: "a" });
  await writer.clusters.remove(id);
  await clock.advance(2_000);
  assert.deepEqual(hostnames(await directory.schedulersFor(HOST)), ["default"]);
  await assert.rejects(directory.schedulersOf(id), { code: "not_found" });
});

Deno.test("a host whose place was asked for before follows when scopes or the default change", async () => {
  const clock = new VirtualClock();
  await using store = await memoryStore(clock);
  using directory = new Directory(store, clock);
  const first = await liveCluster(store, "a");
  const second = await liveCluster(store, "b");
  const host = { ...HOST, idc: "fra" };
  const asked = async () => hostnames(await directory.schedulersFor(host));
  assert.deepEqual(await asked(), ["a", "b"]);
  await store.clusters.update(second, { isDefault: true });
  assert.deepEqual(await asked(), ["b", "a"]);
  await store.clusters.update(first, { scopes: { idc: "fra" } });
  assert.deepEqual(await asked(), ["a", "b"]);
  await store.clusters.update(first, { scopes: {} });
  assert.deepEqual(await asked(), ["b", "a"]);
  const third = await liveCluster(store, "c", "fra");
  assert.deepEqual(await asked(), ["c", "b", "a"]);
  await store.schedulers.markInactive({ ...SCHEDULER, clusterId: third, hostname: "c" });
  await store.clusters.remove(third);
  assert.deepEqual(await asked(), ["b", "a"]);
});

Deno.test("a host that no scope tells apart is told of all clusters, and one in a scope of enough of them", async () => {
  const clock = new VirtualClock();
  await using store = await memoryStore(clock);
  using directory = new Directory(store, clock);
  const named = (prefix: string, count: number) => Array.from({ length: count }, (_, n) => `${prefix}-${n}`);
  const [others, alike, alone] = [named("other", 30), named("alike", 20), ["alone"]];
  for (const name of others) await liveCluster(store, name);
  for (const name of alike) await liveCluster(store, name, "fra");
  const id = await liveCluster(store, "alone", "ams");
  const told = async (place: Partial<typeof HOST>) => hostnames(await directory.schedulersFor({ ...HOST, ...place }));
  assert.deepEqual(await told({}), [...others, ...alike, ...alone]);
  assert.deepEqual(await told({ idc: "fra" }), alike);
  assert.deepEqual(await told({ idc: "ams" }), [...alone, ...others.slice(0, 3)]);
  await store.schedulers.markInactive({ ...SCHEDULER, clusterId: id, hostname: "alone" });
  assert.deepEqual(await told({ idc: "ams" }), [...others, ...alike]);
});

Deno.test("two hosts whose places differ only in where one text ends do not get each other's answer", async () => {
  const clock = new VirtualClock();
  await using store = await memoryStore(clock);
  using directory = new Directory(store, clock);
  await liveCluster(store, "b");
  await liveCluster(store, "a", "fra");
  assert.deepEqual(hostnames(await directory.schedulersFor({ ...HOST, idc: "fra" })), ["a", "b"]);
  assert.deepEqual(hostnames(await directory.schedulersFor({ ...HOST, hostname: `${HOST.hostname}fra` })), ["b", "a"]);
  assert.deepEqual(hostnames(await directory.schedulersFor({ ...HOST, idc: "", location: "fra" })), ["b", "a"]);
});

Deno.test("of 3,000 schedulers what changes costs the rows of its cluster, and a call after that none", async () => {
  const [clusters, schedulersEach] = [60, 50];
  const clock = new VirtualClock();
  await using store = await memoryStore(clock);
  using directory = new Directory(store, clock);
  const ids: number[] = [];
  for (let n = 0; n < clusters; n++) ids.push((await store.clusters.create(clusterInput({ name: `cluster-${n}` }))).id);
  const keys = ids.flatMap((clusterId) =>
    Array.from({ length: schedulersEach }, (_, n) => schedulerInput({ clusterId, hostname: `scheduler-${n}` }))
  );
  for (const key of keys) await store.schedulers.keepAlive(await store.schedulers.upsert(key));
  assert.equal(hostnames(await directory.schedulersFor(HOST)).length, clusters * schedulersEach);

  const read: string[] = [];
  const { all, ofCluster } = store.schedulers;
  store.schedulers.all = () => (read.push("all"), all.call(store.schedulers));
  store.schedulers.ofCluster = (id) => (read.push(`${id}`), ofCluster.call(store.schedulers, id));
  const changed = schedulerInput({ clusterId: ids[7] ?? 0, hostname: "scheduler-3", port: 9002 });
  await store.schedulers.upsert(changed);
  assert.equal((await directory.scheduler(changed)).port, 9002);
  for (const host of ["a", "b", "c"]) await directory.schedulersFor({ ...HOST, hostname: host });
  for (const key of keys) await store.schedulers.keepAlive(key);
  await directory.schedulersFor(HOST);
  assert.deepEqual(read, [`${ids[7]}`]);
});
