import assert from "node:assert/strict";
import { mkdtemp, rm, truncate } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DamselflyError } from "../core/error.ts";
import { DfdaemonConfig } from "../config/dfdaemon.ts";
import { parseConfig } from "../config/load.ts";
import { makeSampleImage } from "../oci/sample_image.ts";
import { startSampleRegistry } from "../oci/sample_registry.ts";
import { checkHealth, createRpcClient } from "../rpc/client.ts";
import { DfdaemonDownloadService, DfdaemonUploadService } from "../rpc/gen/dfdaemon/v2/dfdaemon.ts";
import { realClock } from "../runtime/clock.ts";
import type { Net } from "../runtime/net.ts";
import { realNet } from "../runtime/real_net.ts";
import { realRandom } from "../runtime/random.ts";
import { realDisk } from "../runtime/real_disk.ts";
import { wrappedDisk } from "../runtime/wrapped_disk.ts";
import { testRuntime } from "../testing/test_runtime.ts";
import { startPeer } from "./peer.ts";

const clock = realClock();
const LIMITED = { signal: new AbortController().signal, timeoutMs: 5_000, clock };
const LISTENERS = ["upload.server.port", "proxy.server.port", "metrics.server.port", "health.server.port"];

/** A configuration on loopback, without manager and schedulers. */
async function openConfig(changes: Readonly<Record<string, unknown>> = {}) {
  const dir = await mkdtemp(join(tmpdir(), "damselfly-peer-"));
  const { config } = parseConfig(DfdaemonConfig, "", "dfdaemon", {
    ...Object.fromEntries(LISTENERS.flatMap((port) => [[port, 0], [port.replace(/port$/, "ip"), "127.0.0.1"]])),
    ...{ "storage.server.ip": "127.0.0.1", "storage.server.tcpPort": 0, "host.ip": "127.0.0.1" },
    ...{ "server.cacheDir": join(dir, "cache"), "storage.dir": join(dir, "storage") },
    "download.server.socketPath": join(dir, "dfdaemon.sock"),
    ...changes,
  });
  return { config, [Symbol.asyncDispose]: () => rm(dir, { recursive: true, force: true }) };
}

/** A disk that takes nothing for one file, neither bytes nor a sync, before its gate opens. */
function stallingDisk(name: string) {
  const gate = Promise.withResolvers<void>();
  const stalled = Promise.withResolvers<void>();
  const wait = async () => {
    stalled.resolve();
    await gate.promise;
  };
  const disk = wrappedDisk(realDisk(realRandom()), {}, (file, path) =>
    !path.endsWith(name) ? {} : {
      write: async (bytes, position) => {
        await wait();
        await file.write(bytes, position);
      },
      sync: async () => {
        await wait();
        await file.sync();
      },
    });
  return { disk, gate, stalled: stalled.promise };
}

Deno.test("a peer that is ready says so under the names that probes and CLIs ask for", async () => {
  await using opened = await openConfig();
  const runtime = testRuntime({ disk: realDisk(realRandom()), clock });
  await using peer = await startPeer(opened.config, runtime);
  const upload = `127.0.0.1:${peer.upload.port}`;
  const socket = `unix:${opened.config.download.server.socketPath}`;
  assert.equal(await checkHealth(upload, { ...LIMITED, service: "dfdaemon.v2.DfdaemonUpload" }), true);
  assert.equal(await checkHealth(socket, { ...LIMITED, service: "dfdaemon.v2.DfdaemonDownload" }), true);
});

Deno.test("a peer is not healthy while its mirror waits for a port that a program which has ended still holds", async () => {
  await using opened = await openConfig({ "health.server.ip": "127.0.0.8", "proxy.server.ip": "127.0.0.9" });
  const net = realNet();
  const asked: Promise<number>[] = [];
  let healthPort = 0;
  const status = async () => {
    const answer = await fetch(`http://127.0.0.8:${healthPort}/healthy`);
    await answer.body?.cancel();
    return answer.status;
  };
  const listen: Net["listen"] = (on, onTrouble) => {
    if (on.hostname === "127.0.0.9" && asked.push(status()) === 1) throw new DamselflyError("already_exists", "Taken");
    const listener = net.listen(on, onTrouble);
    if (on.hostname === "127.0.0.8") healthPort = listener.port;
    return listener;
  };
  const runtime = testRuntime({ disk: realDisk(realRandom()), clock, net: { ...net, listen } });
  await using _peer = await startPeer(opened.config, runtime);
  assert.deepEqual([await asked[0], await status()], [503, 200]);
  await Promise.all(asked);
});

