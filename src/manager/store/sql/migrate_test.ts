import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { silentLog } from "../../../runtime/log.ts";
import { VirtualClock } from "../../../testing/virtual_clock.ts";
import { openSqliteStore } from "../sqlite_store.ts";
import { failsWith } from "../store_builders_test.ts";
import type { Sql, SqlDatabase } from "./database.ts";
import { migrate, type Migration, MIGRATIONS } from "./migrate.ts";
import { openSqlite } from "./sqlite.ts";

function step(version: number, name: string, ...statements: string[]): Migration {
  return {
    version,
    name,
    async apply(sql) {
      for (const statement of statements) await sql.run(statement);
    },
  };
}

const ONE = step(1, "one", "CREATE TABLE one (x INTEGER) STRICT");
const TWO = step(2, "two", "CREATE TABLE two (x INTEGER) STRICT");

async function tables(database: SqlDatabase): Promise<unknown[]> {
  const rows = await database.all("SELECT name FROM sqlite_schema WHERE name IN ('one', 'two') ORDER BY name");
  return rows.map((row) => row["name"]);
}

Deno.test("each migration runs once, in order, and a failed one leaves no trace", async () => {
  await using database = openSqlite(":memory:");
  const clock = new VirtualClock();
  const options = { clock, place: "x.db", migrate: true };
  await migrate(database, { ...options, migrations: [ONE] });
  assert.deepEqual(await tables(database), ["one"]);
  const broken = step(2, "broken", "CREATE TABLE two (x INTEGER)", "CREATE TABLE one (x INTEGER)");
  await assert.rejects(
    migrate(database, { ...options, migrations: [ONE, broken] }),
    failsWith("internal", /x\.db to schema 2 \(broken\): .*already exists/),
  );
  assert.deepEqual(await tables(database), ["one"]);
  const appliedAt = clock.wallMs();
  await clock.advance(5);
  await migrate(database, { ...options, migrations: [ONE, TWO] });
  await migrate(database, { ...options, migrations: [ONE, TWO] });
  assert.deepEqual(await tables(database), ["one", "two"]);
  assert.deepEqual((await database.all("SELECT * FROM schema_migration")).map((row) => ({ ...row })), [
    { version: 1, name: "one", applied_at: appliedAt },
    { version: 2, name: "two", applied_at: appliedAt + 5 },
  ]);
});

Deno.test("a database that a newer manager wrote is refused and left as it is", async () => {
  await using database = openSqlite(":memory:");
  const options = { clock: new VirtualClock(), place: "x.db", migrate: true };
  await migrate(database, { ...options, migrations: [ONE, TWO] });
  await assert.rejects(
    migrate(database, { ...options, migrations: [ONE] }),
    failsWith("failed_precondition", /x\.db: a newer manager wrote it \(schema 2, this one knows 1\)/),
  );
  assert.deepEqual(await tables(database), ["one", "two"]);
});

Deno.test("a schema that somebody else looks after is never changed, and must be up to date", async () => {
  await using database = openSqlite(":memory:");
  const options = { clock: new VirtualClock(), place: "x.db", migrations: [ONE] };
  await assert.rejects(
    migrate(database, { ...options, migrate: false }),
    failsWith("failed_precondition", /its schema is 0 and must be 1; set its key migrate/),
  );
  assert.deepEqual(await tables(database), []);
  await migrate(database, { ...options, migrate: true });
  await migrate(database, { ...options, migrate: false });
});

Deno.test("a file with the first schema gets the other tables and columns, and keeps its rows", async () => {
  const directory = await Deno.makeTempDir();
  await using _directory = { [Symbol.asyncDispose]: () => Deno.remove(directory, { recursive: true }) };
  const path = `${directory}/manager.db`;
  {
    using database = new DatabaseSync(path);
    database.exec(await Deno.readTextFile(new URL("testdata/first_schema.sql", import.meta.url)));
    database.exec(`
      CREATE TABLE schema_migration (version INTEGER PRIMARY KEY, name TEXT NOT NULL, applied_at INTEGER NOT NULL);
      INSERT INTO schema_migration VALUES (1, 'first', 7);
      INSERT INTO scheduler_cluster VALUES (4, 1, 2, 'a', 'bio', '{"job_rate_limit":9}', '{}', '{}', '{"idc":"x"}', 1);
      INSERT INTO seed_peer_cluster VALUES (6, 1, 2, 'a', '', '{"load_limit":5}');
      INSERT INTO seed_peer_cluster_scheduler_cluster VALUES (6, 4);
      INSERT INTO scheduler VALUES (1, 1, 2, '{"manager_keep_alive_interval":7000000000}', 'h', '', '', '::1', 8002,
        'active', '["schedule"]', 3, 4);
      INSERT INTO user VALUES (1, 1, 2, '', 'root', 'hash', '', '', 'enable', '', '');`);
  }
  await using store = await openSqliteStore(path, { clock: new VirtualClock(), log: silentLog() });
  const [cluster] = await store.clusters.all();
  assert.deepEqual(
    [cluster?.id, cluster?.seedPeerClusterId, cluster?.schedulerClusterConfig, cluster?.seedPeerClusterConfig],
    [4, 6, { job_rate_limit: 9 }, { load_limit: 5 }],
  );
  const [scheduler] = await store.schedulers.all();
  assert.deepEqual([scheduler?.state, scheduler?.keepAliveIntervalMs, scheduler?.lastKeepAliveAtMs], [
    "active",
    7_000,
    3,
  ]);
  assert.equal((await store.users.findByName("root"))?.passwordHash, "hash");
  await store.seedPeerClusters.update(6, { schedulerClusterIds: [] });
  await store.clusters.create({ ...cluster!, name: "b", isDefault: true });
  await store.clusters.remove(4);
  assert.equal(await store.roles.addPermissions("root", [{ object: "jobs", action: "*" }]), 1);
});

Deno.test("where each change of a table is kept at once, a step that was cut off is gone on with, indexes and all", async () => {
  await using database = openSqlite(":memory:");
  const dialect = { ...database.dialect, indexesOfTable: "SELECT name FROM pragma_index_list(?)" };
  const like = (sql: Sql): Sql => ({
    dialect,
    all: (...args) => sql.all(...args),
    run: (...args) => sql.run(...args),
    insert: (...args) => sql.insert(...args),
  });
  const half: SqlDatabase = {
    ...like(database),
    isShared: true,
    writesTo: () => undefined,
    transaction: (work) => database.transaction((sql) => work(like(sql))),
    migration: (work) => database.migration((sql) => work(like(sql))),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
  const options = { clock: new VirtualClock(), place: "x", migrate: true };
  const indexes = async () => {
    const rows = await database.all("SELECT name FROM sqlite_schema WHERE type = 'index' ORDER BY name");
    return rows.map((row) => row["name"]);
  };
  await migrate(half, options);
  const all = await indexes();
  for (const index of ["uk_config_name", "idx_job_created_at"]) await database.run(`DROP INDEX ${index}`);
  await database.run("DROP TABLE damselfly_turn");
  await database.run("DELETE FROM schema_migration WHERE version > 3");
  await migrate(half, options);
  assert.deepEqual(await indexes(), all);
});

Deno.test("the released migrations are numbered upward and have names", () => {
  const versions = MIGRATIONS.map(({ version }) => version);
  assert.deepEqual(versions, versions.toSorted((a, b) => a - b));
  assert.equal(new Set(versions).size, versions.length);
});
