import "../rpc/http2_guard.ts";
import assert from "node:assert/strict";
import { Client, credentials, Metadata } from "@grpc/grpc-js";
import { SchedulerConfig } from "../config/scheduler.ts";
import { DamselflyError } from "../core/error.ts";
import { BUILD_PLATFORM } from "../core/version.ts";
import { AsyncQueue } from "../rpc/async_queue.ts";
import { checkHealth, createRpcClient } from "../rpc/client.ts";
import { Build, type Download, Network } from "../rpc/gen/common/v2/common.ts";
import { DfdaemonUploadService, DownloadTaskResponse } from "../rpc/gen/dfdaemon/v2/dfdaemon.ts";
import { SchedulerService } from "../rpc/gen/scheduler/v2/scheduler.ts";
import { service, startRpcServer } from "../rpc/server.ts";
import { announce, HandPeer, limited, peerOf, pieceReport } from "../testing/hand_peer.ts";
import { realMetrics } from "../runtime/metrics.ts";
import type { Runtime } from "../runtime/runtime.ts";
import { testRuntime } from "../testing/test_runtime.ts";
import { VirtualClock } from "../testing/virtual_clock.ts";
import type { Peer } from "./core/state.ts";
import { startScheduler } from "./scheduler.ts";
import { SchedulerMetrics } from "./scheduler_metrics.ts";

const LOCAL = "127.0.0.1";
const SECRET = "Bearer secret";

function serve(config: Record<string, unknown> = {}, runtime: Runtime = testRuntime()) {
  const server = { listenIP: LOCAL, port: 0 };
  return startScheduler(SchedulerConfig.parse({ server, ...config }), runtime);
}

function clientOf({ port }: { port: number }) {
  return createRpcClient(SchedulerService, `${LOCAL}:${port}`, { clock: testRuntime().clock });
}

/** A seed peer that takes triggers; each waits until the test ends it. */
async function startSeed(runtime = testRuntime()) {
  const requests = new AsyncQueue<Download>(10);
  const end = Promise.withResolvers<void>();
  end.promise.catch(() => undefined);
  const server = await startRpcServer({
    listen: { hostname: LOCAL, port: 0 },
    services: [service(DfdaemonUploadService, {
      downloadTask: async function* ({ download }, { signal }) {
        if (download !== undefined) await requests.push(download, signal);
        yield DownloadTaskResponse.create({});
        await Promise.race([end.promise, new Promise((_, reject) => signal.addEventListener("abort", reject))]);
      },
    })],
    log: runtime.log,
    clock: runtime.clock,
  });
  const incoming = requests[Symbol.asyncIterator]();
  return {
    port: server.port,
    triggered: async () => (await incoming.next()).value,
    triggers: () => requests.length,
    end: end.resolve,
    fail: end.reject,
    [Symbol.asyncDispose]: () => {
      end.resolve();
      return server[Symbol.asyncDispose]();
    },
  };
}

Deno.test("gRPC requests above the configured rate are refused by the name of its key", async () => {
  await using scheduler = await serve({ server: { listenIP: LOCAL, port: 0, requestRateLimit: 1 } });
  using client = clientOf(scheduler);
  const calls = await Promise.allSettled(Array.from({ length: 6 }, () => client.listHosts({}, limited)));
  const refusals = calls.flatMap((call) => call.status === "rejected" ? [String(call.reason)] : []);
  assert.equal(refusals.some((text) => /raise server\.requestRateLimit/.test(text)), true, String(refusals));
});

