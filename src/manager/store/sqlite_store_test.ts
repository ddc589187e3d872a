import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { silentLog } from "../../runtime/log.ts";
import { MemoryLog } from "../../testing/memory_log.ts";
import { memoryStore } from "../../testing/memory_store.ts";
import { VirtualClock } from "../../testing/virtual_clock.ts";
import { isLive } from "./liveness.ts";
import { openSqliteStore } from "./sqlite_store.ts";
import { clusterInput, failsWith, jobInput, schedulerInput } from "./store_builders_test.ts";
import { storeConformance } from "./store_conformance_test.ts";

storeConformance("SQLite", memoryStore);

/** A path in a directory that is removed after the test. */
async function temporaryFile(): Promise<AsyncDisposable & { readonly path: string }> {
  const directory = await Deno.makeTempDir();
  return {
    path: `${directory}/manager.db`,
    [Symbol.asyncDispose]: () => Deno.remove(directory, { recursive: true }),
  };
}

function open(path: string, clock = new VirtualClock(), log = silentLog()) {
  return openSqliteStore(path, { clock, log });
}

Deno.test("a store that is opened again holds what was stored", async () => {
  await using file = await temporaryFile();
  const [before] = await (async () => {
    await using store = await open(file.path);
    return [await store.clusters.create(clusterInput({ name: "a" }))];
  })();
  await using store = await open(file.path);
  assert.deepEqual(await store.clusters.all(), [before]);
});

Deno.test("a scheduler that was active when the manager died is dead once it has been silent for too long", async () => {
  await using file = await temporaryFile();
  const clock = new VirtualClock();
  {
    await using store = await open(file.path, clock);
    const { id: clusterId } = await store.clusters.create(clusterInput({ name: "a" }));
    await store.schedulers.keepAlive(await store.schedulers.upsert(schedulerInput({ clusterId })));
  }
  await using store = await open(file.path, clock);
  const [scheduler] = await store.schedulers.all();
  assert.equal(scheduler?.state, "active");
  assert.equal(isLive(scheduler, clock.wallMs()), true, "a quick restart takes nothing from the peers");
  await clock.advance(15_001);
  assert.equal(isLive(scheduler, clock.wallMs()), false);
});

Deno.test("the database has a write-ahead log and can be read by its owner only", async () => {
  await using file = await temporaryFile();
  await using _store = await open(file.path);
  using database = new DatabaseSync(file.path);
  assert.equal(database.prepare("PRAGMA journal_mode").get()?.["journal_mode"], "wal");
  for (const path of [file.path, `${file.path}-wal`, `${file.path}.lock`]) {
    assert.equal(((await Deno.stat(path)).mode ?? 0) & 0o777, 0o600, path);
  }
});

Deno.test("a second manager on the same file is refused while the first runs, and starts after it", async () => {
  await using file = await temporaryFile();
  {
    await using _first = await open(file.path);
    await assert.rejects(
      open(file.path),
      failsWith("unavailable", /manager\.db: another manager uses it; stop that one/),
    );
  }
  await using _second = await open(file.path);
});

Deno.test("a row that cannot be read is logged once and left out of the list, and the others stay", async () => {
  await using file = await temporaryFile();
  const log = new MemoryLog();
  await using store = await open(file.path, new VirtualClock(), log);
  const first = await store.clusters.create(clusterInput({ name: "a" }));
  const { id } = await store.clusters.create(clusterInput({ name: "b" }));
  {
    using database = new DatabaseSync(file.path);
    database.prepare('UPDATE scheduler_cluster SET config = \'{"candidate_parent_limit":"x"}\' WHERE id = ?').run(id);
  }
  assert.deepEqual(await store.clusters.all(), [first]);
  assert.deepEqual((await store.schedulerClusters.all()).map((cluster) => cluster.name), ["a"]);
  const lines = log.lines.map(({ level, message, fields }) => [level, message, fields["row"]]);
  assert.deepEqual(lines, [[
    "error",
    "A row of the database is left out, for it cannot be read: mend or delete it",
    `scheduler_cluster ${id}`,
  ]]);
  await assert.rejects(
    store.clusters.get(id),
    failsWith("data_loss", /scheduler_cluster\.config of row 2.*other JSON/),
  );
});

Deno.test("a list counts and shows what another program did to the file", async () => {
  await using file = await temporaryFile();
  await using store = await open(file.path);
  for (const name of ["a", "b", "c"]) await store.configs.create({ name, value: "", bio: "", userId: 0 });
  const second = { offset: 1, limit: 1 };
  const names = async () => {
    await store.configs.list({}, { offset: 0, limit: 1 });
    const { rows, total } = await store.configs.list({}, second);
    return [rows.map(({ name }) => name), total];
  };
  assert.deepEqual(await names(), [["b"], 3]);
  {
    using database = new DatabaseSync(file.path);
    database.exec("DELETE FROM config WHERE name = 'a'");
  }
  assert.deepEqual(await names(), [["c"], 2]);
});

Deno.test("the order of a job that others removed goes when it is taken, and that of one that cannot be read stays", async () => {
  await using file = await temporaryFile();
  await using store = await open(file.path);
  const { jobQueue } = store;
  for (const sealed of ["removed", "deleted", "unreadable"]) {
    await jobQueue.add(jobInput({}), { sealed, deadlineMs: 1 }, 3);
  }
  {
    using database = new DatabaseSync(file.path);
    database.exec("DELETE FROM job WHERE id = 1; UPDATE job SET is_del = 2 WHERE id = 2");
    database.exec("UPDATE job SET args = '[' WHERE id = 3");
  }
  const [removed, deleted, unreadable] = await jobQueue.leases(10);
  assert.ok(removed !== undefined && deleted !== undefined && unreadable !== undefined);
  for (const lease of [removed, deleted]) assert.equal(await jobQueue.take(lease, "a"), undefined);
  await assert.rejects(jobQueue.take(unreadable, "a"), failsWith("data_loss", /job\.args of row 3/));
  assert.deepEqual(await jobQueue.leases(10), [unreadable]);
});

Deno.test("a file that is no database is refused with its path and what to do, and stays as it is", async () => {
  await using file = await temporaryFile();
  const text = "not a database at all, whatever its name says. ".repeat(100);
  await Deno.writeTextFile(file.path, text);
  await assert.rejects(
    async () => await open(file.path),
    failsWith("data_loss", new RegExp(`${file.path}: .*put a backup in its place, or move it away`)),
  );
  assert.equal(await Deno.readTextFile(file.path), text);
});

Deno.test("a database with damaged pages is refused and stays as it is", async () => {
  await using file = await temporaryFile();
  await (await open(file.path))[Symbol.asyncDispose]();
  const bytes = await Deno.readFile(file.path);
  bytes.fill(0xff, 8_192, 24_576);
  await Deno.writeFile(file.path, bytes);
  await assert.rejects(async () => await open(file.path), failsWith("data_loss", /Cannot use database/));
  assert.deepEqual(await Deno.readFile(file.path), bytes);
});

Deno.test("a path that cannot be opened is named", async () => {
  await assert.rejects(
    async () => await open("/nonexistent-directory/manager.db"),
    failsWith("unavailable", /Cannot open database \/nonexistent-directory\/manager\.db/),
  );
});
