/**
 * A preheat of an image to all peers of a cluster: what it costs the registry, and what a job takes besides the bytes.
 * The latter is the time of a job for an image that has next to none, less the time in which the same peers pull such an
 * image by themselves.
 */
import { join } from "node:path";
import type * as z from "zod";
import {
  managerSettings,
  peerSettings,
  schedulerSettings,
  type Settings,
} from "../../../src/cmd/local_cluster_settings.ts";
import { DfdaemonConfig } from "../../../src/config/dfdaemon.ts";
import { parseConfig } from "../../../src/config/load.ts";
import { ManagerConfig } from "../../../src/config/manager.ts";
import { SchedulerConfig } from "../../../src/config/scheduler.ts";
import { startManager } from "../../../src/manager/manager.ts";
import { makeSampleImage, type SampleImage } from "../../../src/oci/sample_image.ts";
import { startSampleRegistry } from "../../../src/oci/sample_registry.ts";
import { startPeer } from "../../../src/peer/peer.ts";
import { createRpcClient } from "../../../src/rpc/client.ts";
import { SchedulerService } from "../../../src/rpc/gen/scheduler/v2/scheduler.ts";
import { realClock } from "../../../src/runtime/clock.ts";
import { silentLog } from "../../../src/runtime/log.ts";
import { realRuntime } from "../../../src/runtime/runtime.ts";
import { startScheduler } from "../../../src/scheduler/scheduler.ts";
import { type ManagerSession, signIn } from "../../e2e/lib/manager_api.ts";
import { type Part, serveAsPart, spawnPart } from "../part.ts";
import { median } from "./load.ts";
import type { Row } from "./report.ts";

const IP = "127.0.0.1";
const MIB = 1024 * 1024;
const PEERS = 20;
/** More than 300 MB compressed. */
const LARGE_LAYERS = [185 * MIB, 185 * MIB, 185 * MIB];
const SMALL_LAYERS = [16_000, 16_000, 16_000];
const SMALL_JOBS = 6;
const COPIES_MAX = 1;
/** What a broken connection may cost again. */
const COPIES_SLACK = 0.01;
const OVERHEAD_SECONDS_MAX = 0.5;
const JOB_TIMEOUT_MS = 300_000;
const POLL_MS = 10;
const READY_TIMEOUT_MS = 60_000;
const REPOSITORY = "team/app";
const clock = realClock();

/** The rows about preheating. */
export async function measurePreheat(): Promise<Row[]> {
  const large = await makeSampleImage({ layerBytes: LARGE_LAYERS, seed: "large" });
  const smalls = await Promise.all(
    Array.from({ length: 2 * SMALL_JOBS }, (_, n) => makeSampleImage({ layerBytes: SMALL_LAYERS, seed: `small-${n}` })),
  );
  const images = [large, ...smalls].map((image, n) => ({ repository: REPOSITORY, tag: `v${n}`, image }));
  await using registry = startSampleRegistry({ clock, images, hostname: IP });
  await using stack = new AsyncDisposableStack();
  const { control, peers } = await startCluster(registry.namespace, stack);
  const session = await signIn(`http://${IP}:${control.port}`);
  const preheat = (tag: string) => runJob(session, `${registry.url}/v2/${REPOSITORY}/manifests/${tag}`);
  const pull = (image: SampleImage) => pullByAll(peers, registry.namespace, image);
  const [jobs, pulls]: [number[], number[]] = [[], []];
  for (const [n, image] of smalls.entries()) {
    // In turns; the first two are for the machines of JavaScript to get warm.
    const seconds = n % 2 === 0 ? await preheat(`v${n + 1}`) : await pull(image);
    if (n >= 2) (n % 2 === 0 ? jobs : pulls).push(seconds);
  }
  const sentBefore = bytesSent(registry.requests);
  const largeSeconds = await preheat("v0");
  const copies = (bytesSent(registry.requests) - sentBefore) / bytesOf(large);
  const name = `preheat of ${Math.round(bytesOf(large) / 1e6)} MB to ${PEERS} peers`;
  const target = { atMost: COPIES_MAX + COPIES_SLACK };
  return [
    { what: `${name}, copies from the registry`, value: copies, unit: "copies", target },
    { what: name, value: largeSeconds, unit: "s" },
    { what: `preheat of an image without bytes to ${PEERS} peers`, value: median(jobs), unit: "s" },
    { what: "the same image pulled by these peers at once", value: median(pulls), unit: "s" },
    {
      what: "what the job adds to that",
      ...{ value: median(jobs) - median(pulls), unit: "s", target: { atMost: OVERHEAD_SECONDS_MAX } },
    },
  ];
}