Deno.test("flow (a): the first peer triggers the seed peer and gets it as parent as soon as it begins", async () => {
  await using seed = await startSeed();
  await using scheduler = await serve();
  using client = clientOf(scheduler);
  await announce(client, "seed-host", { type: 1, port: seed.port });
  const peer = await peerOf(client, "p");
  await peer.register({ outputPath: "/tmp/out", enableTaskIdBasedBlobDigest: true, disableBackToSource: true });
  const download = await seed.triggered();
  assert.equal(download?.disableBackToSource, false, "the seed peer is the one that may");
  assert.equal(download?.needBackToSource, true);
  assert.equal(download?.outputPath, undefined);
  assert.equal(download?.enableTaskIdBasedBlobDigest, true);
  assert.equal(download?.requestHeader["authorization"], SECRET);
  const seedPeer = new HandPeer(client, "seed", "task", "seed-host");
  await seedPeer.register({ needBackToSource: true });
  assert.equal((await seedPeer.next())?.$case, "needBackToSourceResponse");
  await seedPeer.send({ $case: "downloadPeerBackToSourceStartedRequest", value: {} });
  const [parent, ...others] = await peer.parents();
  assert.deepEqual(others, []);
  assert.deepEqual([parent?.id, parent?.host?.ip, parent?.host?.port], ["seed", LOCAL, seed.port]);
  assert.equal(parent?.host?.schedulerClusterId, 1);
  for (const field of [parent?.cost, parent?.task, parent?.createdAt, parent?.updatedAt]) assert.ok(field);
  await peer.send({ $case: "downloadPeerStartedRequest", value: {} });
  await seedPeer.send({ $case: "downloadPieceBackToSourceFinishedRequest", value: { piece: pieceReport(0) } });
  await peer.send({ $case: "downloadPieceFinishedRequest", value: { piece: pieceReport(0, "seed") } });
  await seedPeer.send({ $case: "downloadPeerBackToSourceFinishedRequest", value: {} });
  await peer.send({ $case: "downloadPeerFinishedRequest", value: {} });
  assert.deepEqual([await seedPeer.next(), await peer.next()], [undefined, undefined], "both streams end with OK");
  const task = await client.statTask({ hostId: "p-host", taskId: "task" }, limited);
  assert.deepEqual([task.state, task.peerCount, task.hasAvailablePeer], ["Succeeded", 2, true]);
  assert.deepEqual([task.requestHeader, task.url], [{}, "https://registry.example/v2/blob"]);
});

Deno.test("a seed peer of our make is told once of each other registry that has what it fetches, a stock one is not", async () => {
  const digest = `sha256:${"a".repeat(64)}`;
  const at = (registry: string) => ({ url: `https://${registry}/v2/blob`, digest });
  for (const platform of [BUILD_PLATFORM, "linux"]) {
    await using seed = await startSeed();
    await using scheduler = await serve();
    using client = clientOf(scheduler);
    await announce(client, "seed-host", { type: 1, port: seed.port, build: Build.create({ platform }) });
    const registries = ["a", "a", "b", "b:5000", "b", "c", "d"];
    const asked = platform === BUILD_PLATFORM ? ["a", "b", "b:5000", "c"] : ["a"];
    for (const [number, registry] of registries.entries()) {
      await (await peerOf(client, `p${number}`)).register(at(registry));
    }
    for (const registry of asked) {
      const download = await seed.triggered();
      assert.deepEqual([download?.url, download?.needBackToSource], [at(registry).url, true]);
    }
    await (await peerOf(client, "unnamed")).register({ url: "https://e/v2/blob" });
    // What comes of another task comes after what would have come of this one.
    await (await peerOf(client, "other", "other")).register(at("f"));
    assert.equal((await seed.triggered())?.url, at("f").url);
  }
});

Deno.test("a seed peer that has ended is told of no more registries", async () => {
  const digest = `sha256:${"a".repeat(64)}`;
  await using seed = await startSeed();
  await using scheduler = await serve();
  using client = clientOf(scheduler);
  await announce(client, "seed-host", { type: 1, port: seed.port, build: Build.create({ platform: BUILD_PLATFORM }) });
  const peer = await peerOf(client, "p");
  await peer.register({ url: "https://a/v2/blob", digest, disableBackToSource: false });
  await seed.triggered();
  seed.end();
  assert.equal((await peer.next())?.$case, "needBackToSourceResponse");
  await (await peerOf(client, "q")).register({ url: "https://b/v2/blob", digest });
  await (await peerOf(client, "other", "other")).register({ url: "https://c/v2/blob", digest });
  assert.equal((await seed.triggered())?.url, "https://c/v2/blob");
});

Deno.test("a scheduler tells peers that it is of our make", async () => {
  await using scheduler = await serve();
  const health = { ...limited, clock: testRuntime().clock, service: "damselfly.v1.Holdings" };
  assert.equal(await checkHealth(`${LOCAL}:${scheduler.port}`, health), true);
});

