import assert from "node:assert/strict";
import { join } from "node:path";
import type * as z from "zod";
import { DfdaemonConfig } from "../../src/config/dfdaemon.ts";
import { metaOf } from "../../src/config/fields.ts";
import { parseConfig } from "../../src/config/load.ts";
import { ManagerConfig } from "../../src/config/manager.ts";
import { SchedulerConfig } from "../../src/config/scheduler.ts";
import { elementOf, shapeOf } from "../../src/config/schema_tree.ts";
import { startManager } from "../../src/manager/manager.ts";
import { openStore } from "../../src/manager/open_store.ts";
import { startPeer } from "../../src/peer/peer.ts";
import { openRedisQueues } from "../../src/redis/redis_databases.ts";
import { realRandom } from "../../src/runtime/random.ts";
import { realDisk } from "../../src/runtime/real_disk.ts";
import { startScheduler } from "../../src/scheduler/scheduler.ts";
import { testRuntime } from "../../src/testing/test_runtime.ts";

/** Any port of loopback, in the forms of the schemas. */
const LOCAL = { ip: "127.0.0.1", port: 0 };
const LOCAL_ADDRESS = "127.0.0.1:0";

/** The paths of the keys that hold a value and, as the reference says, have an effect. */
function effectiveKeys(schema: z.core.$ZodType, prefix: string): string[] {
  return [...shapeOf(schema) ?? []].flatMap(([key, child]) => {
    const path = prefix === "" ? key : `${prefix}.${key}`;
    if (metaOf(child).ignored !== undefined) return [];
    const element = elementOf(child);
    if (element !== undefined && shapeOf(element) !== undefined) return effectiveKeys(element, `${path}[]`);
    // What a parser made, such as an address, counts as one value.
    return shapeOf(child) === undefined || metaOf(child).type !== undefined ? [path] : effectiveKeys(child, path);
  });
}

/** A view of a configuration that notes the path of each key that is read. */
function watched<T extends object>(value: T, read: Set<string>, path = ""): T {
  return new Proxy(value, {
    get(target, key) {
      const child = Reflect.get(target, key, target);
      if (typeof key === "symbol" || typeof child === "function") return child;
      const at = Array.isArray(target) ? `${path}[]` : path === "" ? key : `${path}.${key}`;
      read.add(at);
      const isPlain = Array.isArray(child) || (typeof child === "object" && child?.constructor === Object);
      return isPlain ? watched(child, read, at) : child;
    },
  });
}

/** The keys of a table that the command reads, before the component starts. */
function readByCommand(table: string, keys: readonly string[]): Record<string, string> {
  return Object.fromEntries(keys.map((key) => [`${table}${key}`, "the command"]));
}

const FLAGS = readByCommand("", ["console", "verbose"]);
const TRACING = readByCommand("tracing.", ["protocol", "endpoint", "path", "headers", "sampleRatio", "service-name"]);

interface Case<S extends z.ZodObject> {
  readonly schema: S;
  /** What a test has to set; `directory` is its own. */
  yaml(directory: string): unknown;
  /** Keys that somebody else than the component reads, and who. */
  readonly elsewhere: Readonly<Record<string, string>>;
  start(config: z.output<S>): Promise<AsyncDisposable>;
}

function test<S extends z.ZodObject>(name: string, { schema, yaml, elsewhere, start }: Case<S>): void {
  Deno.test(`every key of ${name} that is said to have an effect is read at its start`, async () => {
    const directory = await Deno.makeTempDir();
    const read = new Set<string>();
    try {
      const { config } = parseConfig(schema, JSON.stringify(yaml(directory)), "test");
      await using _running = await start(watched(config, read));
    } finally {
      await Deno.remove(directory, { recursive: true });
    }
    const keys = effectiveKeys(schema, "");
    assert.ok(keys.length > 10);
    assert.deepEqual(keys.filter((key) => !read.has(key)), Object.keys(elsewhere));
  });
}

test("the manager", {
  schema: ManagerConfig,
  yaml: () => ({
    server: { grpc: { listenIP: LOCAL.ip, port: 0 }, rest: { addr: LOCAL_ADDRESS } },
    database: {
      ...{ type: "sqlite", sqlite: { path: ":memory:" }, mysql: {}, mariadb: {}, postgres: {} },
      redis: { addrs: ["127.0.0.1:1"], tls: {} },
    },
    metrics: { enable: true, addr: LOCAL_ADDRESS },
  }),
  elsewhere: { ...FLAGS, ...readByCommand("", ["pprofPort", "server.logLevel"]), ...TRACING },
  async start(config) {
    await readDatabases(config);
    return await startManager(config, testRuntime());
  },
});

/** Opens a database of each kind where none listens. */
async function readDatabases({ database }: ManagerConfig): Promise<void> {
  const nowhere = { host: "127.0.0.1", port: 1, user: "u" };
  for (const type of ["mysql", "mariadb", "postgres"] as const) {
    const config: ManagerConfig["database"] = { ...database, type };
    for (const name of ["mysql", "mariadb", "postgres"] as const) {
      config[name] = new Proxy(database[name] ?? {}, {
        get(target, key) {
          const value = Reflect.get(target, key);
          return Reflect.get(nowhere, key) ?? value;
        },
      }) as never;
    }
    await using stack = new AsyncDisposableStack();
    await assert.rejects(openStore(config, testRuntime(), stack), { code: "unavailable" });
  }
}

test("the scheduler", {
  schema: SchedulerConfig,
  yaml: () => ({
    server: { listenIP: LOCAL.ip, port: 0 },
    manager: { addr: "127.0.0.1:1" },
    metrics: { enable: true, addr: LOCAL_ADDRESS },
    database: { redis: { addrs: ["127.0.0.1:1"], tls: {} } },
    job: { redis: { addrs: ["127.0.0.1:1"], tls: {} } },
  }),
  elsewhere: { ...FLAGS, ...readByCommand("", ["pprofPort", "server.logLevel"]), ...TRACING },
  async start(config) {
    // It counts only where the other table is empty.
    await using _older = await openRedisQueues(config.job.redis, testRuntime(), "nothing is lost");
    return await startScheduler(config, testRuntime());
  },
});

test("dfdaemon", {
  schema: DfdaemonConfig,
  yaml: (directory) => ({
    host: { ip: LOCAL.ip },
    server: { cacheDir: join(directory, "cache") },
    download: { server: { socketPath: join(directory, "d.sock") } },
    upload: { server: LOCAL },
    storage: { dir: join(directory, "storage"), server: { ip: LOCAL.ip, tcpPort: 0 } },
    proxy: {
      server: LOCAL,
      registryMirror: { upstreams: [{ namespace: "r.example", addr: "http://127.0.0.1:1" }] },
    },
    health: { server: LOCAL },
    metrics: { server: LOCAL },
  }),
  elsewhere: {
    "download.protocol": "only tcp passes the schema",
    "proxy.server.basicAuth.username": "each request",
    "proxy.server.basicAuth.password": "each request",
    "proxy.rules[].regex": "each request",
    "proxy.rules[].useTLS": "each request",
    "proxy.rules[].redirect": "each request",
    "proxy.rules[].direct": "each request",
    "proxy.rules[].filteredQueryParams": "each request",
    "proxy.whiteList[].host": "each request",
    "proxy.whiteList[].regex": "each request",
    "proxy.whiteList[].ports": "each request",
    ...readByCommand("stats.server.", ["ip", "port"]),
    ...TRACING,
    ...FLAGS,
    ...readByCommand("log.", ["level"]),
  },
  start: (config) => startPeer(config, testRuntime({ disk: realDisk(realRandom()) })),
});
