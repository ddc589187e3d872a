import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import type { Clock } from "../../runtime/clock.ts";
import { VirtualClock } from "../../testing/virtual_clock.ts";
import { isLive } from "./liveness.ts";
import { MIGRATIONS } from "./migrations.ts";
import { SqliteDatabase } from "./sqlite_database.ts";
import { openSqliteStore } from "./sqlite_store.ts";
import { clusterInput, failsWith, schedulerInput, storeConformance } from "./store_conformance_test.ts";

storeConformance("SQLite", (clock: Clock) => Promise.resolve(openSqliteStore(":memory:", clock)));

/** A path in a directory that is removed after the test. */
async function temporaryFile(): Promise<AsyncDisposable & { readonly path: string }> {
  const directory = await Deno.makeTempDir();
  return {
    path: `${directory}/manager.db`,
    [Symbol.asyncDispose]: () => Deno.remove(directory, { recursive: true }),
  };
}

Deno.test("a store that is opened again holds what was stored", async () => {
  await using file = await temporaryFile();
  const clock = new VirtualClock();
  const [before] = await (async () => {
    await using store = openSqliteStore(file.path, clock);
    return [await store.clusters.create(clusterInput({ name: "a" }))];
  })();
  await using store = openSqliteStore(file.path, clock);
  assert.deepEqual(await store.clusters.all(), [before]);
});

Deno.test("a scheduler that was active when the manager died is dead once it has been silent for too long", async () => {
  await using file = await temporaryFile();
  const clock = new VirtualClock();
  {
    await using store = openSqliteStore(file.path, clock);
    const { id: clusterId } = await store.clusters.create(clusterInput({ name: "a" }));
    await store.schedulers.keepAlive(await store.schedulers.upsert(schedulerInput({ clusterId })));
  }
  await using store = openSqliteStore(file.path, clock);
  const [scheduler] = await store.schedulers.all();
  assert.equal(scheduler?.state, "active");
  assert.equal(isLive(scheduler, clock.wallMs()), true, "a quick restart takes nothing from the peers");
  await clock.advance(15_001);
  assert.equal(isLive(scheduler, clock.wallMs()), false);
});

Deno.test("the database has a write-ahead log, checks references, and can be read by its owner only", async () => {
  await using file = await temporaryFile();
  using database = SqliteDatabase.open(file.path, 0);
  assert.equal(database.get("PRAGMA journal_mode")?.["journal_mode"], "wal");
  assert.equal(database.get("PRAGMA synchronous")?.["synchronous"], 1);
  assert.equal(database.get("PRAGMA foreign_keys")?.["foreign_keys"], 1);
  for (const path of [file.path, `${file.path}-wal`]) {
    assert.equal(((await Deno.stat(path)).mode ?? 0) & 0o777, 0o600, path);
  }
});

Deno.test("each migration runs once, in order, and a failed one leaves no trace", async () => {
  await using file = await temporaryFile();
  const one = { version: 1, name: "one", sql: "CREATE TABLE one (x INTEGER) STRICT" };
  const two = { version: 2, name: "two", sql: "CREATE TABLE two (x INTEGER) STRICT" };
  const broken = {
    version: 2,
    name: "broken",
    sql: "CREATE TABLE two (x INTEGER) STRICT; CREATE TABLE one (x INTEGER)",
  };
  const tables = (database: SqliteDatabase) =>
    database.all("SELECT name FROM sqlite_schema WHERE name IN ('one', 'two') ORDER BY name").map((row) => row["name"]);
  {
    using database = SqliteDatabase.open(file.path, 7, [one]);
    assert.deepEqual(tables(database), ["one"]);
  }
  assert.throws(
    () => SqliteDatabase.open(file.path, 8, [one, broken]),
    failsWith("internal", /to schema 2 \(broken\): .*already exists/),
  );
  {
    using database = SqliteDatabase.open(file.path, 8, [one]);
    assert.deepEqual(tables(database), ["one"]);
  }
  using database = SqliteDatabase.open(file.path, 9, [one, two]);
  assert.deepEqual(tables(database), ["one", "two"]);
  assert.deepEqual(
    database.all("SELECT version, name, applied_at FROM schema_migration").map((row) => ({ ...row })),
    [{ version: 1, name: "one", applied_at: 7 }, { version: 2, name: "two", applied_at: 9 }],
  );
});

Deno.test("a database that a newer manager wrote is refused and left as it is", async () => {
  await using file = await temporaryFile();
  const newest = Math.max(...MIGRATIONS.map(({ version }) => version));
  const future = { version: newest + 1, name: "future", sql: "CREATE TABLE future (x INTEGER)" };
  SqliteDatabase.open(file.path, 0, [...MIGRATIONS, future])[Symbol.dispose]();
  assert.throws(
    () => openSqliteStore(file.path, new VirtualClock()),
    failsWith("failed_precondition", new RegExp(`${file.path}: a newer manager wrote it`)),
  );
  using database = SqliteDatabase.open(file.path, 0, [...MIGRATIONS, future]);
  assert.deepEqual(database.all("SELECT * FROM future"), []);
});

Deno.test("a file that is no database is refused with its path and what to do, and stays as it is", async () => {
  await using file = await temporaryFile();
  const text = "not a database at all, whatever its name says. ".repeat(100);
  await Deno.writeTextFile(file.path, text);
  assert.throws(
    () => openSqliteStore(file.path, new VirtualClock()),
    failsWith("data_loss", new RegExp(`${file.path}: .*put a backup in its place, or move it away`)),
  );
  assert.equal(await Deno.readTextFile(file.path), text);
});

Deno.test("a database with damaged pages is refused and stays as it is", async () => {
  await using file = await temporaryFile();
  openSqliteStore(file.path, new VirtualClock())[Symbol.asyncDispose]();
  const bytes = await Deno.readFile(file.path);
  bytes.fill(0xff, 8_192, 24_576);
  await Deno.writeFile(file.path, bytes);
  assert.throws(() => openSqliteStore(file.path, new VirtualClock()), failsWith("data_loss", /Cannot use database/));
  assert.deepEqual(await Deno.readFile(file.path), bytes);
});

Deno.test("a path that cannot be opened is named", () => {
  assert.throws(
    () => openSqliteStore("/nonexistent-directory/manager.db", new VirtualClock()),
    failsWith("unavailable", /Cannot open database \/nonexistent-directory\/manager\.db/),
  );
});

Deno.test("applications are read with their priorities", async () => {
  await using file = await temporaryFile();
  await using store = openSqliteStore(file.path, new VirtualClock());
  assert.deepEqual(await store.applications.all(), []);
  const { id: userId } = await store.users.create({ name: "root", passwordHash: "hash" });
  const priority = { value: 3, urls: [{ regex: "^https://cdn", value: 6 }] };
  using database = new DatabaseSync(file.path);
  database.prepare("INSERT INTO application VALUES (1, 0, 0, 'web', 'https://web', 'bio', ?, ?)")
    .run(JSON.stringify(priority), userId);
  const [application] = await store.applications.all();
  assert.deepEqual([application?.name, application?.url, application?.priority], ["web", "https://web", priority]);
});