Deno.test("with seedPeer.enable: false the first peer goes to the source and no seed peer is asked", async () => {
  await using seed = await startSeed();
  await using scheduler = await serve({ seedPeer: { enable: false } });
  using client = clientOf(scheduler);
  await announce(client, "seed-host", { type: 1, port: seed.port });
  const peer = await peerOf(client, "p");
  await peer.register();
  assert.equal((await peer.next())?.$case, "needBackToSourceResponse");
  assert.equal(seed.triggers(), 0);
  peer.cancel();
});

Deno.test("a seed peer that cannot be reached costs nothing but the attempt", async () => {
  const gone = await startSeed();
  await gone[Symbol.asyncDispose]();
  await using scheduler = await serve();
  using client = clientOf(scheduler);
  await announce(client, "seed-host", { type: 1, port: gone.port });
  const peer = await peerOf(client, "p");
  await peer.register();
  assert.equal((await peer.next())?.$case, "needBackToSourceResponse");
  peer.cancel();
});

Deno.test("a seed peer that reports a failure of the source sends the waiting peer there at once", async () => {
  await using seed = await startSeed();
  await using scheduler = await serve();
  using client = clientOf(scheduler);
  await announce(client, "seed-host", { type: 1, port: seed.port });
  const peer = await peerOf(client, "a");
  await peer.register();
  await seed.triggered();
  const details = { message: "not found", header: {}, statusCode: 404 };
  seed.fail(new DamselflyError("source_error", "The origin says 404", { details }));
  assert.equal((await peer.next())?.$case, "needBackToSourceResponse");
  peer.cancel();
});

Deno.test("flows (b) to (d): a second peer hits the first, loses it, and goes to the source", async () => {
  await using scheduler = await serve();
  using client = clientOf(scheduler);
  const first = await peerOf(client, "a");
  await first.register();
  assert.equal((await first.next())?.$case, "needBackToSourceResponse");
  await first.send({ $case: "downloadPeerBackToSourceStartedRequest", value: {} });
  const second = await peerOf(client, "b");
  await second.register();
  const candidateParents = await second.parents();
  assert.deepEqual(candidateParents.map(({ id }) => id), ["a"]);
  await second.send({ $case: "downloadPeerStartedRequest", value: {} });
  await second.send({ $case: "downloadPieceFailedRequest", value: { parentId: "a", temporary: true } });
  await second.send({ $case: "reschedulePeerRequest", value: { candidateParents } });
  assert.equal((await second.next())?.$case, "needBackToSourceResponse");
  await second.send({ $case: "downloadPeerBackToSourceStartedRequest", value: {} });
  const response = { $case: "backend" as const, value: { message: "gone", header: {}, statusCode: 410 } };
  await second.send({ $case: "downloadPieceBackToSourceFailedRequest", value: { response } });
  await second.send({ $case: "downloadPeerBackToSourceFailedRequest", value: { description: "gone" } });
  await first.send({ $case: "downloadPeerFailedRequest", value: { description: "too many schedules" } });
  assert.deepEqual([await second.next(), await first.next()], [undefined, undefined], "terminal messages end with OK");
  const stat = { hostId: "a-host", taskId: "task" };
  assert.equal((await client.statPeer({ ...stat, peerId: "a" }, limited)).state, "Failed");
});

Deno.test("flow (e): an empty task, and content that the peer already has", async () => {
  await using scheduler = await serve();
  using client = clientOf(scheduler);
  const empty = await peerOf(client, "e", "nothing");
  await empty.register({ actualContentLength: 0, actualPieceCount: 0 });
  assert.equal((await empty.next())?.$case, "emptyTaskResponse");
  await empty.send({ $case: "downloadPeerStartedRequest", value: {} });
  await empty.send({ $case: "downloadPeerFinishedRequest", value: {} });
  assert.equal(await empty.next(), undefined);
  const holder = await peerOf(client, "h");
  await holder.register({ metadataOnly: true });
  assert.equal((await holder.next())?.$case, "metadataOnlyResponse");
  await holder.send({ $case: "downloadPeerStartedRequest", value: {} });
  await holder.send({ $case: "downloadPeerFinishedRequest", value: {} });
  assert.equal(await holder.next(), undefined);
  const child = await peerOf(client, "c");
  await child.register();
  assert.deepEqual((await child.parents()).map(({ id, state }) => [id, state]), [["h", "Succeeded"]]);
  child.cancel();
});

