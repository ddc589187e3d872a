/**
 * What a mirror adds to the time until the first byte of a blob: alone, through a seed peer, and when it has the blob.
 * Registry, scheduler, seed peer and peers are processes of their own on loopback. Each pull stands between two straight
 * from the registry, and only the difference counts.
 *
 *     deno task bench:first-byte [rounds] [--json]
 */
import { join } from "node:path";
import { peerSettings, schedulerSettings, type Settings } from "../../src/cmd/local_cluster_settings.ts";
import { DfdaemonConfig } from "../../src/config/dfdaemon.ts";
import { parseConfig } from "../../src/config/load.ts";
import { SchedulerConfig } from "../../src/config/scheduler.ts";
import { startPeer } from "../../src/peer/peer.ts";
import { createRpcClient } from "../../src/rpc/client.ts";
import { SchedulerService } from "../../src/rpc/gen/scheduler/v2/scheduler.ts";
import { realClock } from "../../src/runtime/clock.ts";
import { silentLog } from "../../src/runtime/log.ts";
import { realRuntime } from "../../src/runtime/runtime.ts";
import { startScheduler } from "../../src/scheduler/scheduler.ts";
import { digestOf, startBlobRegistry } from "./blob_registry.ts";
import { median } from "./manager/load.ts";
import { type Row, tableOf } from "./manager/report.ts";
import { type Part, serveAsPart, spawnPart } from "./part.ts";

const IP = "127.0.0.1";
const BLOB_BYTES = 16 * 1024 * 1024;
const ROUNDS_DEFAULT = 15;
/** After a pull: what peers do behind it shall not be a part of the next one. */
const SETTLE_MS = 150;
const clock = realClock();
const never = new AbortController().signal;

/** The most that each may add, in milliseconds. */
const TARGETS = { "cold, peer alone": 6, "cold, through a seed": 15, "local hit": 3 } as const;

/** A part of the stage, in this process; the result is where it listens. */
async function startPart(role: string, settings: Settings, dynconfig: string): Promise<unknown> {
  const runtime = realRuntime(role, { log: silentLog() });
  if (role === "registry") return startBlobRegistry(IP, BLOB_BYTES);
  if (role === "scheduler") {
    const { port } = await startScheduler(parseConfig(SchedulerConfig, "", role, settings).config, runtime);
    return { port };
  }
  const { mirror } = await startPeer(parseConfig(DfdaemonConfig, "", role, settings).config, runtime, { dynconfig });
  return { port: mirror.port };
}

/** Milliseconds until the first byte of a repository's blob; the rest is read too. */
async function firstByteMs({ port }: Part, registry: Part, name: string, digest: string): Promise<number> {
  const startedAt = clock.now();
  const response = await fetch(`http://${IP}:${port}/v2/${name}/blobs/${digest}?ns=${IP}:${registry.port}`);
  let tookMs = 0;
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    if (bytes === 0) tookMs = clock.now() - startedAt;
    bytes += chunk.length;
  }
  if (bytes !== BLOB_BYTES) throw new Error(`${response.status}: ${bytes} bytes came of ${name}`);
  await clock.sleep(SETTLE_MS, never);
  return tookMs;
}

async function untilHosts(count: number, { port }: Part): Promise<void> {
  using client = createRpcClient(SchedulerService, `${IP}:${port}`, { clock });
  while ((await client.listHosts({}, { signal: never, timeoutMs: 2_000 })).hosts.length < count) {
    await clock.sleep(100, never);
  }
}

async function measure(rounds: number): Promise<Row[]> {
  await using stack = new AsyncDisposableStack();
  const dir = await Deno.makeTempDir();
  stack.defer(() => Deno.remove(dir, { recursive: true }));
  const start = async (role: string, settings: Settings = {}, dynconfig = "") =>
    stack.use(await spawnPart(import.meta.filename ?? "", role, [role, JSON.stringify(settings), dynconfig]));
  const registry = await start("registry");
  const ofScheduler = schedulerSettings({ name: "s", dir, ip: IP, port: 0, manager: undefined });
  const scheduler = await start("scheduler", ofScheduler);
  const withScheduler = join(dir, "dynconfig.yaml");
  await Deno.writeTextFile(withScheduler, `scheduler:\n  addrs: ["${IP}:${scheduler.port}"]\n`);
  const alone = join(dir, "alone.yaml");
  await Deno.writeTextFile(alone, "{}\n");
  const upstreams = [{ namespace: `${IP}:${registry.port}`, addr: `http://${IP}:${registry.port}` }];
  const startNode = (name: string, dynconfig: string) => {
    const place = { ip: IP, firstPort: 0 };
    return start(
      name,
      peerSettings({ name, isSeed: name === "seed", place, dir, upstreams, manager: undefined }),
      dynconfig,
    );
  };
  const single = await startNode("alone", alone);
  await startNode("seed", withScheduler);
  const peer = await startNode("peer", withScheduler);
  await untilHosts(2, scheduler);

  const added = new Map<keyof typeof TARGETS, number[]>();
  for (let round = 0; round <= rounds; round++) {
    for (const title of Object.keys(TARGETS) as (keyof typeof TARGETS)[]) {
      const name = title === "cold, through a seed" ? `shared-${round}` : `lone-${round}`;
      const digest = digestOf(name, BLOB_BYTES);
      const before = await firstByteMs(registry, registry, name, digest);
      const ours = await firstByteMs(title === "cold, through a seed" ? peer : single, registry, name, digest);
      const after = await firstByteMs(registry, registry, name, digest);
      if (round > 0) added.set(title, [...added.get(title) ?? [], ours - (before + after) / 2]); // the first warms up
    }
  }
  return [...added].map(([title, values]) => ({
    what: `added to the first byte: ${title}`,
    value: median(values),
    unit: "ms",
    target: { atMost: TARGETS[title] },
  }));
}

const role = Deno.args.find((arg) => /^[a-z]+$/.test(arg));
if (role !== undefined) {
  const [settings = "{}", dynconfig = ""] = Deno.args.slice(Deno.args.indexOf(role) + 1);
  await serveAsPart(await startPart(role, JSON.parse(settings) as Settings, dynconfig));
}
const rows = await measure(Number(Deno.args.find((arg) => /^\d+$/.test(arg)) ?? ROUNDS_DEFAULT));
console.log(Deno.args.includes("--json") ? JSON.stringify(rows, undefined, 2) : tableOf(rows));