Deno.test("children learn by SyncHost what a pull makes of the host's bandwidth", async () => {
  const image = await makeSampleImage({ layerBytes: [2 * 1024 * 1024] });
  const [layer] = image.layers;
  assert.ok(layer);
  await using registry = startSampleRegistry({ clock, images: [{ repository: "a/b", tag: "v1", image }] });
  await using opened = await openConfig({ "proxy.registryMirror.addr": registry.url });
  await using peer = await startPeer(opened.config, testRuntime({ disk: realDisk(realRandom()), clock }));
  using client = createRpcClient(DfdaemonUploadService, `127.0.0.1:${peer.upload.port}`, { clock });
  const network = async () => {
    const hosts = client.syncHost({ hostId: "child", peerId: "p" }, LIMITED)[Symbol.asyncIterator]();
    const first = await hosts.next();
    await hosts.return?.();
    return first.done === true ? undefined : first.value.network;
  };
  assert.deepEqual([(await network())?.txBandwidth, (await network())?.rxBandwidth], [0, 0]);
  const answer = await fetch(`http://127.0.0.1:${peer.mirror.port}/v2/a/b/blobs/${layer.digest}`);
  assert.equal((await answer.arrayBuffer()).byteLength, layer.size);
  const { txBandwidth, rxBandwidth } = (await network()) ?? {};
  assert.equal(txBandwidth, 0);
  assert.ok((rxBandwidth ?? 0) > layer.size, `${rxBandwidth} bits/s for ${layer.size} bytes in the last two seconds`);
});

Deno.test("a pull whose cached content somebody has cut is served from the registry to its end, and so is the next", async () => {
  const image = await makeSampleImage({ layerBytes: [2 * 1024 * 1024] });
  const [layer] = image.layers;
  assert.ok(layer);
  await using registry = startSampleRegistry({ clock, images: [{ repository: "a/b", tag: "v1", image }] });
  await using opened = await openConfig({ "proxy.registryMirror.addr": registry.url });
  await using peer = await startPeer(opened.config, testRuntime({ disk: realDisk(realRandom()), clock }));
  const pull = async () =>
    await (await fetch(`http://127.0.0.1:${peer.mirror.port}/v2/a/b/blobs/${layer.digest}`)).bytes();
  await pull();
  const hex = layer.digest.replace("sha256:", "");
  await truncate(join(opened.config.storage.dir, "content/tasks", hex.slice(0, 3), hex), 300_000);
  for (let again = 0; again < 2; again++) assert.deepEqual(await pull(), layer.bytes);
});

Deno.test("while the disk takes nothing for one task other tasks are pulled, and gRPC and health answer", async () => {
  const image = await makeSampleImage({ layerBytes: [2 * 1024 * 1024, 3 * 1024 * 1024] });
  const [slow, other] = image.layers;
  assert.ok(slow && other);
  await using registry = startSampleRegistry({ clock, images: [{ repository: "a/b", tag: "v1", image }] });
  await using opened = await openConfig({ "proxy.registryMirror.addr": registry.url });
  const { disk, gate, stalled } = stallingDisk(slow.digest.replace("sha256:", ""));
  await using peer = await startPeer(opened.config, testRuntime({ disk, clock }));
  using _end = { [Symbol.dispose]: () => gate.resolve() };
  const pull = async (digest: string) =>
    await (await fetch(`http://127.0.0.1:${peer.mirror.port}/v2/a/b/blobs/${digest}`)).bytes();
  const pullingSlow = pull(slow.digest);
  await stalled;
  assert.deepEqual(await pull(other.digest), other.bytes);
  const service = "dfdaemon.v2.DfdaemonUpload";
  assert.equal(await checkHealth(`127.0.0.1:${peer.upload.port}`, { ...LIMITED, timeoutMs: 30_000, service }), true);
  const healthy = await fetch(`http://127.0.0.1:${peer.health.port}/healthy`);
  await healthy.body?.cancel();
  assert.equal(healthy.status, 200);
  gate.resolve();
  assert.deepEqual(await pullingSlow, slow.bytes);
});

Deno.test("a peer whose proxy would be its own mirror does not start", async () => {
  await using opened = await openConfig({ "proxy.server.port": 4001 });
  const runtime = testRuntime({ disk: realDisk(realRandom()), clock });
  const looped = { ...runtime, env: (name: string) => name === "http_proxy" ? "http://127.0.0.1:4001" : undefined };
  await assert.rejects(startPeer(opened.config, looped), { code: "failed_precondition", message: /http_proxy/ });
});

Deno.test("gRPC requests above the limits of the upload and of the download server are refused, each by its own", async () => {
  const limits = (server: string) => ({ [`${server}.requestRateLimit`]: 1, [`${server}.requestBufferSize`]: 1 });
  await using opened = await openConfig({ ...limits("upload.server"), ...limits("download.server") });
  await using peer = await startPeer(opened.config, testRuntime({ disk: realDisk(realRandom()), clock }));
  const refusalsAt = async (address: string, call: (address: string) => Promise<unknown>[]) => {
    const codes = await Promise.allSettled(call(address));
    return codes.flatMap((each) => each.status === "rejected" ? [each.reason.message] : []);
  };
  const unknown = { taskId: "0".repeat(64) };
  const six = Array.from({ length: 6 });
  using uploads = createRpcClient(DfdaemonUploadService, `127.0.0.1:${peer.upload.port}`, { clock });
  using downloads = createRpcClient(DfdaemonDownloadService, `unix:${opened.config.download.server.socketPath}`, {
    clock,
  });
  for (const [key, client] of [["upload", uploads], ["download", downloads]] as const) {
    const refusals = await refusalsAt(key, () => six.map(() => client.statTask(unknown, LIMITED)));
    assert.equal(refusals.some((message) => message.includes(`raise ${key}.server.requestRateLimit`)), true, key);
  }
});