Deno.test("a peer whose connection breaks is no parent any more, and those who wait for it are answered", async () => {
  await using scheduler = await serve();
  using client = clientOf(scheduler);
  const first = await peerOf(client, "a");
  await first.register();
  await first.next();
  const second = await peerOf(client, "b");
  await second.register();
  first.cancel();
  assert.equal((await second.next())?.$case, "needBackToSourceResponse");
  second.cancel();
});

Deno.test("a cold burst of 50 peers over real streams costs one fetch, although the seed peer takes 3 s to begin", async () => {
  const clock = new VirtualClock();
  await using seed = await startSeed();
  await using scheduler = await serve({}, testRuntime({ clock }));
  using client = clientOf(scheduler);
  await announce(client, "seed-host", { type: 1, port: seed.port });
  const peers = await Promise.all(Array.from({ length: 50 }, (_, index) => peerOf(client, `p${index}`)));
  for (const peer of peers) await peer.register();
  await seed.triggered();
  await clock.advance(3_000);
  const seedPeer = new HandPeer(client, "seed", "task", "seed-host");
  await seedPeer.register({ needBackToSource: true });
  assert.equal((await seedPeer.next())?.$case, "needBackToSourceResponse");
  await seedPeer.send({ $case: "downloadPeerBackToSourceStartedRequest", value: {} });
  const answers = peers.map((peer) => peer.parents());
  await Promise.any(answers);
  // The others are answered in the steps that follow.
  await clock.advance(1);
  for (const parents of await Promise.all(answers)) assert.ok(parents.length > 0);
  for (const peer of [...peers, seedPeer]) peer.cancel();
});

Deno.test("parents are chosen by the algorithm of the configuration: only ours keeps a content in a data centre", async () => {
  for (const [config, count] of [[{}, 1], [{ scheduler: { algorithm: "default" } }, 2]] as const) {
    await using scheduler = await serve(config);
    using client = clientOf(scheduler);
    const inCenter = (idc: string) => ({ network: Network.create({ idc, maxTxBandwidth: 1e9 }) });
    const holders = [
      await peerOf(client, "near", "task", inCenter("fra")),
      await peerOf(client, "far", "task", inCenter("muc")),
    ];
    for (const holder of holders) {
      await holder.register({ metadataOnly: true });
      assert.equal((await holder.next())?.$case, "metadataOnlyResponse");
    }
    const child = await peerOf(client, "child", "task", inCenter("fra"));
    await child.register();
    assert.equal((await child.parents()).length, count);
    for (const peer of [...holders, child]) peer.cancel();
  }
});

Deno.test("the headers of a stream come before anybody has registered", async () => {
  await using scheduler = await serve();
  const client = new Client(`${LOCAL}:${scheduler.port}`, credentials.createInsecure());
  const { path, requestSerialize, responseDeserialize } = SchedulerService.announcePeer;
  const call = client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize, new Metadata());
  await new Promise((resolve) => call.once("metadata", resolve));
  const ended = new Promise((resolve) => call.once("error", resolve));
  call.cancel();
  await ended;
  client.close();
});

Deno.test("a stream on which nobody registers is ended", async () => {
  const clock = new VirtualClock();
  await using scheduler = await serve({}, testRuntime({ clock }));
  using client = clientOf(scheduler);
  const silent = client.announcePeer({ ...limited, metadata: {} });
  const ended = assert.rejects(Array.fromAsync(silent.responses), { code: "timeout", message: /registration/ });
  const known = await peerOf(client, "a");
  await known.register();
  await known.next();
  await clock.advance(10_200);
  await ended;
  const { state } = await client.statPeer({ hostId: "a-host", taskId: "task", peerId: "a" }, limited);
  assert.equal(state, "ReceivedNormal");
  known.cancel();
});

Deno.test("a peer of an unknown host is told so, announces itself and is served", async () => {
  await using scheduler = await serve();
  using client = clientOf(scheduler);
  const early = new HandPeer(client, "a");
  await early.register();
  await assert.rejects(early.next(), { code: "not_found", message: /a-host is not announced/ });
  const again = await peerOf(client, "a");
  await again.register();
  assert.equal((await again.next())?.$case, "needBackToSourceResponse");
  again.cancel();
});

