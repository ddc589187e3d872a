import { deepEqual, equal, throws } from "node:assert/strict";
import type * as z from "zod";
import { DfdaemonConfig } from "./dfdaemon.ts";
import { DfinitConfig } from "./dfinit.ts";
import { metaOf } from "./fields.ts";
import { parseConfig } from "./load.ts";
import { ManagerConfig } from "./manager.ts";
import { databaseKind, mysqlOf, unusedDatabases } from "./manager_database.ts";
import { PeerDynconfig } from "./peer_dynconfig.ts";
import { SchedulerConfig } from "./scheduler.ts";
import { elementOf, shapeOf } from "./schema_tree.ts";

const SCHEMAS = { ManagerConfig, SchedulerConfig, DfdaemonConfig, DfinitConfig, PeerDynconfig };

for (const [name, schema] of Object.entries(SCHEMAS)) {
  Deno.test(`an empty ${name} is valid and says nothing`, () => {
    deepEqual(parseConfig(schema as z.ZodObject, "", "x.yaml").warnings, []);
  });

  Deno.test(`every key of ${name} has a description that ends in a full stop`, () => {
    const silent: string[] = [];
    const visit = (part: z.core.$ZodType, path: string): void => {
      if (path !== "" && !/\.$/.test(metaOf(part).description ?? "")) silent.push(path);
      for (const [key, child] of shapeOf(part) ?? []) visit(child, `${path}.${key}`);
      const element = elementOf(part);
      for (const [key, child] of (element && shapeOf(element)) ?? []) visit(child, `${path}[].${key}`);
    };
    visit(schema, "");
    deepEqual(silent, []);
  });
}

Deno.test("dfdaemon's ports and limits are Dragonfly's, and its mirror listens on loopback only", () => {
  const { proxy, upload, storage, health, metrics, scheduler, download, gc, dynconfig } = DfdaemonConfig.parse({});
  deepEqual(
    [upload.server.port, proxy.server.port, metrics.server.port, health.server.port, storage.server.tcpPort],
    [4000, 4001, 4002, 4003, 4005],
  );
  equal(proxy.server.ip, "127.0.0.1");
  equal(proxy.accessLeaseTtl, 300_000);
  equal(storage.keep, true);
  equal(storage.dir, "/var/lib/dragonfly");
  deepEqual(proxy.rules.map(({ regex }) => regex.test("https://r/v2/a/blobs/sha256:00")), [true]);
  deepEqual(scheduler, {
    announceInterval: 300_000,
    scheduleTimeout: 10_800_000,
    maxScheduleCount: 5,
    enableBackToSource: true,
  });
  equal(download.pieceLength, "damselfly");
  equal(download.pieceTimeout, 360_000);
  equal(gc.interval, 900_000);
  equal(gc.policy.taskTTL, 2_592_000_000);
  equal(dynconfig.refreshInterval, 60_000);
});

Deno.test("nothing is repeated without a pause, however short the interval is meant to be", () => {
  const cases: [z.ZodObject, string][] = [
    [DfdaemonConfig, "scheduler: { announceInterval: 0s }"],
    [DfdaemonConfig, "dynconfig: { refreshInterval: 1ms }"],
    [DfdaemonConfig, "gc: { interval: 0s }"],
    [SchedulerConfig, "manager: { keepAlive: { interval: 0s } }"],
    [SchedulerConfig, "dynconfig: { refreshInterval: 0s }"],
  ];
  for (const [schema, yaml] of cases) throws(() => parseConfig(schema, yaml, "x.yaml"), /expected 10ms or more/);
});

