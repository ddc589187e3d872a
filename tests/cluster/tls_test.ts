/** Components that speak mutual TLS with each other. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { peerSettings, type Settings } from "../../src/cmd/local_cluster_settings.ts";
import { DfdaemonConfig } from "../../src/config/dfdaemon.ts";
import { parseConfig } from "../../src/config/load.ts";
import { ManagerConfig } from "../../src/config/manager.ts";
import { SchedulerConfig } from "../../src/config/scheduler.ts";
import { startManager } from "../../src/manager/manager.ts";
import { pullImage } from "../../src/oci/image_pull.ts";
import { parseImageReference } from "../../src/oci/image_reference.ts";
import { startSampleRegistry } from "../../src/oci/sample_registry.ts";
import { startPeer } from "../../src/peer/peer.ts";
import { checkHealth, createRpcClient } from "../../src/rpc/client.ts";
import { ManagerService, SourceType } from "../../src/rpc/gen/manager/v2/manager.ts";
import { SchedulerService } from "../../src/rpc/gen/scheduler/v2/scheduler.ts";
import { realClock } from "../../src/runtime/clock.ts";
import { realRandom } from "../../src/runtime/random.ts";
import { realDisk } from "../../src/runtime/real_disk.ts";
import { openTlsFiles, type TlsFiles } from "../../src/runtime/tls_files.ts";
import { startScheduler } from "../../src/scheduler/scheduler.ts";
import { testCertificates } from "../../src/testing/certificates.ts";
import { testRuntime } from "../../src/testing/test_runtime.ts";
import { waitFor } from "../e2e/lib/wait.ts";
import { image, READY_TIMEOUT_MS } from "./stage.ts";

const LOCAL = "127.0.0.1";
const tls = testCertificates("a");
const clock = realClock();
const disk = realDisk(realRandom());
const limited = { signal: new AbortController().signal, timeoutMs: 10_000, clock };
/** The tables of a dfdaemon that have the keys of mutual TLS. */
const PEER_TABLES = ["manager", "scheduler", "upload.server", "upload.client"];

function runtime() {
  return testRuntime({ disk, clock });
}

async function startControlPlane(stack: AsyncDisposableStack) {
  const manager = stack.use(
    await startManager(
      ManagerConfig.parse({
        server: {
          grpc: { listenIP: LOCAL, port: 0, tls },
          rest: { addr: `${LOCAL}:0`, tls: { cert: tls.cert, key: tls.key } },
        },
        database: { sqlite: { path: ":memory:" } },
      }),
      runtime(),
    ),
  );
  const addr = `https://${LOCAL}:${manager.grpc.port}`;
  const scheduler = stack.use(
    await startScheduler(
      SchedulerConfig.parse({
        server: { listenIP: LOCAL, port: 0, tls },
        manager: { addr, tls },
        seedPeer: { tls },
        peer: { tls },
      }),
      runtime(),
    ),
  );
  return { manager, scheduler, addr };
}

function peerConfig(settings: Settings, managerAddr: string) {
  const keys = PEER_TABLES.flatMap((table) => Object.entries(tls).map(([key, path]) => [`${table}.${key}`, path]));
  const whole = { ...settings, "manager.addr": managerAddr, ...Object.fromEntries(keys) };
  return parseConfig(DfdaemonConfig, "", "dfdaemon.yaml", whole).config;
}

/** The names of the seed peers that the manager tells a peer of. */
async function seedPeersAt(port: number, files: TlsFiles): Promise<string[]> {
  using client = createRpcClient(ManagerService, `${LOCAL}:${port}`, { clock, tls: files });
  const peer = { sourceType: SourceType.PEER_SOURCE, hostname: "any", ip: LOCAL, version: "", commit: "" };
  const { schedulers } = await client.listSchedulers({ ...peer, schedulerClusterId: 0 }, limited);
  return schedulers.flatMap(({ seedPeers }) => seedPeers.map(({ hostname }) => hostname));
}