Deno.test("of each parent is told into how many pieces it cut the content itself", async () => {
  await using scheduler = await serve();
  using client = clientOf(scheduler);
  const fine = await peerOf(client, "fine", "task", { build: Build.create({ platform: "damselfly" }) });
  const length = { actualContentLength: 100 << 20 };
  await fine.register({ ...length, actualPieceLength: 512 << 10, actualPieceCount: 200 });
  await fine.next();
  await fine.send({ $case: "downloadPeerBackToSourceStartedRequest", value: {} });
  const coarse = await peerOf(client, "coarse");
  await coarse.register({ ...length, actualPieceLength: 4 << 20, actualPieceCount: 25 });
  assert.deepEqual((await coarse.parents()).map(({ id, task }) => [id, task?.pieceCount]), [["fine", 200]]);
  await coarse.send({ $case: "downloadPeerStartedRequest", value: {} });
  const third = await peerOf(client, "third");
  await third.register({ ...length, actualPieceLength: 4 << 20, actualPieceCount: 25 });
  const counts = (await third.parents()).map(({ id, task }) => `${id} ${task?.pieceCount}`);
  assert.deepEqual(counts.toSorted(), ["coarse 25", "fine 200"]);
});

Deno.test("what a seed peer calls a blob, or a peer that has it already, is no sign that peers differ", async () => {
  const runtime = testRuntime();
  await using scheduler = await serve({}, runtime);
  using client = clientOf(scheduler);
  const url = `https://r.example/v2/app/blobs/sha256:${"ab".repeat(32)}`;
  const [asked, seed, holder] = [
    await peerOf(client, "asked", "ab".repeat(32)),
    await peerOf(client, "seed", "t", { type: 1 }),
    await peerOf(client, "holder", "t"),
  ];
  await seed.register({ url, needBackToSource: true });
  await holder.register({ url, metadataOnly: true });
  await asked.register({ url, disableBackToSource: true, priority: 3 });
  for (const peer of [seed, holder]) assert.ok(await peer.next());
  assert.deepEqual(runtime.log.lines.filter(({ message }) => message.includes("enableTaskID")), []);
  asked.cancel();
});

Deno.test("a difference that keeps peers from sharing is in the log, with the setting that ends it", async () => {
  const runtime = testRuntime();
  await using scheduler = await serve({}, runtime);
  using client = clientOf(scheduler);
  const url = `https://r.example/v2/app/blobs/sha256:${"ab".repeat(32)}`;
  for (
    const [name, taskId, pieceLength] of [["a", "ab".repeat(32), 4 << 20], ["b", "t", 4 << 20], ["c", "t", 8 << 20]]
  ) {
    await announce(client, `${name}-host`, { port: 4000 });
    const peer = new HandPeer(client, String(name), String(taskId), `${name}-host`);
    await peer.register({ url, actualPieceLength: Number(pieceLength), actualContentLength: 400 << 20 });
    assert.equal((await peer.next())?.$case, "needBackToSourceResponse");
    await peer.send({ $case: "downloadPeerBackToSourceStartedRequest", value: {} });
  }
  const told = () => runtime.log.lines.filter(({ level }) => level === "warn");
  const warnings = told().map(({ message }) => message);
  assert.deepEqual(warnings.map((text) => /set [\w.]*?(\w+)[: ]/.exec(text)?.[1]), [
    "enableTaskIDBasedBlobDigest",
    "pieceLength",
  ]);
});