Deno.test("the scheduler's defaults are those of Dragonfly's code, but for the algorithm", () => {
  const { scheduler, server, manager, dynconfig } = SchedulerConfig.parse({});
  deepEqual([server.listenIP, server.port, server.advertisePort], ["0.0.0.0", 8002, undefined]);
  deepEqual(manager.schedulerClusterID, 1);
  deepEqual([manager.keepAlive.interval, dynconfig.refreshInterval], [5000, 60_000]);
  deepEqual(scheduler, {
    algorithm: "swarm",
    backToSourceCount: 200,
    retryBackToSourceLimit: 4,
    retryLimit: 5,
    retryInterval: 500,
    gc: {
      pieceDownloadTimeout: 1_800_000,
      peerGCInterval: 10_000,
      peerTTL: 86_400_000,
      taskGCInterval: 1_800_000,
      hostGCInterval: 300_000,
      hostTTL: 3_600_000,
    },
  });
});

Deno.test("the manager needs neither a database server nor a key to start", () => {
  const { server, auth, database } = ManagerConfig.parse({});
  deepEqual(server.grpc.port, 65003);
  deepEqual(server.rest.addr, { hostname: "0.0.0.0", port: 8080 });
  deepEqual(auth.jwt, { realm: "Dragonfly", timeout: 336 * 3_600_000, maxRefresh: 168 * 3_600_000 });
  equal(databaseKind(database), "sqlite");
  equal(database.sqlite.path, "/var/lib/dragonfly/manager.db");
});

Deno.test("the kind of database is the one that is named, and without a name MySQL where it is filled in", () => {
  const server = { host: "db", user: "u" };
  const other = { host: "other", user: "u" };
  const parse = (database: object) => ManagerConfig.parse({ database }).database;
  const told = (input: object) => {
    const database = parse(input);
    return [databaseKind(database), mysqlOf(database).host, unusedDatabases(database)];
  };
  deepEqual(told({ mysql: server }), ["mysql", "db", []]);
  deepEqual(told({ type: "mariadb", mysql: server }), ["mysql", "db", []]);
  deepEqual(told({ type: "mariadb", mariadb: other, mysql: server }), ["mysql", "other", ["database.mysql"]]);
  deepEqual(told({ type: "mysql", mariadb: other, mysql: server }), ["mysql", "db", ["database.mariadb"]]);
  deepEqual(told({ type: "postgres", postgres: other, mysql: server }), ["postgres", "db", ["database.mysql"]]);
  deepEqual(told({ type: "sqlite", mysql: server }), ["sqlite", "db", ["database.mysql"]]);
  deepEqual(told({ type: "sqlite", postgres: { port: 1 } }), ["sqlite", undefined, ["database.postgres"]]);
});

Deno.test("without containerRuntime dfinit has nothing to configure", () => {
  deepEqual(DfinitConfig.parse({}).containerRuntime, undefined);
  equal(DfinitConfig.parse({}).proxy.addr, "http://127.0.0.1:4001");
});

Deno.test("a key of sessions that everybody knows, that is short or repeats itself stops the start, and is not quoted", () => {
  for (const key of ["ZHJhZ29uZmx5Cg==", "k", "a".repeat(64), "abc".repeat(20)]) {
    throws(() => parseConfig(ManagerConfig, `auth: { jwt: { key: "${key}" } }`, "x.yaml"), (error: Error) => {
      return /'auth\.jwt\.key'.*openssl rand -base64 32/.test(error.message) && !error.message.includes(`"${key}"`);
    });
  }
  const key = "5rvVb8qQe0mXl1bGm7xM3w0o9cJ8yH4tq2Yk6n1dPfA=";
  equal(parseConfig(ManagerConfig, `auth: { jwt: { key: "${key}" } }`, "x.yaml").config.auth.jwt.key, key);
});

Deno.test("a network of trusted proxies is an address or a CIDR", () => {
  const parse = (cidr: string) => {
    return parseConfig(ManagerConfig, `server: { rest: { trustedProxies: { cidrs: ["${cidr}"] } } }`, "x.yaml").config;
  };
  equal(parse("10.0.0.0/8").server.rest.trustedProxies.cidrs[0]?.contains("10.1.2.3"), true);
  throws(() => parse("proxy.corp"), /Cannot parse CIDR/);
});
