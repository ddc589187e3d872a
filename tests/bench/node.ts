/**
 * What a peer costs the node that it runs on: start, stop, and memory before and after pulls. The bundle runs as it is
 * installed, with its permissions and flags; `deno task bundle` makes it. A registry beside it costs as little as one
 * can. Takes about two minutes, for memory is looked at a minute after the last pull.
 *
 *     deno task bench:node [--json]
 */
import { join } from "node:path";
import { existsSync } from "node:fs";
import { bundleFlags } from "../../src/install/unit.ts";
import { permissionFlags, type PermissionSet } from "../../src/install/permission_flags.ts";
import { REPOSITORY } from "../e2e/lib/components.ts";
import { digestOf, startBlobRegistry } from "./blob_registry.ts";
import { median } from "./manager/load.ts";
import { type Row, tableOf } from "./manager/report.ts";
import { cpuSecondsOf, memoryMiB, type Part, serveAsPart, spawnPart } from "./part.ts";

const IP = "127.0.0.1";
const BLOB_BYTES = 256 * 1024 * 1024;
const BLOBS = 4;
const STARTS = 3;
const READY = "Peer is ready";
/** After a start: what was only needed for it is given back. */
const IDLE_MS = 10_000;
const AFTER_PULLS_MS = 60_000;
const BUNDLE = join(REPOSITORY, "dist", "dfdaemon.js");

interface Node {
  readonly pid: number;
  readonly mirror: string;
  readonly readySeconds: number;
  readonly cpuSeconds: number;
  /** Stops it; how long that took. */
  stop(): Promise<number>;
}

async function startNode(configPath: string, denoDir: string): Promise<Node> {
  const { permissions } = JSON.parse(await Deno.readTextFile(join(REPOSITORY, "deno.json"))) as {
    permissions: { dfdaemon: PermissionSet };
  };
  const startedAt = performance.now();
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", ...bundleFlags("dfdaemon"), ...permissionFlags(permissions.dfdaemon), BUNDLE, "--config", configPath],
    env: { DENO_DIR: denoDir },
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const lines = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  let log = "";
  while (!log.includes(READY)) {
    const { done, value } = await lines.read();
    if (done) throw new Error(`dfdaemon did not start: ${log}`);
    log += value;
  }
  const readySeconds = (performance.now() - startedAt) / 1_000;
  const drained = (async () => {
    while (!(await lines.read()).done);
  })();
  return {
    pid: child.pid,
    mirror: /"mirror":"([^"]+)"/.exec(log)?.[1] ?? "",
    readySeconds,
    cpuSeconds: cpuSecondsOf(child.pid),
    async stop() {
      const askedAt = performance.now();
      child.kill("SIGTERM");
      await child.status;
      await drained;
      return (performance.now() - askedAt) / 1_000;
    },
  };
}

async function pull(mirror: string, registry: Part, name: string): Promise<void> {
  const digest = digestOf(name, BLOB_BYTES);
  const response = await fetch(`http://${mirror}/v2/${name}/blobs/${digest}?ns=${IP}:${registry.port}`);
  let bytes = 0;
  for await (const chunk of response.body ?? []) bytes += chunk.length;
  if (bytes !== BLOB_BYTES) throw new Error(`${response.status}: ${bytes} bytes came of ${name}`);
}

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

async function measure(dir: string): Promise<Row[]> {
  await using registry = await spawnPart(import.meta.filename ?? "", "registry", ["registry"]);
  const configPath = join(dir, "dfdaemon.yaml");
  const listener = { server: { ip: IP, port: 0 } };
  const config = {
    host: { ip: IP },
    server: { cacheDir: join(dir, "cache") },
    storage: { dir: join(dir, "storage"), server: { ip: IP, tcpPort: 0 } },
    download: { server: { socketPath: join(dir, "dfdaemon.sock") } },
    upload: listener,
    health: listener,
    metrics: listener,
    proxy: {
      ...listener,
      registryMirror: {
        upstreams: [{ namespace: `${IP}:${registry.port}`, addr: `http://${IP}:${registry.port}` }],
      },
    },
  };
  await Deno.writeTextFile(configPath, JSON.stringify(config));
  const [ready, cpu, stops]: [number[], number[], number[]] = [[], [], []];
  const denoDir = join(dir, "deno");
  for (let n = 0; n <= STARTS; n++) {
    const node = await startNode(configPath, denoDir);
    if (n > 0) { // the first one fills the code cache
      ready.push(node.readySeconds);
      cpu.push(node.cpuSeconds);
    }
    if (n < STARTS) {
      stops.push(await node.stop());
      continue;
    }
    await sleep(IDLE_MS);
    const idle = memoryMiB(node.pid, "VmRSS");
    const cpuBefore = cpuSecondsOf(node.pid);
    for (let blob = 0; blob < BLOBS; blob++) await pull(node.mirror, registry, `blob-${blob}`);
    const pullCpu = cpuSecondsOf(node.pid) - cpuBefore;
    const most = memoryMiB(node.pid, "VmHWM");
    await sleep(AFTER_PULLS_MS);
    const after = memoryMiB(node.pid, "VmRSS");
    stops.push(await node.stop());
    return [
      { what: "start to ready", value: median(ready), unit: "s", target: { atMost: 0.8 } },
      { what: "processor time of that", value: median(cpu), unit: "s" },
      { what: "stop", value: Math.max(...stops), unit: "s", target: { atMost: 1 } },
      { what: "idle memory", value: idle, unit: "MiB", target: { atMost: 100 } },
      { what: "memory at most, during pulls of 1 GiB", value: most, unit: "MiB" },
      { what: "memory a minute after them", value: after, unit: "MiB", target: { atMost: 140 } },
      { what: "processor time of these pulls", value: pullCpu, unit: "s" },
    ];
  }
  return [];
}

if (Deno.args.includes("registry")) await serveAsPart(startBlobRegistry(IP, BLOB_BYTES));
if (!existsSync(BUNDLE)) {
  console.error("There is no bundle to measure: deno task bundle makes it");
  Deno.exit(1);
}
const dir = await Deno.makeTempDir();
try {
  const rows = await measure(dir);
  console.log(Deno.args.includes("--json") ? JSON.stringify(rows, undefined, 2) : tableOf(rows));
} finally {
  await Deno.remove(dir, { recursive: true });
}
Deno.exit();