Deno.test("in mutual TLS a cluster shares an image as it does without, and nobody without a certificate gets in", async () => {
  const dir = await Deno.makeTempDir();
  await using _dir = { [Symbol.asyncDispose]: () => Deno.remove(dir, { recursive: true }) };
  await using stack = new AsyncDisposableStack();
  const { manager, scheduler, addr } = await startControlPlane(stack);
  const registry = stack.use(
    startSampleRegistry({ clock, images: [{ repository: "team/app", tag: "v1", image }] }),
  );
  const upstreams = [{ namespace: registry.namespace, addr: registry.url }];
  const start = async (name: string, isSeed: boolean) => {
    const settings = peerSettings({
      name,
      isSeed,
      place: { ip: LOCAL, firstPort: 0 },
      dir,
      upstreams,
      manager: undefined,
    });
    return stack.use(await startPeer(peerConfig(settings, addr), runtime()));
  };
  const [seed, peer] = [await start("seed", true), await start("peer", false)];
  const files = stack.use(await openTlsFiles(tls, runtime()));
  using client = createRpcClient(SchedulerService, `${LOCAL}:${scheduler.port}`, { clock, tls: files });
  await waitFor("the hosts at the scheduler", READY_TIMEOUT_MS, async () => {
    return (await client.listHosts({}, limited)).hosts.length === 2 || undefined;
  });
  await waitFor("the seed peer at the manager", READY_TIMEOUT_MS, async () => {
    return (await seedPeersAt(manager.grpc.port, files)).includes("seed") || undefined;
  });

  await pullImage(
    {
      image: parseImageReference(`${registry.namespace}/team/app:v1`),
      endpoint: `http://${LOCAL}:${peer.mirror.port}`,
      platform: { os: "linux", architecture: "amd64" },
    },
    { fetch, clock },
    limited.signal,
  );
  assert.equal(peer.traffic().backToSource, 0, "the scheduler reached the seed peer, and the peer its parent");
  assert.ok(peer.traffic().remotePeer > 0);

  for (const port of [manager.grpc.port, scheduler.port, peer.upload.port, seed.upload.port]) {
    assert.equal(await checkHealth(`${LOCAL}:${port}`, { ...limited, tls: files }), true);
    await assert.rejects(checkHealth(`${LOCAL}:${port}`, limited), { code: "unavailable" });
  }
  using http = Deno.createHttpClient({ caCerts: [readFileSync(tls.caCert, "utf8")] });
  const restUrl = `https://${LOCAL}:${manager.rest.port}`;
  const healthy = await fetch(`${restUrl}/healthy`, { client: http });
  assert.deepEqual([healthy.status, await healthy.json()], [200, "OK"]);
  const reached = await preheat(restUrl, `${registry.url}/v2/team/app/manifests/v1`, http);
  assert.deepEqual(reached, ["peer", "seed"], "the manager reached the scheduler, and that both hosts");
});

/** Preheats an image to all hosts by a job; the names of those that have all of it. */
async function preheat(restUrl: string, url: string, client: Deno.HttpClient): Promise<string[]> {
  const send = async (path: string, body?: unknown, token = "") => {
    const headers = { authorization: `Bearer ${token}` };
    const init = body === undefined ? {} : { method: "POST", body: JSON.stringify(body) };
    const response = await fetch(`${restUrl}/api/v1/${path}`, { ...init, headers, client });
    const text = await response.text();
    assert.ok(response.ok, text);
    return JSON.parse(text);
  };
  const { token } = await send("users/signin", { name: "root", password: "dragonfly" });
  const args = { type: "image", url, scope: "all_peers" };
  const { id } = await send("jobs", { type: "preheat", args }, token);
  const job = await waitFor("the job to end", READY_TIMEOUT_MS, async () => {
    const asked = await send(`jobs/${id}`, undefined, token);
    return asked.state === "PENDING" ? undefined : asked;
  });
  const [{ success_tasks, failure_tasks }] = job.result.job_states[0].results;
  assert.deepEqual([job.state, failure_tasks ?? []], ["SUCCESS", []]);
  return [...new Set<string>(success_tasks.map(({ hostname }: { hostname: string }) => hostname))].sort();
}
