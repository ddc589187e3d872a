import { deepEqual, equal, rejects, throws } from "node:assert/strict";
import type * as z from "zod";
import { DamselflyError } from "../core/error.ts";
import { MemoryDisk } from "../testing/memory_disk.ts";
import { testRuntime } from "../testing/test_runtime.ts";
import { DfdaemonConfig } from "./dfdaemon.ts";
import { DfinitConfig } from "./dfinit.ts";
import { loadConfig, parseConfig } from "./load.ts";
import { ManagerConfig } from "./manager.ts";
import { PeerDynconfig } from "./peer_dynconfig.ts";
import { SchedulerConfig } from "./scheduler.ts";

function problemsOf(schema: z.ZodObject, text: string, overrides?: Record<string, unknown>): readonly string[] {
  try {
    parseConfig(schema, text, "c.yaml", overrides);
  } catch (error) {
    if (error instanceof DamselflyError && error.code === "invalid_argument") return error.message.split("\n").slice(1);
    throw error;
  }
  return [];
}

Deno.test("an unknown key is an error with its place and the nearest known key", () => {
  deepEqual(problemsOf(DfdaemonConfig, "host: {}\nproxy:\n  servr:\n    port: 1\n"), [
    "c.yaml:3:3: 'proxy.servr' is unknown: did you mean 'server'?",
  ]);
});

Deno.test("an unknown key that resembles none is an error with the known ones", () => {
  deepEqual(problemsOf(DfdaemonConfig, "seedPeer:\n  xyzzy: 1\n"), [
    "c.yaml:2:3: 'seedPeer.xyzzy' is unknown: known here: enable, type, clusterID",
  ]);
});

Deno.test("all problems are told at once, each on its line, with what is expected", () => {
  const text = `
download:
  pieceTimeout: 30
  protocol: quic
  concurrentPieceCount: 0
upload:
  server: { port: 70000, ip: localhost }
  disableShared: "yes"
proxy:
  rules:
    - regex: "("
    - regexp: a
  registryMirror:
    upstreams:
      - namespace: a
      - { namespace: b, addr: "http://b", skipVerify: true }
`;
  const problems = problemsOf(DfdaemonConfig, text);
  deepEqual(problems.map((line) => line.replace(/error parsing regexp.*/, "…")).sort(), [
    `c.yaml:11:7: 'proxy.rules[0].regex' is wrong: Cannot parse pattern "(": …`,
    "c.yaml:12:7: 'proxy.rules[1].regexp' is unknown: did you mean 'regex'?",
    "c.yaml:15:9: 'proxy.registryMirror.upstreams[0].addr' is missing, expected URL",
    "c.yaml:16:25: 'proxy.registryMirror.upstreams[1].addr' is wrong: ca, cert and skipVerify need an https:// address",
    "c.yaml:3:3: 'download.pieceTimeout' is a number, expected duration",
    "c.yaml:4:3: 'download.protocol' is wrong: Cannot use protocol \"quic\": QUIC is not supported, write tcp",
    "c.yaml:5:3: 'download.concurrentPieceCount' is 0, expected integer from 1 to 1024",
    "c.yaml:7:13: 'upload.server.port' is 70000, expected integer from 0 to 65535",
    "c.yaml:7:26: 'upload.server.ip' is wrong: " +
    'Cannot parse IP address "localhost": expected four numbers with dots, or an IPv6 address',
    "c.yaml:8:3: 'upload.disableShared' is a text, expected true or false",
  ]);
});

Deno.test("a value of the wrong kind is named by its kind, never shown, for it may be a secret", () => {
  const problems = problemsOf(ManagerConfig, "auth:\n  jwt:\n    key: 12345\nserver: on\ndatabase: [1]\n");
  deepEqual(problems, [
    "c.yaml:4:1: 'server' is a text, expected a table of keys",
    "c.yaml:3:5: 'auth.jwt.key' is a number, expected secret of 32 bytes or more",
    "c.yaml:5:1: 'database' is a list, expected a table of keys",
  ]);
});

