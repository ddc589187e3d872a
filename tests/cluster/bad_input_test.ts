/** What users get wrong: each mistake ends in a sentence that names what, where and what to do, and loses nothing. */
import assert from "node:assert/strict";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  managerSettings,
  peerSettings,
  schedulerSettings,
  type Settings,
} from "../../src/cmd/local_cluster_settings.ts";
import { type Ended, type Program, runMain, writeYaml } from "./mains.ts";
import { freshIp } from "./stage.ts";

const PROGRAMS = ["manager", "scheduler", "dfdaemon"] as const;
const SENTENCE_CHARACTERS_MAX = 400;

/** A folder with correct configurations, to be spoilt. */
async function openBench() {
  const dir = await mkdtemp(join(tmpdir(), "damselfly-input-"));
  const ip = freshIp();
  const place = { ip, firstPort: 0 };
  const settings: Record<Program, Settings> = {
    manager: managerSettings({ dir, ip, grpcPort: 0, restPort: 0 }),
    scheduler: schedulerSettings({ name: "scheduler", dir, ip, port: 0, manager: undefined }),
    dfdaemon: peerSettings({ name: "peer", isSeed: false, place, dir, upstreams: [], manager: undefined }),
  };
  const run = async (program: Program, changes: Settings) => {
    const file = await writeYaml(join(dir, `${program}.yaml`), { ...settings[program], ...changes });
    return { ...await runMain(program, "--config", file), program, file };
  };
  return { dir, ip, run, [Symbol.asyncDispose]: () => rm(dir, { recursive: true, force: true }) };
}

/** Asserts that a program ended with 1 and one sentence on standard error, in which `says` stand. */
function assertRefused(ended: Ended & { readonly program: string }, ...says: string[]): void {
  assert.equal(ended.code, 1, ended.stderr);
  assert.doesNotMatch(ended.stderr, /^\s+at |Uncaught|panicked/m, "a stack trace");
  const lines = ended.stderr.trimEnd().split("\n").filter((line) => !line.startsWith("warning: "));
  const [sentence = "", ...more] = lines;
  assert.ok(sentence.startsWith(`${ended.program}: Cannot `), sentence);
  for (const line of [sentence, ...more]) assert.ok(line.length < SENTENCE_CHARACTERS_MAX, line);
  for (const text of says) assert.ok(ended.stderr.includes(text), `"${text}" is not in: ${ended.stderr}`);
  if (!sentence.includes("it has problems")) assert.deepEqual(more, []);
}

const UNKNOWN_KEYS = { manager: "metrics.enabel", scheduler: "metrics.enabel", dfdaemon: "proxy.sever" } as const;
const WRONG_TYPES = { manager: "server.grpc.port", scheduler: "server.port", dfdaemon: "proxy.server.port" } as const;

for (const program of PROGRAMS) {
  Deno.test(`${program}: an unknown key and a wrong type are named with line, expectation and nearest key`, async () => {
    await using bench = await openBench();
    const unknown = await bench.run(program, { [UNKNOWN_KEYS[program]]: true });
    assertRefused(unknown, `${unknown.file}:`, `'${UNKNOWN_KEYS[program]}' is unknown: did you mean`);
    const typed = await bench.run(program, { [WRONG_TYPES[program]]: "many" });
    assertRefused(typed, `${typed.file}:`, `'${WRONG_TYPES[program]}' is a text, expected`);
  });

  Deno.test(`${program}: a configuration that is absent, no YAML or no file is named`, async () => {
    await using bench = await openBench();
    const broken = join(bench.dir, "broken.yaml");
    await writeFile(broken, "server: [\n");
    const cases = [[join(bench.dir, "absent.yaml"), "there is no file"], [broken, ":1:"], [
      bench.dir,
      bench.dir,
    ]] as const;
    for (const [file, says] of cases) {
      assertRefused({ ...await runMain(program, "--config", file), program }, file, says);
    }
  });
}

const PORTS: readonly (readonly [Program, string, isAddress: boolean])[] = [
  ["manager", "server.grpc.port", false],
  ["manager", "server.rest.addr", true],
  ["manager", "metrics.addr", true],
  ["scheduler", "server.port", false],
  ["scheduler", "metrics.addr", true],
  ["dfdaemon", "upload.server.port", false],
  ["dfdaemon", "proxy.server.port", false],
  ["dfdaemon", "metrics.server.port", false],
  ["dfdaemon", "health.server.port", false],
  ["dfdaemon", "storage.server.tcpPort", false],
];