Deno.test("wrong messages are refused with the name of the field", async () => {
  await using scheduler = await serve();
  using client = clientOf(scheduler);
  const refused = { code: "invalid_argument" };
  await assert.rejects(announce(client, ""), { ...refused, message: /host\.id/ });
  await assert.rejects(announce(client, "h", { ip: "localhost" }), { ...refused, message: /host\.ip/ });
  await assert.rejects(announce(client, "h", { ip: "fe80::1%eth0" }), { ...refused, message: /host\.ip/ });
  await assert.rejects(announce(client, "h", { port: 70_000 }), { ...refused, message: /host\.port/ });
  await assert.rejects(announce(client, "h", { type: 4 }), { ...refused, message: /host\.type/ });
  await assert.rejects(announce(client, "h", { name: "x".repeat(20_000) }), { ...refused, message: /host/ });
  const cases: [Partial<Download>, RegExp][] = [
    [{ url: "no url" }, /download\.url/],
    [{ priority: 7 as Download["priority"] }, /download\.priority/],
    [{ digest: "sha256:abc" }, /download\.digest/],
  ];
  for (const [parts, message] of cases) {
    const peer = await peerOf(client, "p");
    await peer.register(parts);
    await assert.rejects(peer.next(), { ...refused, message });
  }
  const hasty = await peerOf(client, "p");
  await hasty.send({ $case: "downloadPeerStartedRequest", value: {} });
  await assert.rejects(hasty.next(), { ...refused, message: /register_peer_request first/ });
  const other = await peerOf(client, "p");
  await other.register();
  await other.next();
  await other.send({ $case: "downloadPeerStartedRequest", value: {} }, { hostId: "other" });
  await assert.rejects(other.next(), { ...refused, message: /host_id/ });
  const odd = await peerOf(client, "q");
  await odd.register();
  await odd.next();
  await odd.send(undefined);
  await assert.rejects(odd.next(), { code: "failed_precondition" });
});

Deno.test("hosts, tasks and peers can be listed, looked up and deleted; unknown ones are not found", async () => {
  await using scheduler = await serve();
  using client = clientOf(scheduler);
  await announce(client, "seed-host", { type: 1 });
  const peer = await peerOf(client, "a");
  await peer.register({ priority: 3 });
  await peer.next();
  const hostsOf = async (request: { type?: number }) =>
    (await client.listHosts(request, limited)).hosts.map(({ id }) => id);
  assert.deepEqual(await hostsOf({}), ["seed-host", "a-host"]);
  assert.deepEqual(await hostsOf({ type: 1 }), ["seed-host"]);
  const ids = { hostId: "a-host", taskId: "task", peerId: "a" };
  assert.equal((await client.statPeer(ids, limited)).priority, 3);
  await client.deletePeer(ids, limited);
  await assert.rejects(peer.next(), { code: "unavailable" });
  const missing = { code: "not_found" };
  await assert.rejects(client.statPeer(ids, limited), missing);
  await assert.rejects(client.deletePeer(ids, limited), missing);
  await client.deleteTask(ids, limited);
  await assert.rejects(client.statTask({ ...ids, taskId: "other" }, limited), missing);
  await assert.rejects(client.deleteTask({ ...ids, hostId: "other" }, limited), missing);
  await client.deleteHost(ids, limited);
  await assert.rejects(client.deleteHost(ids, limited), missing);
});

Deno.test("health is served, and what is not offered is unimplemented", async () => {
  await using scheduler = await serve();
  using client = clientOf(scheduler);
  const runtime = testRuntime();
  assert.equal(await checkHealth(`${LOCAL}:${scheduler.port}`, { ...limited, clock: runtime.clock }), true);
  const request = { hostId: "h", taskId: "t" };
  await assert.rejects(client.statPersistentTask(request, limited), { code: "unimplemented" });
  await assert.rejects(Array.fromAsync(client.announcePersistentPeer(limited).responses), { code: "unimplemented" });
});

Deno.test("stopping ends the streams of peers with unavailable, without delay", async () => {
  const scheduler = await serve();
  using client = clientOf(scheduler);
  const peer = await peerOf(client, "a");
  await peer.register();
  await peer.next();
  const ended = assert.rejects(peer.next(), { code: "unavailable" });
  await scheduler[Symbol.asyncDispose]();
  await ended;
});

Deno.test("metrics have Dragonfly's names, and credentials appear neither there nor in the log", async () => {
  const runtime = testRuntime();
  await using scheduler = await serve({ metrics: { enable: true, addr: `${LOCAL}:0` } }, runtime);
  using client = clientOf(scheduler);
  const peer = await peerOf(client, "a");
  await peer.register();
  await peer.next();
  await peer.send({ $case: "downloadPeerBackToSourceStartedRequest", value: {} });
  await peer.send({ $case: "downloadPieceBackToSourceFinishedRequest", value: { piece: pieceReport(0) } });
  await peer.send({ $case: "downloadPeerBackToSourceFinishedRequest", value: {} });
  await peer.next();
  const response = await fetch(`http://${LOCAL}:${scheduler.metricsPort}/metrics`);
  const text = await response.text();
  for (const name of ["register_peer_total", "download_peer_finished_total", "announce_peer_total", "traffic"]) {
    assert.match(text, new RegExp(`dragonfly_scheduler_${name}\\b`));
  }
  const labels = { type: "BACK_TO_SOURCE", task_type: "STANDARD", host_type: "normal" };
  assert.equal(runtime.metrics.value("dragonfly_scheduler_traffic", labels), 4 << 20);
  assert.doesNotMatch(text + JSON.stringify(runtime.log.lines), /secret/);
});