Deno.test("broken YAML, duplicate keys, several documents and unknown tags are errors with their place", () => {
  deepEqual(problemsOf(DfdaemonConfig, "host:\n  ip: 10.0.0.1\n  ip: 10.0.0.2\n"), [
    "c.yaml:3:3: 'ip' is written twice",
  ]);
  for (const text of ["host: [", "a: 1\n---\nb: 2\n", "host: !env HOME", "\thost: {}"]) {
    const [first = ""] = problemsOf(DfdaemonConfig, text);
    equal(/^c\.yaml:\d+:\d+: /.test(first), true, `${text}: ${first}`);
  }
  deepEqual(problemsOf(DfdaemonConfig, "just text"), ["c.yaml: it is a text, expected keys"]);
});

Deno.test("aliases are read, and a bomb of aliases is an error", () => {
  const { config } = parseConfig(
    DfdaemonConfig,
    "upload: { server: &it { port: 7 } }\nhealth: { server: *it }\n",
    "c.yaml",
  );
  equal(config.health.server.port, 7);
  deepEqual(problemsOf(DfdaemonConfig, "upload: { server: &it { port: x } }\nhealth: { server: *it }\n"), [
    "c.yaml:1:25: 'upload.server.port' is a text, expected integer from 0 to 65535",
    "c.yaml:1:25: 'health.server.port' is a text, expected integer from 0 to 65535",
  ]);
  const bomb = ["a: &a [x, x, x, x, x, x, x, x, x]"];
  for (const [name, last] of ["ba", "cb", "dc", "ed", "fe"]) {
    bomb.push(`${name}: &${name} [${Array(9).fill(`*${last}`).join(", ")}]`);
  }
  equal(problemsOf(DfdaemonConfig, bomb.join("\n"))[0]?.startsWith("c.yaml: Excessive alias count"), true);
});

Deno.test("names of JavaScript's own are unknown keys like any other", () => {
  for (const name of ["__proto__", "constructor", "toString"]) {
    equal(
      problemsOf(DfdaemonConfig, `${name}:\n  polluted: true\n`)[0]?.startsWith(`c.yaml:1:1: '${name}' is unknown`),
      true,
    );
  }
  equal(({} as Record<string, unknown>)["polluted"], undefined);
});

Deno.test("a key without a value, or with an empty text as charts write it, has its default", () => {
  const { config, warnings } = parseConfig(DfdaemonConfig, "host:\n  idc: ''\nproxy:\nmanager: { addr: }\n", "c.yaml");
  deepEqual(config, DfdaemonConfig.parse({}));
  deepEqual(warnings, []);
});

Deno.test("a known key without effect warns only when it is not at its default", () => {
  const text = "job: { syncPeers: { batchSize: 500 } }\ncache:\n  local:\n    size: 9\n";
  deepEqual(parseConfig(ManagerConfig, text, "c.yaml").warnings, [
    "c.yaml:2:1: 'cache' has no effect: answers are kept as long as they are true",
  ]);
  deepEqual(parseConfig(DfdaemonConfig, "proxy: { readBufferSize: 9 }", "c.yaml").warnings, [
    "c.yaml:1:10: 'proxy.readBufferSize' has no effect: buffers have a fixed size",
  ]);
});

Deno.test("limits of bandwidth are obeyed without a word, and what is too little for pieces is refused", () => {
  const { config, warnings } = parseConfig(DfdaemonConfig, "upload: { bandwidthLimit: 1MB }", "c.yaml");
  deepEqual([config.upload.bandwidthLimit, warnings], [1_000_000, []]);
  for (
    const key of ["upload: { bandwidthLimit", "download: { bandwidthLimit", "download: { backToSourceBandwidthLimit"]
  ) {
    throws(() => parseConfig(DfdaemonConfig, `${key}: 999KB }`, "c.yaml"), /BandwidthLimit.*1MB|bandwidthLimit.*1MB/);
  }
});

Deno.test("keys inside a table without effect are not warned about one by one", () => {
  const text = "cache:\n  local: { size: 1 }\n  redis: { ttl: 1s }\n";
  deepEqual(parseConfig(ManagerConfig, text, "c.yaml").warnings, [
    "c.yaml:1:1: 'cache' has no effect: answers are kept as long as they are true",
  ]);
});

