import assert from "node:assert/strict";
import { join } from "node:path";
import { ManagerConfig } from "../../src/config/manager.ts";
import { startManager } from "../../src/manager/manager.ts";
import { openStore } from "../../src/manager/open_store.ts";
import type { ServerOptions } from "../../src/manager/store/sql/server_database.ts";
import { createSqlStore } from "../../src/manager/store/sql/sql_store.ts";
import type { Store } from "../../src/manager/store/store.ts";
import { clusterInput, schedulerInput } from "../../src/manager/store/store_builders_test.ts";
import { storeConformance } from "../../src/manager/store/store_conformance_test.ts";
import { hashToken } from "../../src/manager/store/token_hash.ts";
import { type Clock, realClock } from "../../src/runtime/clock.ts";
import { type Log, silentLog } from "../../src/runtime/log.ts";
import { realRandom } from "../../src/runtime/random.ts";
import { testCertificates } from "../../src/testing/certificates.ts";
import { MemoryLog } from "../../src/testing/memory_log.ts";
import { testRuntime } from "../../src/testing/test_runtime.ts";
import { checkRestFacts } from "../conformance/manager_rest_facts.ts";
import { type DatabaseServer, type DatabaseServerKind, MARIADB, POSTGRESQL } from "./lib/database_servers.ts";
import { e2eTest } from "./lib/programs.ts";
import { waitFor } from "./lib/wait.ts";
import { Workspace } from "./lib/workspace.ts";

const TESTDATA = join(import.meta.dirname ?? "", "testdata");
const ALL = { offset: 0, limit: 100 };
const RENEWAL_TIMEOUT_MS = 30_000;

/** A server that was started for one test, and how to open stores in it. */
interface Servers extends AsyncDisposable {
  readonly server: DatabaseServer;
  open(options: ServerOptions, clock?: Clock, log?: Log): Promise<Store>;
}

