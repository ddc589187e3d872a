/**
 * What a pull through us costs: the time of one blob through a mirror, as a ratio to the time straight from the
 * registry, and the time to the first byte. Registry, scheduler, seed and peers are processes of their own on loopback;
 * the reader hashes what comes, as a container runtime does. Absolute numbers are the machine's.
 *
 *     deno task bench [MiB] [rounds]
 */
import { createHash } from "node:crypto";
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
import { type Part, serveAsPart, spawnPart } from "./part.ts";

const MIB = 1024 * 1024;
const IP = "127.0.0.1";
const clock = realClock();
const never = new AbortController().signal;
const [size = 256, rounds = 5] = Deno.args.filter((arg) => /^\d+$/.test(arg)).map(Number);
const CONTENT_BYTES = size * MIB;
/** After a pull: peers bring the content to stable storage behind it. */
const SETTLE_MS = 300;

/** A part of the stage, in this process; the result is where it listens. */
async function startPart(role: string, settings: Settings, dynconfig: string): Promise<unknown> {
  const runtime = realRuntime(role, { log: silentLog() });
  if (role === "registry") return startBlobRegistry(IP, CONTENT_BYTES);
  if (role === "scheduler") {
    const { port } = await startScheduler(parseConfig(SchedulerConfig, "", role, settings).config, runtime);
    return { port };
  }
  const { mirror } = await startPeer(parseConfig(DfdaemonConfig, "", role, settings).config, runtime, { dynconfig });
  return { port: mirror.port };
}

async function runPart(role: string): Promise<never> {
  const [settings = "{}", dynconfig = ""] = Deno.args.slice(Deno.args.indexOf(role) + 1);
  return await serveAsPart(await startPart(role, JSON.parse(settings) as Settings, dynconfig));
}

interface Pull {
  readonly ms: number;
  readonly firstByteMs: number;
  /** Processor time of all peers together. */
  readonly cpuSeconds: number;
}

/** Reads the blob of a repository, and checks it. */
async function pull({ port }: Part, registry: Part, name: string, digest: string): Promise<Omit<Pull, "cpuSeconds">> {
  const startedAt = clock.now();
  const response = await fetch(`http://${IP}:${port}/v2/${name}/blobs/${digest}?ns=${IP}:${registry.port}`);
  const reader = response.body?.getReader({ mode: "byob" });
  const hash = createHash("sha256");
  let buffer = new Uint8Array(MIB);
  let firstByteMs = 0;
  while (true) {
    const step = await reader?.read(buffer);
    if (step === undefined || step.done) break;
    if (firstByteMs === 0) firstByteMs = clock.now() - startedAt;
    hash.update(step.value);
    buffer = new Uint8Array(step.value.buffer);
  }
  if (`sha256:${hash.digest("hex")}` !== digest) throw new Error(`${response.status}: not the content of ${digest}`);
  return { ms: clock.now() - startedAt, firstByteMs };
}

async function untilHosts(count: number, { port }: Part): Promise<void> {
  using client = createRpcClient(SchedulerService, `${IP}:${port}`, { clock });
  while ((await client.listHosts({}, { signal: never, timeoutMs: 2_000 })).hosts.length < count) {
    await clock.sleep(100, never);
  }
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] ?? 0;
}

function print(results: ReadonlyMap<string, readonly Pull[]>): void {
  const direct = median((results.get("direct") ?? []).map(({ ms }) => ms));
  for (const [title, pulls] of results) {
    const ms = median(pulls.map((one) => one.ms));
    const firstByteMs = median(pulls.map((one) => one.firstByteMs)).toFixed(1).padStart(7);
    const speed = (CONTENT_BYTES / 1e3 / ms).toFixed(0).padStart(5);
    const ratio = (ms / direct).toFixed(2);
    const cpu = (median(pulls.map((one) => one.cpuSeconds)) * 1024 / size).toFixed(2);
    const cost = `peers' CPU ${cpu} s/GiB`;
    console.log(`${title.padEnd(22)} ratio ${ratio}  ${speed} MB/s  first byte after ${firstByteMs} ms  ${cost}`);
  }
}

async function main(): Promise<void> {
  await using stack = new AsyncDisposableStack();
  const dir = await Deno.makeTempDir();
  stack.defer(() => Deno.remove(dir, { recursive: true }));
  const start = async (role: string, settings: Settings = {}, dynconfig = "") =>
    stack.use(
      await spawnPart(import.meta.filename ?? "", role, [`${size}`, role, JSON.stringify(settings), dynconfig]),
    );
  const registry = await start("registry");
  const scheduler = await start(
    "scheduler",
    schedulerSettings({ name: "s", dir, ip: IP, port: 0, manager: undefined }),
  );
  const withScheduler = join(dir, "dynconfig.yaml");
  await Deno.writeTextFile(withScheduler, `scheduler:\n  addrs: ["${IP}:${scheduler.port}"]\n`);
  const alone = join(dir, "alone.yaml");
  await Deno.writeTextFile(alone, "{}\n");
  const upstreams = [{ namespace: `${IP}:${registry.port}`, addr: `http://${IP}:${registry.port}` }];
  const startNode = (name: string, dynconfig = withScheduler) => {
    const isSeed = name === "seed";
    const place = { ip: IP, firstPort: 0 };
    return start(name, peerSettings({ name, isSeed, place, dir, upstreams, manager: undefined }), dynconfig);
  };
  const single = await startNode("alone", alone);
  const seed = await startNode("seed");
  const [first, second] = [await startNode("first"), await startNode("second")];
  await untilHosts(3, scheduler);

  const cpuSeconds = () => [single, seed, first, second].reduce((sum, part) => sum + part.cpuSeconds(), 0);
  const results = new Map<string, Pull[]>();
  for (let round = 0; round <= rounds; round++) {
    const [name, shared] = [`lone-${round}`, `shared-${round}`];
    const [digest, sharedDigest] = [digestOf(name, CONTENT_BYTES), digestOf(shared, CONTENT_BYTES)];
    const cases: readonly (readonly [string, Part, string, string])[] = [
      ["direct", registry, name, digest],
      ["cold, peer alone", single, name, digest],
      ["local hit", single, name, digest],
      ["cold, seed and peer", first, shared, sharedDigest],
      ["warm, from other peers", second, shared, sharedDigest],
    ];
    for (const [title, from, repository, of] of cases) {
      const cpuBefore = cpuSeconds();
      const one = await pull(from, registry, repository, of);
      await clock.sleep(SETTLE_MS, never);
      const all = [...results.get(title) ?? [], { ...one, cpuSeconds: cpuSeconds() - cpuBefore }];
      if (round > 0) results.set(title, all); // the first one warms up
    }
  }
  print(results);
}

const role = Deno.args.find((arg) => /^[a-z]+$/.test(arg));
if (role === undefined) await main();
else await runPart(role);