Deno.test("another spelling of a key is read with a warning, and both spellings together are an error", () => {
  const { config, warnings } = parseConfig(SchedulerConfig, "dynConfig:\n  refreshInterval: 7s\n", "c.yaml");
  equal(config.dynconfig.refreshInterval, 7000);
  deepEqual(warnings, ["c.yaml:1:1: 'dynConfig' is read as 'dynconfig'"]);
  deepEqual(problemsOf(SchedulerConfig, "dynconfig: {}\ndynConfig: {}\n"), [
    "c.yaml:2:1: 'dynConfig' is another spelling of 'dynconfig', which is given too",
  ]);
  deepEqual(problemsOf(SchedulerConfig, "dynConfig:\n  refreshInterval: 7\n"), [
    "c.yaml:2:3: 'dynConfig.refreshInterval' is a number, expected duration from 10ms",
  ]);
});

Deno.test("a value from the command line wins over the file, and its errors say where it came from", () => {
  const overrides = { "download.server.socketPath": "/tmp/x.sock", "host.ip": undefined };
  const text = "download: { server: { socketPath: /a }, concurrentPieceCount: 3 }\nhost: { ip: 10.0.0.1 }\n";
  const { config } = parseConfig(DfdaemonConfig, text, "c.yaml", overrides);
  equal(config.download.server.socketPath, "/tmp/x.sock");
  equal(config.download.concurrentPieceCount, 3);
  equal(config.host.ip, "10.0.0.1");
  deepEqual(problemsOf(DfdaemonConfig, "", { "host.ip": "nope" }).map((line) => line.split(": ")[0]), ["command line"]);
});

Deno.test("a value from the command line changes its own key only, even where an alias shares the table", () => {
  const text = "metrics: { server: &it { port: 7 } }\nhealth: { server: *it }\n";
  const { config } = parseConfig(DfdaemonConfig, text, "c.yaml", { "health.server.port": 8 });
  deepEqual([config.metrics.server.port, config.health.server.port], [7, 8]);
});

Deno.test("a registry may stand only once in the table of upstreams", () => {
  const row = "{ namespace: a, addr: 'https://a' }";
  deepEqual(problemsOf(DfdaemonConfig, `proxy: { registryMirror: { upstreams: [${row}, ${row}] } }`), [
    "c.yaml:1:79: 'proxy.registryMirror.upstreams[1].namespace' is wrong: \"a\" is already in the list",
  ]);
});

Deno.test("limits that contradict each other are an error", () => {
  deepEqual(problemsOf(DfdaemonConfig, "gc: { policy: { diskLowThresholdPercent: 90 } }"), [
    "c.yaml:1:7: 'gc.policy' is wrong: diskLowThresholdPercent must be less than diskHighThresholdPercent",
  ]);
});

Deno.test("the manager's gRPC port may be a number or a range, of which the start counts", () => {
  const portOf = (text: string) => parseConfig(ManagerConfig, text, "c.yaml").config.server.grpc.port;
  equal(portOf("server: { grpc: { port: 7 } }"), 7);
  equal(portOf("server: { grpc: { port: { start: 8, end: 9 } } }"), 8);
  equal(
    problemsOf(ManagerConfig, "server: { grpc: { port: { strat: 8 } } }")[0],
    "c.yaml:1:27: 'server.grpc.port.strat' is unknown: did you mean 'start'?",
  );
});

Deno.test("a database that cannot be used is refused with the way out", () => {
  const problemOf = (text: string) => problemsOf(ManagerConfig, `database: ${text}`)[0]?.replace(/^.*? is wrong: /, "");
  const needs = "a database of type mysql needs host and user in database.mysql";
  equal(problemOf("{ type: mysql }"), needs);
  equal(problemOf("{ mysql: { host: db } }"), needs);
  equal(problemOf("{ mysql: { dbname: manager } }"), needs, "also what says nothing but a default");
  equal(problemOf("{ mysql: { port: 3307 } }"), needs);
  equal(
    problemOf("{ mariadb: { dbname: manager } }"),
    "database.mariadb is filled in but not used: set database.type to mariadb, or to sqlite",
  );
  equal(
    problemOf("{ postgres: { host: db, user: u } }"),
    "database.postgres is filled in but not used: set database.type to postgres, or to sqlite",
  );
  equal(
    problemOf("{ type: polardb }"),
    'Cannot use database type "polardb": it is not supported, write mysql for one that speaks its protocol; known ' +
      "are sqlite, mysql, mariadb and postgres",
  );
  equal(
    problemOf("{ mysql: { host: db, user: u, tlsConfig: preferred } }"),
    'Cannot use tlsConfig "preferred": expected true, false or skip-verify; write certificates in tls',
  );
});