async function serve(kind: DatabaseServerKind): Promise<Servers> {
  await using stack = new AsyncDisposableStack();
  const workspace = stack.use(await Workspace.create());
  const server = stack.use(await kind.start(workspace.dir));
  const opened = stack.move();
  return {
    server,
    async open(options, clock = realClock(), log = silentLog()) {
      const place = kind.name;
      const database = await kind.open(options, { place, clock, random: realRandom() });
      return await createSqlStore(database, { clock, log, place, migrate: true });
    },
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

function managerOn({ type }: DatabaseServerKind, options: ServerOptions): ManagerConfig {
  const { host, port, user, password, database: dbname } = options;
  return ManagerConfig.parse({
    server: { grpc: { listenIP: "127.0.0.1", port: 0 }, rest: { addr: "127.0.0.1:0" } },
    database: { type, [type]: { host, port, user, password, dbname } },
  });
}

for (const kind of [MARIADB, POSTGRESQL]) {
  const needs = { programs: kind.programs };

  e2eTest(`${kind.name} keeps all promises of a store`, needs, async (t) => {
    await using servers = await serve(kind);
    const promises: { title: string; run: () => Promise<void> }[] = [];
    storeConformance(
      kind.name,
      async (clock) => await servers.open(await servers.server.create(), clock),
      (title, run) => promises.push({ title, run }),
    );
    for (const { title, run } of promises) await t.step(title, run);
  });

  e2eTest(`a database of a Dragonfly manager on ${kind.name} is taken over with all its rows`, needs, async () => {
    await using servers = await serve(kind);
    const options = await servers.server.create();
    await servers.server.load(options, join(TESTDATA, kind.dragonfly));
    const log = new MemoryLog();
    await using store = await servers.open(options, realClock(), log);
    await checkDragonflyRows(store);
    const { id } = await store.clusters.create(clusterInput({ name: "ours", scopes: { idc: "ä" } }));
    assert.deepEqual((await store.clusters.get(id))?.isDefault, false);
    await store.clusters.remove(2);
    assert.deepEqual((await store.peers.list({}, ALL)).rows, []);
    await using again = await servers.open(options, realClock(), log);
    assert.deepEqual((await again.clusters.all()).map(({ name }) => name), ["cluster-1", "ours"]);
    assert.deepEqual(log.lines, []);
  });

  e2eTest(`the REST API on ${kind.name} answers as a stock manager does`, needs, async () => {
    await using servers = await serve(kind);
    await using manager = await startManager(managerOn(kind, await servers.server.create()), testRuntime());
    await checkRestFacts(`http://127.0.0.1:${manager.rest.port}`);
  });

  e2eTest(`two managers that start on one empty ${kind.name} share what they find`, needs, async () => {
    await using servers = await serve(kind);
    const options = await servers.server.create();
    const config = managerOn(kind, options);
    const [one, other] = await Promise.all([1, 2].map(() => startManager(config, testRuntime())));
    await using _one = one;
    await using _other = other;
    await using store = await servers.open(options);
    assert.deepEqual((await store.clusters.all()).map(({ name, isDefault }) => [name, isDefault]), [[
      "cluster-1",
      true,
    ]]);
    assert.equal((await store.users.list({}, ALL)).total, 1);
  });

  e2eTest(
    `writers on ${kind.name} that meet each other all succeed, and one default cluster remains`,
    needs,
    async () => {
      await using servers = await serve(kind);
      const options = await servers.server.create();
      await using one = await servers.open(options);
      await using other = await servers.open(options);
      const stores = Array.from({ length: 20 }, (_, index) => index % 2 === 0 ? one : other);
      await one.clusters.create(clusterInput({ name: "first" }));
      await Promise.all(
        stores.map((store, n) => store.clusters.create(clusterInput({ name: `c${n}`, isDefault: true }))),
      );
      assert.equal((await one.clusters.all()).filter(({ isDefault }) => isDefault).length, 1);
      const clusterId = (await one.clusters.all())[0]?.id ?? 0;
      await Promise.all(stores.map((store) => store.schedulers.upsert(schedulerInput({ clusterId }))));
      assert.equal((await one.schedulers.all()).length, 1);
      const page = { offset: 0, limit: 1 };
      for (const [writer, reader] of [[one, other], [other, one]] as const) {
        const { total } = await reader.schedulerClusters.list({}, page);
        await writer.clusters.create(clusterInput({ name: `after-${total}` }));
        assert.equal((await reader.schedulerClusters.list({}, page)).total, total + 1);
      }
      const granted = await Promise.all(stores.map((store) => store.secrets.getOrCreate("jwt", realRandom().uuid())));
      assert.equal(new Set(granted).size, 1);
    },
  );

  e2eTest(`while ${kind.name} is away calls fail soon, and work again when it is back`, needs, async () => {
    await using servers = await serve(kind);
    const options = await servers.server.create();
    await using store = await servers.open(options);
    await store.clusters.create(clusterInput({ name: "a" }));
    await servers.server.stop();
    for (let count = 0; count < 3; count++) await assert.rejects(store.clusters.all(), { code: "unavailable" });
    await assert.rejects(servers.open(options), { code: "unavailable", message: /check that it runs/ });
    await servers.server.restart();
    assert.deepEqual((await store.clusters.all()).map(({ name }) => name), ["a"]);
    await assert.rejects(servers.open({ ...options, database: "nothing" }), {
      code: "failed_precondition",
      message: /create the database/,
    });
  });
}

e2eTest("a change of the schema that was cut off on MariaDB is gone on with, indexes and all", {
  programs: MARIADB.programs,
}, async () => {
  await using servers = await serve(MARIADB);
  const options = await servers.server.create();
  await (await servers.open(options))[Symbol.asyncDispose]();
  await using workspace = await Workspace.create();
  const file = join(workspace.dir, "cut_off.sql");
  await Deno.writeTextFile(
    file,
    "DROP INDEX uk_config_name ON config; DROP INDEX idx_job_created_at ON job; DROP TABLE damselfly_turn;" +
      "DELETE FROM schema_migration WHERE version > 3;",
  );
  await servers.server.load(options, file);
  await using store = await servers.open(options);
  const config = { name: "a", value: "", bio: "", userId: 0 };
  await store.configs.create(config);
  await assert.rejects(store.configs.create(config), { code: "already_exists" });
});

e2eTest("a connection to MariaDB in TLS is checked by what is in the files when it is made", {
  programs: MARIADB.programs,
}, async () => {
  await using servers = await serve(MARIADB);
  const { host, port, user, password, database: dbname } = await servers.server.create();
  const [right, wrong] = await Promise.all(
    (["a", "b"] as const).map((name) => Deno.readTextFile(testCertificates(name).caCert)),
  );
  const rounds = new Set<() => void>();
  const clock: Clock = {
    ...realClock(),
    every(_ms, run) {
      rounds.add(run);
      return { [Symbol.dispose]: () => void rounds.delete(run) };
    },
  };
  const runtime = testRuntime({ clock });
  const renewTo = async (authority = "") => {
    await runtime.disk.writeTextAtomic("/ca.pem", authority);
    for (const run of rounds) run();
  };
  const renewals = (count: number) => {
    return waitFor("the renewal", RENEWAL_TIMEOUT_MS, () => {
      return runtime.log.lines.filter(({ message }) => /renewed$/.test(message)).length === count || undefined;
    });
  };
  const tls = { caCert: "/ca.pem" };
  const { database } = ManagerConfig.parse({
    database: { type: "mysql", mysql: { host, port, user, password, dbname, tls } },
  });
  await renewTo(wrong);
  {
    await using stack = new AsyncDisposableStack();
    const refused = { code: "failed_precondition", message: /check user, password and TLS/ };
    await assert.rejects(openStore(database, runtime, stack), refused);
  }
  await using stack = new AsyncDisposableStack();
  await renewTo(right);
  const store = await openStore(database, runtime, stack);
  await store.clusters.create(clusterInput({ name: "in TLS" }));
  await renewTo(wrong);
  await renewals(1);
  assert.equal((await store.clusters.all()).length, 1, "the connection that there is goes on");
  await servers.server.stop();
  await servers.server.restart();
  await assert.rejects(store.clusters.all(), { code: "failed_precondition" });
  await renewTo(right);
  await renewals(2);
  assert.equal((await store.clusters.all()).length, 1);
});

/** What the testdata holds: it was made by requests to a stock manager. */
async function checkDragonflyRows(store: Store): Promise<void> {
  const [first, second] = await store.clusters.all();
  assert.deepEqual([first?.name, first?.isDefault, first?.schedulerClusterConfig], ["cluster-1", true, {
    candidate_parent_limit: 3,
    filter_parent_limit: 15,
    job_rate_limit: 10,
  }]);
  assert.deepEqual([second?.name, second?.isDefault, second?.seedPeerClusterId, second?.scopes.idc], [
    "c2",
    false,
    2,
    "x",
  ]);
  assert.deepEqual(second?.seedPeerClusterConfig, {
    load_limit: 77,
    block_list: { task: { download: { urls: ["a"], tags: ["t"] } } },
  });
  const [scheduler] = await store.schedulers.all();
  assert.deepEqual([scheduler?.hostname, scheduler?.clusterId, scheduler?.keepAliveIntervalMs], ["h", 2, 5_000]);
  assert.deepEqual([scheduler?.state, scheduler?.lastKeepAliveAtMs, scheduler?.features], ["inactive", 0, [
    "schedule",
    "preheat",
  ]]);
  const [seedPeer] = await store.seedPeers.all();
  assert.deepEqual([seedPeer?.hostname, seedPeer?.clusterId, seedPeer?.downloadPort], ["sp", 2, 4001]);
  const [peer] = (await store.peers.list({ clusterId: 2 }, ALL)).rows;
  assert.deepEqual([peer?.hostname, peer?.proxyPort], ["p", 4002]);
  assert.match((await store.users.findByName("root"))?.passwordHash ?? "", /^\$2a\$04\$/);
  assert.deepEqual(await store.roles.rolesOfUser(1), ["root"]);
  assert.ok(
    (await store.roles.permissionsOfUser(2)).some(({ object, action }) => object === "jobs" && action === "read"),
  );
  const [token] = (await store.tokens.list({}, ALL)).rows;
  assert.deepEqual([token?.scopes, new Date(token?.expiredAtMs ?? 0).getUTCFullYear()], [["job", "cluster"], 2036]);
  const clear = [
    "NWJjNTFmY2ItMjRhNS00NTlkLWEyMDUtYjBjY2Y4MGQ3MGRi",
    "MjkxN2Y2MDAtY2IxMy00N2RhLTg3YTktMTdiMmU3ZjUwMmRk",
  ];
  const found = await Promise.all(clear.map((text) => store.tokens.findByHash(hashToken(text))));
  assert.deepEqual(found.filter((row) => row !== undefined), [token]);
  const [application] = await store.applications.all();
  assert.deepEqual(application?.priority, { value: 3, urls: [{ regex: "^a", value: 4 }] });
  assert.match((await store.configs.findByName("gc"))?.value ?? "", /"ttl":604800000000000/);
  assert.equal((await store.oauthProviders.findByName("github"))?.clientSecret, "cs");
  const [job] = (await store.jobs.list({ state: "SUCCESS" }, ALL)).rows;
  assert.deepEqual([job?.type, job?.args["batch_size"], job?.result], ["gc", 5_000, { purged: 0 }]);
}
