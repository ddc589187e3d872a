/**
 * A preheat of an image to all peers of a cluster: what it costs the registry, and what a job takes besides the bytes.
 * The latter is the time of a job for an image that has next to none. The cluster is one process.
 */
import { startLocalCluster } from "../../../src/cmd/local_cluster.ts";
import { makeSampleImage, type SampleImage } from "../../../src/oci/sample_image.ts";
import { startSampleRegistry } from "../../../src/oci/sample_registry.ts";
import { realClock } from "../../../src/runtime/clock.ts";
import { silentLog } from "../../../src/runtime/log.ts";
import { realRuntime } from "../../../src/runtime/runtime.ts";
import { type ManagerSession, signIn } from "../../e2e/lib/manager_api.ts";
import { serveAsPart, spawnPart } from "../part.ts";
import { median } from "./load.ts";
import type { Row } from "./report.ts";

const IP = "127.0.0.1";
const MIB = 1024 * 1024;
const PEERS = 20;
/** About 300 MB compressed. */
const LARGE_LAYERS = [150 * MIB, 150 * MIB, 150 * MIB];
const SMALL_LAYERS = [16_000, 16_000, 16_000];
const SMALL_JOBS = 5;
const COPIES_MAX = 1;
/** What a broken connection may cost again. */
const COPIES_SLACK = 0.01;
const OVERHEAD_SECONDS_MAX = 0.5;
const JOB_TIMEOUT_MS = 300_000;
const POLL_MS = 10;
const REPOSITORY = "team/app";
const clock = realClock();
const never = new AbortController().signal;

/** The rows about preheating. */
export async function measurePreheat(): Promise<Row[]> {
  const large = await makeSampleImage({ layerBytes: LARGE_LAYERS, seed: "large" });
  const smalls = await Promise.all(
    Array.from({ length: SMALL_JOBS }, (_, n) => makeSampleImage({ layerBytes: SMALL_LAYERS, seed: `small-${n}` })),
  );
  const images = [large, ...smalls].map((image, n) => ({ repository: REPOSITORY, tag: `v${n}`, image }));
  await using registry = startSampleRegistry({ clock, images, hostname: IP });
  await using cluster = await spawnPart(import.meta.filename ?? "", "cluster", [registry.namespace]);
  const session = await signIn(`http://${IP}:${cluster.port}`);
  const preheat = (tag: string) => runJob(session, `${registry.url}/v2/${REPOSITORY}/manifests/${tag}`);
  const seconds: number[] = [];
  const cpuBefore = cluster.cpuSeconds();
  for (let n = 1; n <= SMALL_JOBS; n++) seconds.push(await preheat(`v${n}`));
  const cpuSeconds = (cluster.cpuSeconds() - cpuBefore) / SMALL_JOBS;
  const sentBefore = bytesSent(registry.requests);
  const largeSeconds = await preheat("v0");
  const copies = (bytesSent(registry.requests) - sentBefore) / bytesOf(large);
  const name = `preheat of ${Math.round(bytesOf(large) / 1e6)} MB to ${PEERS} peers`;
  const target = { atMost: COPIES_MAX + COPIES_SLACK };
  return [
    { what: `${name}, copies from the registry`, value: copies, unit: "copies", target },
    { what: name, value: largeSeconds, unit: "s" },
    {
      what: `preheat of an image without bytes to ${PEERS} peers`,
      ...{ value: median(seconds), unit: "s", target: { atMost: OVERHEAD_SECONDS_MAX } },
    },
    { what: "processor time of that, of all parts together", value: cpuSeconds, unit: "s" },
  ];
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

async function runCluster(registry: string): Promise<never> {
  const dir = await Deno.makeTempDir();
  const place = { ip: IP, firstPort: 0 };
  const { manager } = await startLocalCluster({
    dir,
    manager: { ip: IP, grpcPort: 0, restPort: 0 },
    scheduler: { ip: IP, port: 0 },
    seed: place,
    peers: Array.from({ length: PEERS }, () => place),
    upstreams: [{ namespace: registry, addr: `http://${registry}` }],
    clock,
    runtimeOf: (name) => realRuntime(name, { log: silentLog() }),
  }, never);
  addEventListener("unload", () => Deno.removeSync(dir, { recursive: true }));
  return await serveAsPart({ port: manager.rest.port });
}

if (import.meta.main) await runCluster(Deno.args[0] ?? "");