Deno.test("dfinit wants a runtime or several, and a runtime set to null does not count", () => {
  deepEqual(problemsOf(DfinitConfig, "containerRuntime:\n  containerd: {}\n  crio: {}\n"), []);
  equal(problemsOf(DfinitConfig, "containerRuntime:\n  containerd:\n")[0]?.includes("it names no runtime"), true);
  deepEqual(problemsOf(DfinitConfig, "containerRuntime:\n  contianerd: {}\n"), [
    "c.yaml:2:3: 'containerRuntime.contianerd' is unknown: did you mean 'containerd'?",
  ]);
  const { config } = parseConfig(DfinitConfig, "containerRuntime: { containerd: null, crio: {} }", "c.yaml");
  deepEqual(Object.keys(config.containerRuntime ?? {}), ["crio"]);
});

Deno.test("crio and podman read one file, so they cannot search different registries", () => {
  const both = (crio: string, podman: string) =>
    problemsOf(
      DfinitConfig,
      `containerRuntime: { crio: { ${crio} }, podman: { ${podman} } }`,
    );
  const [problem] = both("unqualifiedSearchRegistries: [a.io]", "unqualifiedSearchRegistries: [b.io]");
  equal(problem?.includes("'containerRuntime.podman.unqualifiedSearchRegistries' is wrong"), true);
  deepEqual(both("unqualifiedSearchRegistries: [a.io]", "unqualifiedSearchRegistries: [a.io]"), []);
  deepEqual(both("unqualifiedSearchRegistries: [a.io]", ""), []);
  deepEqual(both("unqualifiedSearchRegistries: [a.io]", "unqualifiedSearchRegistries: [b.io], configPath: /x"), []);
});

Deno.test("more problems than anyone reads are counted, not listed", () => {
  const problems = problemsOf(DfdaemonConfig, Array.from({ length: 80 }, (_, index) => `zzz${index}: 1`).join("\n"));
  equal(problems.length, 51);
  equal(problems.at(-1), "and 30 more problems");
});

Deno.test("loadConfig() starts with defaults when the usual file is absent", async () => {
  const { config } = await loadConfig(DfdaemonConfig, {}, testRuntime({ disk: new MemoryDisk() }));
  deepEqual(config, DfdaemonConfig.parse({}));
});

Deno.test("loadConfig() reads the usual file, the file of the environment, or the one that is named", async () => {
  const runtime = testRuntime({ disk: new MemoryDisk(), env: { SCHEDULER_CONFIG: "/b.yaml" } });
  for (const [path, port] of [["/etc/dragonfly/dfdaemon.yaml", 1], ["/b.yaml", 2], ["/c.yaml", 3]] as const) {
    await runtime.disk.mkdirAll("/etc/dragonfly");
    const text = path.includes("dfdaemon") ? `upload: { server: { port: ${port} } }` : `server: { port: ${port} }`;
    await runtime.disk.writeTextAtomic(path, text);
  }
  equal((await loadConfig(DfdaemonConfig, {}, runtime)).config.upload.server.port, 1);
  equal((await loadConfig(SchedulerConfig, {}, runtime)).config.server.port, 2);
  equal((await loadConfig(SchedulerConfig, { path: "/c.yaml" }, runtime)).config.server.port, 3);
  equal((await loadConfig(SchedulerConfig, { text: "server: { port: 4 }" }, runtime)).config.server.port, 4);
});

Deno.test("loadConfig() refuses to start without a file that was asked for", async () => {
  await rejects(loadConfig(PeerDynconfig, { path: "/nope.yaml" }, testRuntime({ disk: new MemoryDisk() })), {
    code: "not_found",
    message: /there is no file "\/nope\.yaml"/,
  });
  await rejects(
    loadConfig(SchedulerConfig, {}, testRuntime({ disk: new MemoryDisk(), env: { SCHEDULER_CONFIG: "/nope.yaml" } })),
    {
      code: "not_found",
    },
  );
});

Deno.test("a file that is too long is not read", () => {
  throws(() => parseConfig(DfdaemonConfig, "#".repeat(1024 * 1024 + 1), "c.yaml"), /longer than 1048576 characters/);
});