/** Pulls the blobs of an image through all mirrors at once; how many seconds that took. */
async function pullByAll(peers: readonly Part[], registry: string, { blobs }: SampleImage): Promise<number> {
  const startedAt = clock.now();
  await Promise.all(peers.flatMap(({ port }) =>
    blobs.map(async ({ digest }) => {
      const response = await fetch(`http://${IP}:${port}/v2/${REPOSITORY}/blobs/${digest}?ns=${registry}`);
      await response.arrayBuffer();
      if (!response.ok) throw new Error(`${digest} was answered with ${response.status}`);
    })
  ));
  return (clock.now() - startedAt) / 1_000;
}

/** Orders a preheat to all peers, and waits for its end; how many seconds that took. */
async function runJob(session: ManagerSession, url: string): Promise<number> {
  using limit = clock.deadline(JOB_TIMEOUT_MS);
  const startedAt = clock.now();
  const args = { type: "image", url, scope: "all_peers" };
  const { id } = await session.send("POST", "/api/v1/jobs", { type: "preheat", args }) as { id: number };
  while (true) {
    const { state } = await session.send("GET", `/api/v1/jobs/${id}`) as { state: string };
    if (state === "SUCCESS") return (clock.now() - startedAt) / 1_000;
    if (state !== "PENDING" && state !== "STARTED") throw new Error(`The preheat of ${url} ended with ${state}`);
    await clock.sleep(POLL_MS, limit.signal);
  }
}

function bytesOf({ blobs }: SampleImage): number {
  return blobs.reduce((sum, { size }) => sum + size, 0);
}

function bytesSent(requests: readonly { readonly path: string; readonly bytes: number }[]): number {
  return requests.filter(({ path }) => path.includes("/blobs/")).reduce((sum, { bytes }) => sum + bytes, 0);
}

/** Manager and scheduler in one process, the seed peer and each peer in one of its own, as on nodes. */
async function startCluster(registry: string, stack: AsyncDisposableStack): Promise<{ control: Part; peers: Part[] }> {
  const dir = await Deno.makeTempDir();
  stack.defer(() => Deno.remove(dir, { recursive: true }));
  const start = async (role: string, more: readonly string[]) =>
    stack.use(await spawnPart(import.meta.filename ?? "", role, [role, dir, ...more]));
  const control = await start("control", []);
  const { manager, scheduler } = JSON.parse(await Deno.readTextFile(join(dir, "ports.json")));
  const names = ["seed", ...Array.from({ length: PEERS }, (_, n) => `peer-${n + 1}`)];
  const peers: Part[] = [];
  for (const name of names) peers.push(await start(name, [registry, String(manager)]));
  using client = createRpcClient(SchedulerService, `${IP}:${scheduler}`, { clock });
  using limit = clock.deadline(READY_TIMEOUT_MS);
  const call = { signal: limit.signal, timeoutMs: READY_TIMEOUT_MS };
  while ((await client.listHosts({}, call)).hosts.length < names.length) await clock.sleep(100, limit.signal);
  return { control, peers };
}

async function runPart(role: string, dir: string, registry: string, managerPort: number): Promise<never> {
  const runtime = realRuntime(role, { log: silentLog() });
  const configOf = <S extends z.ZodObject>(schema: S, settings: Settings) =>
    parseConfig(schema, "", role, settings).config;
  if (role !== "control") {
    const manager = { hostname: IP, port: managerPort };
    const upstreams = [{ namespace: registry, addr: `http://${registry}` }];
    const place = { ip: IP, firstPort: 0 };
    const settings = peerSettings({ name: role, isSeed: role === "seed", place, dir, upstreams, manager });
    const { mirror } = await startPeer(configOf(DfdaemonConfig, settings), runtime);
    return await serveAsPart({ port: mirror.port });
  }
  const at = managerSettings({ dir, ip: IP, grpcPort: 0, restPort: 0 });
  const manager = await startManager(configOf(ManagerConfig, at), runtime);
  const of = schedulerSettings({ name: "scheduler", dir, ip: IP, port: 0, manager: manager.grpc });
  const scheduler = await startScheduler(configOf(SchedulerConfig, of), runtime);
  const ports = { manager: manager.grpc.port, scheduler: scheduler.port };
  await Deno.writeTextFile(join(dir, "ports.json"), JSON.stringify(ports));
  return await serveAsPart({ port: manager.rest.port });
}

if (import.meta.main) {
  const [role = "", dir = "", registry = "", managerPort = "0"] = Deno.args;
  await runPart(role, dir, registry, Number(managerPort));
}