Deno.test("failures, durations and the traffic of each host are counted, the latter where that is asked for", async () => {
  for (const enableHost of [true, false]) {
    const runtime = testRuntime();
    const value = (name: string, labels = {}) => runtime.metrics.value(`dragonfly_scheduler_${name}`, labels);
    await using scheduler = await serve({ metrics: { enableHost } }, runtime);
    using client = clientOf(scheduler);
    const peer = await peerOf(client, "a");
    await peer.register();
    await peer.next();
    await peer.send({ $case: "downloadPeerBackToSourceStartedRequest", value: {} });
    await peer.send({
      $case: "downloadPieceBackToSourceFailedRequest",
      value: { pieceNumber: 1, response: undefined },
    });
    await peer.send({
      $case: "downloadPieceFailedRequest",
      value: { pieceNumber: 1, parentId: "other", temporary: true },
    });
    await peer.send({ $case: "downloadPieceBackToSourceFinishedRequest", value: { piece: pieceReport(0) } });
    await peer.send({ $case: "downloadPeerBackToSourceFinishedRequest", value: {} });
    await peer.next();
    await assert.rejects(client.announceHost({ host: undefined, interval: undefined }, limited));

    const kind = { task_type: "STANDARD", host_type: "normal" };
    const source = { traffic_type: "BACK_TO_SOURCE", ...kind };
    const pieces = ["download_piece_back_to_source_finished_failure_total", "download_piece_finished_failure_total"];
    assert.equal(value(pieces[0] ?? "", source), 1);
    assert.equal(value(pieces[1] ?? "", { traffic_type: "REMOTE_PEER", ...kind }), 1);
    const text = await runtime.metrics.expose();
    assert.match(text, /download_peer_duration_milliseconds\{"?task_size_level/);
    assert.match(text, /announce_host_failure_total\{.*\} 1\n/);
    assert.equal(/host_traffic\{.*host_id.*\} 4194304\n/.test(text), enableHost);
  }
});

Deno.test("a host that calls itself otherwise each time makes one series, under its first name", async () => {
  const metrics = realMetrics();
  const counted = new SchedulerMetrics(metrics, { enableHost: true });
  for (let n = 0; n < 50; n++) {
    const announcement = { hostname: `pod-${n}`, ip: `10.0.0.${n}` };
    const host = { facts: { id: "host", isSeed: false, announcement } };
    counted.piece({ host, task: { facts: { type: 0 } } } as unknown as Peer, 1, true);
  }
  const series = (await metrics.expose()).split("\n").filter((line) => line.includes('host_id="host"'));
  assert.equal(series.length, 1);
  assert.match(series[0] ?? "", /host_name="pod-0"\S* 50$/);
});

Deno.test("a counter is there before it counts, so that its first failure is seen as one", async () => {
  const metrics = realMetrics();
  await using _scheduler = await serve({}, { ...testRuntime(), metrics });
  const text = await metrics.expose();
  for (const name of ["announce_peer", "stat_task", "leave_host", "register_peer", "download_peer_finished"]) {
    for (const end of ["total", "failure_total"]) assert.match(text, new RegExp(`scheduler_${name}_${end}\\b`));
  }
});

Deno.test("what hosts say of themselves does not make metrics grow without end", async () => {
  const runtime = testRuntime();
  await using scheduler = await serve({}, runtime);
  using client = clientOf(scheduler);
  for (let index = 0; index < 60; index++) await announce(client, "h", { kernelVersion: `6.${index}` });
  const series = (await runtime.metrics.expose()).match(/^dragonfly_scheduler_announce_host_total/gm) ?? [];
  assert.equal(series.length, 51);
});