Deno.test("a port in use is named, whichever it is", async () => {
  await using bench = await openBench();
  using taken = Deno.listen({ hostname: bench.ip, port: 0 });
  const { port } = taken.addr;
  const address = `${bench.ip}:${port}`;
  for (const [program, key, isAddress] of PORTS) {
    const enabled = key.startsWith("metrics.addr") ? { "metrics.enable": true } : {};
    const ended = await bench.run(program, { ...enabled, [key]: isAddress ? address : port });
    assertRefused(
      ended,
      `Cannot listen on ${address}: another program listens there; stop it or configure another port`,
    );
  }
});

Deno.test("an address of another machine is named", async () => {
  await using bench = await openBench();
  for (const [program, key] of [["scheduler", "server.listenIP"], ["dfdaemon", "proxy.server.ip"]] as const) {
    assertRefused(await bench.run(program, { [key]: "192.0.2.1" }), "192.0.2.1:0", "configure one that it has");
  }
});

Deno.test("a unix socket in use, and a file in its place, are named and left alone", async () => {
  await using bench = await openBench();
  const path = join(bench.dir, "taken.sock");
  const key = "download.server.socketPath";
  {
    using _taken = Deno.listen({ transport: "unix", path });
    assertRefused(await bench.run("dfdaemon", { [key]: path }), path, "another path");
  }
  await rm(path, { force: true });
  await writeFile(path, "precious");
  assertRefused(await bench.run("dfdaemon", { [key]: path }), path, "no socket");
  assert.equal(await readFile(path, "utf8"), "precious");
});

Deno.test("a directory that cannot be used is named, with the key to set", async () => {
  await using bench = await openBench();
  const file = join(bench.dir, "file");
  await writeFile(file, "");
  const below = join(file, "below");
  assertRefused(await bench.run("dfdaemon", { "storage.dir": below }), below, "storage.dir");
  assertRefused(await bench.run("dfdaemon", { "download.server.socketPath": join(below, "d.sock") }), below);
  assertRefused(await bench.run("manager", { "database.sqlite.path": join(below, "m.db") }), below, "sqlite.path");
});

Deno.test("a directory in the place of a database is named", async () => {
  await using bench = await openBench();
  const metadata = join(bench.dir, "storage", "metadata.db");
  const manager = join(bench.dir, "data", "manager.db");
  for (const path of [metadata, manager]) await mkdir(path, { recursive: true });
  assertRefused(await bench.run("dfdaemon", { "storage.dir": join(metadata, "..") }), metadata);
  assertRefused(await bench.run("manager", { "database.sqlite.path": manager }), manager);
});

Deno.test("a damaged database of the manager stops the start, and is left as it is", async () => {
  await using bench = await openBench();
  const path = join(bench.dir, "damaged.db");
  const damages = [
    Buffer.alloc(10_000, "no database "),
    Buffer.concat([Buffer.from("SQLite format 3\0"), Buffer.alloc(5_000, 7)]),
  ];
  for (const damaged of damages) {
    await writeFile(path, damaged);
    assertRefused(await bench.run("manager", { "database.sqlite.path": path }), path, "left as it is", "backup");
    assert.deepEqual(await readFile(path), damaged);
  }
});

Deno.test("dfget tells wrong use from a missing dfdaemon, and says what to do", async () => {
  await using bench = await openBench();
  const out = join(bench.dir, "out");
  const socket = join(bench.dir, "absent.sock");
  for (const url of ["not a url", "ftp://host/file", "http://"]) {
    const { code, stderr } = await runMain("dfget", url, "-O", out, "-e", socket);
    assert.equal(code, 2, `${url}: ${code} ${stderr}`);
    assert.match(stderr, /^error: .*\burls?\b/im);
    assert.doesNotMatch(stderr, /^\s+at /m);
  }
  const { code, stderr } = await runMain(
    ...["dfget", "http://127.0.0.1:1/x", "-O", out, "-e", socket, "--disable-back-to-source"] as const,
  );
  assert.equal(code, 3, stderr);
  assert.ok(stderr.includes(socket) && stderr.includes("--endpoint"), stderr);
});

Deno.test("dfinit names an unknown key and changes nothing", async () => {
  await using bench = await openBench();
  const file = await writeYaml(join(bench.dir, "dfinit.yaml"), {
    "containerRuntime.containred.proxyAllRegistries": true,
  });
  const ended = await runMain("dfinit", "--config", file, "--root", bench.dir);
  assertRefused({ ...ended, program: "dfinit" }, file, "'containerRuntime.containred' is unknown", "containerd");
});
