import "../rpc/http2_guard.ts";
import assert from "node:assert/strict";
import { SchedulerConfig } from "../config/scheduler.ts";
import { DamselflyError } from "../core/error.ts";
import { AsyncQueue } from "../rpc/async_queue.ts";
import { createRpcClient, type RpcStream } from "../rpc/client.ts";
import { DfdaemonUploadService } from "../rpc/gen/dfdaemon/v2/dfdaemon.ts";
import {
  AnnouncePersistentCachePeerRequest,
  type AnnouncePersistentCachePeerResponse,
  SchedulerService,
} from "../rpc/gen/scheduler/v2/scheduler.ts";
import { service, startRpcServer } from "../rpc/server.ts";
import { durationOfMs } from "../rpc/time.ts";
import { realClock } from "../runtime/clock.ts";
import { announce, limited, pieceReport, type SchedulerClient } from "../testing/hand_peer.ts";
import { testRuntime } from "../testing/test_runtime.ts";
import { Answers } from "./answers.ts";
import { LOST_GRACE_MS, REPLICATION_GRACE_MS } from "./cache/replicate.ts";
import { emptyCacheState } from "./cache/state.ts";
import { CacheScheduling } from "./cache_service.ts";
import { DEFAULT_SETTINGS } from "./core/settings.ts";
import { Replicator } from "./replicator.ts";
import { startScheduler } from "./scheduler.ts";
import { SchedulerMetrics } from "./scheduler_metrics.ts";

const LOCAL = "127.0.0.1";
const TASK = "ab".repeat(32);
const SIZES = { pieceLength: 4 << 20, contentLength: 10 << 20, pieceCount: 3 };

/** A scheduler whose time a test can put forward, and a client of it. */
async function serve() {
  const real = realClock();
  let aheadMs = 0;
  const clock = { ...real, now: () => real.now() + aheadMs, wallMs: () => real.wallMs() + aheadMs };
  const runtime = testRuntime({ clock });
  const config = SchedulerConfig.parse({ server: { listenIP: LOCAL, port: 0 } });
  await using stack = new AsyncDisposableStack();
  const scheduler = stack.use(await startScheduler(config, runtime));
  const client = stack.use(createRpcClient(SchedulerService, `${LOCAL}:${scheduler.port}`, { clock: real }));
  const opened = stack.move();
  const forward = (ms: number) => void (aheadMs += ms);
  forward(REPLICATION_GRACE_MS);
  return { client, runtime, forward, [Symbol.asyncDispose]: () => opened.disposeAsync() };
}

/** The dfdaemon of a host: what the scheduler asks of it can be taken one by one. */
async function startHost(behave: (what: string) => void | Promise<void> = () => {}) {
  const asked = new AsyncQueue<string>(100);
  const hear = async (what: string) => {
    asked.tryPush(what);
    await behave(what);
    return {};
  };
  const { clock, log } = testRuntime();
  const server = await startRpcServer({
    listen: { hostname: LOCAL, port: 0 },
    services: [service(DfdaemonUploadService, {
      downloadPersistentCacheTask: async function* ({ taskId, persistent, tag }) {
        await hear(`download ${taskId.slice(0, 4)} ${persistent} ${tag}`);
        yield* [];
      },
      updatePersistentCacheTask: ({ taskId, persistent }) => hear(`update ${taskId.slice(0, 4)} ${persistent}`),
      deletePersistentCacheTask: ({ taskId }) => hear(`delete ${taskId.slice(0, 4)}`),
    })],
    log,
    clock,
  });
  const incoming = asked[Symbol.asyncIterator]();
  return {
    port: server.port,
    next: async () => (await incoming.next()).value,
    waiting: () => asked.length,
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

const idsOf = (host: string) => ({ hostId: `${host}-host`, taskId: TASK, peerId: `${host}-peer` });

function started(host: string, parts: Record<string, unknown> = {}) {
  const ttl = durationOfMs(3_600_000);
  return { ...idsOf(host), ...SIZES, persistentReplicaCount: 1, tag: "t", ttl, ...parts };
}

/** Lets a host import the task. */
async function importTask(client: SchedulerClient, host: string, parts: Record<string, unknown> = {}) {
  await client.uploadPersistentCacheTaskStarted(started(host, parts), limited);
  return await client.uploadPersistentCacheTaskFinished(idsOf(host), limited);
}

/** A peer that wants a copy. */
class CopyPeer {
  readonly #host: string;
  readonly #stream: RpcStream<AnnouncePersistentCachePeerRequest, AnnouncePersistentCachePeerResponse>;
  readonly #answers: AsyncIterator<AnnouncePersistentCachePeerResponse>;

  constructor(client: SchedulerClient, host: string) {
    this.#host = host;
    this.#stream = client.announcePersistentCachePeer(limited);
    this.#answers = this.#stream.responses[Symbol.asyncIterator]();
  }

  send(request: AnnouncePersistentCachePeerRequest["request"]): Promise<void> {
    return this.#stream.send(AnnouncePersistentCachePeerRequest.create({ ...idsOf(this.#host), request }));
  }

  register(persistent = false, cut: { pieceLength?: number; pieceCount?: number } = {}): Promise<void> {
    const { pieceLength, pieceCount } = { ...SIZES, ...cut };
    return this.send({ $case: "registerPersistentCachePeerRequest", value: { persistent, pieceLength, pieceCount } });
  }

  async next(): Promise<AnnouncePersistentCachePeerResponse["response"]> {
    return (await this.#answers.next()).value?.response;
  }

  async parents() {
    const answer = await this.next();
    assert.equal(answer?.$case, "normalPersistentCacheTaskResponse");
    return answer?.$case === "normalPersistentCacheTaskResponse" ? answer.value.candidateParents : [];
  }

  /** Registers, gets all pieces from its first parent, and says so. */
  async download(persistent = false): Promise<void> {
    await this.register(persistent);
    const [parent] = await this.parents();
    await this.send({ $case: "downloadPersistentCachePeerStartedRequest", value: {} });
    await this.send({ $case: "downloadPieceFinishedRequest", value: { piece: pieceReport(0, parent?.id ?? "") } });
    await this.send({ $case: "downloadPersistentCachePeerFinishedRequest", value: {} });
    assert.equal(await this.next(), undefined, "the stream ends with OK");
  }
}

async function counts(client: SchedulerClient): Promise<[number, number]> {
  const task = await client.statPersistentCacheTask(idsOf("any"), limited);
  return [task.currentPersistentReplicaCount, task.currentReplicaCount];
}

Deno.test("an import is known from its beginning, and a copy of it from its end", async () => {
  await using bench = await serve();
  const { client } = bench;
  await announce(client, "a-host");
  await client.uploadPersistentCacheTaskStarted(started("a"), limited);
  assert.equal((await client.statPersistentCacheTask(idsOf("a"), limited)).state, "Uploading");
  const uploading = await client.statPersistentCachePeer(idsOf("a"), limited);
  assert.deepEqual([uploading.state, uploading.persistent, uploading.host?.id], ["Uploading", true, "a-host"]);
  const task = await client.uploadPersistentCacheTaskFinished(idsOf("a"), limited);
  const { id, state, tag, pieceLength, contentLength, pieceCount, ttl, createdAt } = task;
  assert.deepEqual({ pieceLength, contentLength, pieceCount }, SIZES);
  assert.deepEqual([id, state, tag, ttl?.seconds], [TASK, "Succeeded", "t", 3600]);
  assert.ok(createdAt);
  assert.deepEqual(await counts(client), [1, 1]);
  const peer = await client.statPersistentCachePeer(idsOf("a"), limited);
  assert.deepEqual([peer.state, peer.persistent, peer.task?.id, peer.host?.port], ["Succeeded", true, TASK, 4000]);
});

Deno.test("who wants a copy gets those who have one, with all that they must know of them", async () => {
  await using bench = await serve();
  const { client, runtime } = bench;
  for (const host of ["a", "b", "c"]) await announce(client, `${host}-host`);
  await importTask(client, "a");
  const peer = new CopyPeer(client, "b");
  await peer.register();
  const [parent, ...others] = await peer.parents();
  assert.deepEqual([parent?.id, parent?.host?.ip, others.length], ["a-peer", LOCAL, 0]);
  for (const field of [parent?.cost, parent?.task, parent?.createdAt, parent?.updatedAt]) assert.ok(field);
  await peer.send({ $case: "downloadPersistentCachePeerStartedRequest", value: {} });
  await peer.send({
    $case: "downloadPieceFailedRequest",
    value: { pieceNumber: 0, parentId: "a-peer", temporary: true },
  });
  await peer.send({ $case: "downloadPieceFinishedRequest", value: { piece: pieceReport(0, "a-peer") } });
  await peer.send({ $case: "downloadPersistentCachePeerFinishedRequest", value: {} });
  assert.equal(await peer.next(), undefined);
  assert.deepEqual(await counts(client), [1, 2], "a copy that was not asked to stay is no replica");
  const next = new CopyPeer(client, "c");
  await next.register();
  assert.deepEqual((await next.parents()).map(({ id }) => id).sort(), ["a-peer", "b-peer"]);
  await next.send({ $case: "downloadPersistentCachePeerFailedRequest", value: {} });
  assert.equal(await next.next(), undefined);
  const labels = { host_type: "normal" };
  const metric = (name: string) => runtime.metrics.value(`dragonfly_scheduler_${name}_total`, labels);
  assert.equal(metric("register_persistent_cache_peer"), 2);
  assert.equal(metric("download_persistent_cache_peer_finished"), 2);
  assert.equal(metric("download_persistent_cache_peer_finished_failure"), 1);
});

Deno.test("an empty file has no pieces to get", async () => {
  await using bench = await serve();
  const { client } = bench;
  for (const host of ["a", "b"]) await announce(client, `${host}-host`);
  await importTask(client, "a", { contentLength: 0, pieceCount: 0 });
  const peer = new CopyPeer(client, "b");
  await peer.register(false, { pieceCount: 0 });
  assert.equal((await peer.next())?.$case, "emptyPersistentCacheTaskResponse");
  await peer.send({ $case: "downloadPersistentCachePeerStartedRequest", value: {} });
  await peer.send({ $case: "downloadPersistentCachePeerFinishedRequest", value: {} });
  assert.equal(await peer.next(), undefined);
  assert.deepEqual(await counts(client), [1, 2]);
});

Deno.test("what nobody imported is not found, and what is being imported cannot be had yet", async () => {
  await using bench = await serve();
  const { client } = bench;
  for (const host of ["a", "b"]) await announce(client, `${host}-host`);
  const missing = { code: "not_found" };
  await assert.rejects(client.statPersistentCacheTask(idsOf("a"), limited), missing);
  await assert.rejects(client.deletePersistentCacheTask(idsOf("a"), limited), missing);
  await assert.rejects(client.statPersistentCachePeer(idsOf("a"), limited), missing);
  await assert.rejects(client.uploadPersistentCacheTaskFinished(idsOf("a"), limited), missing);
  const early = new CopyPeer(client, "b");
  await early.register();
  await assert.rejects(early.next(), missing);
  await client.uploadPersistentCacheTaskStarted(started("a"), limited);
  const waiting = new CopyPeer(client, "b");
  await waiting.register();
  await assert.rejects(waiting.next(), { code: "failed_precondition" });
  await client.uploadPersistentCacheTaskFailed(idsOf("a"), limited);
  await client.uploadPersistentCacheTaskStarted(started("b"), limited);
});

Deno.test("a copy that is cut otherwise than the task is none of it", async () => {
  await using bench = await serve();
  const { client } = bench;
  for (const host of ["a", "b"]) await announce(client, `${host}-host`);
  await importTask(client, "a");
  for (const cut of [{ pieceLength: 1 }, { pieceCount: 4 }]) {
    const peer = new CopyPeer(client, "b");
    await peer.register(true, cut);
    await assert.rejects(peer.next(), { code: "invalid_argument" });
  }
  assert.deepEqual(await counts(client), [1, 1]);
});

Deno.test("an import that makes no sense is refused, and the field is named", async () => {
  await using bench = await serve();
  const { client } = bench;
  await announce(client, "a-host");
  const wrong = [
    [{ persistentReplicaCount: 0 }, /persistent_replica_count/],
    [{ persistentReplicaCount: 1_001 }, /persistent_replica_count/],
    [{ pieceLength: 0 }, /piece_length/],
    [{ pieceCount: 2 }, /piece_count/],
    [{ pieceLength: (4 << 20) - 1 }, /piece_length/],
    [{ pieceLength: (64 << 20) + 1, pieceCount: 1 }, /piece_length/],
    [{ contentLength: 100_001 * (4 << 20), pieceCount: 100_001 }, /piece_count/],
    [{ ttl: undefined }, /ttl/],
    [{ ttl: durationOfMs(8 * 24 * 3_600_000) }, /ttl/],
    [{ tag: "t".repeat(600) }, /tag/],
    [{ taskId: "" }, /task_id/],
  ] as const;
  for (const [parts, field] of wrong) {
    const call = client.uploadPersistentCacheTaskStarted(started("a", parts), limited);
    await assert.rejects(
      call,
      (error: DamselflyError) => error.code === "invalid_argument" && field.test(error.message),
    );
  }
});

Deno.test("other hosts are asked to get a copy until there are as many replicas as the import wants", async () => {
  await using bench = await serve();
  const { client } = bench;
  await using other = await startHost();
  await announce(client, "a-host");
  await announce(client, "b-host", { port: other.port });
  await importTask(client, "a", { persistentReplicaCount: 2 });
  assert.equal(await other.next(), "download abab true t");
  await new CopyPeer(client, "b").download(true);
  assert.deepEqual(await counts(client), [2, 2]);
});

Deno.test("a copy that somebody wanted for himself is asked to stay", async () => {
  await using bench = await serve();
  const { client } = bench;
  await using other = await startHost((what) => {
    if (what.startsWith("download")) throw new DamselflyError("no_space", "The disk is full");
  });
  await announce(client, "a-host");
  await announce(client, "b-host", { port: other.port });
  await importTask(client, "a", { persistentReplicaCount: 2 });
  assert.equal(await other.next(), "download abab true t");
  await new CopyPeer(client, "b").download();
  bench.forward(60_000);
  assert.equal(await other.next(), "update abab true");
  while ((await counts(client))[0] < 2);
});

Deno.test("when a replica is deleted its host is told, and the copy is made anew elsewhere", async () => {
  await using bench = await serve();
  const { client } = bench;
  await using first = await startHost();
  await using second = await startHost();
  await announce(client, "a-host", { port: first.port });
  await importTask(client, "a", { persistentReplicaCount: 2 });
  await announce(client, "b-host");
  await new CopyPeer(client, "b").download(true);
  await announce(client, "c-host", { port: second.port });
  await client.deletePersistentCachePeer(idsOf("a"), limited);
  assert.equal(await first.next(), "delete abab");
  assert.equal(await second.next(), "download abab true t");
});

Deno.test("a replica that is deleted is not waited for, as that of a host that may come back is", async () => {
  await using bench = await serve();
  const { client, runtime } = bench;
  const complete = Promise.withResolvers<void>();
  await using first = await startHost(() => complete.promise);
  await using second = await startHost();
  await announce(client, "a-host");
  await announce(client, "b-host", { port: first.port });
  await importTask(client, "a", { persistentReplicaCount: 2 });
  assert.equal(await first.next(), "download abab true t");
  await new CopyPeer(client, "b").download(true);
  complete.resolve();
  while (!runtime.log.lines.some(({ message }) => message === "A host became a replica")) await counts(client);
  await announce(client, "c-host", { port: second.port });
  const deletedAtMs = runtime.clock.now();
  await client.deletePersistentCachePeer(idsOf("b"), limited);
  assert.equal(await second.next(), "download abab true t");
  assert.ok(runtime.clock.now() - deletedAtMs < LOST_GRACE_MS);
});

Deno.test("what the manager sets for the cluster reaches the persistent cache", async () => {
  const runtime = testRuntime();
  await using replicator = new Replicator(runtime.clock);
  const state = emptyCacheState(DEFAULT_SETTINGS, runtime.clock.now());
  const metrics = new SchedulerMetrics(runtime.metrics);
  const answers = new Answers(1, runtime.clock);
  const cache = new CacheScheduling({ state, answers, replicator, metrics, runtime });
  cache.follow({ type: "settings_changed", settings: { ...DEFAULT_SETTINGS, candidateParentsMax: 7 } });
  assert.equal(state.swarm.settings.candidateParentsMax, 7);
});

Deno.test("a stream on which nobody registers is ended, and so are all when the scheduler stops", async () => {
  const bench = await serve();
  const { client } = bench;
  const silent = new CopyPeer(client, "a");
  const late = assert.rejects(silent.next(), { code: "timeout", message: /registration/ });
  await client.listHosts({}, limited); // the stream is there before time moves
  bench.forward(10_000);
  await late;
  const open = new CopyPeer(client, "b");
  const ended = assert.rejects(open.next(), { code: "unavailable" });
  await client.listHosts({}, limited);
  await bench[Symbol.asyncDispose]();
  await ended;
});

Deno.test("nobody counts for more pieces at a time than there may be", async () => {
  await using bench = await serve();
  const { client } = bench;
  for (const host of ["a", "b"]) await announce(client, `${host}-host`);
  await importTask(client, "a");
  const peer = new CopyPeer(client, "b");
  const { pieceLength, pieceCount } = SIZES;
  const value = { persistent: false, pieceLength, pieceCount, concurrentPieceCount: 1_000_000 };
  await peer.send({ $case: "registerPersistentCachePeerRequest", value });
  await peer.parents();
  assert.equal((await client.statPersistentCachePeer(idsOf("b"), limited)).concurrentPieceCount, 1_024);
});

Deno.test("a task that is deleted is deleted on all its hosts, even when one of them says no", async () => {
  await using bench = await serve();
  const { client } = bench;
  await using first = await startHost(() => {
    throw new DamselflyError("failed_precondition", "in use");
  });
  await using second = await startHost();
  await announce(client, "a-host", { port: first.port });
  await announce(client, "b-host", { port: second.port });
  await importTask(client, "a");
  await new CopyPeer(client, "b").download();
  await client.deletePersistentCacheTask(idsOf("any"), limited);
  assert.deepEqual([await first.next(), await second.next()], ["delete abab", "delete abab"]);
  await assert.rejects(client.statPersistentCacheTask(idsOf("a"), limited), { code: "not_found" });
  await assert.rejects(client.statPersistentCachePeer(idsOf("a"), limited), { code: "not_found" });
});

Deno.test("a task is forgotten when its time is over, and its peers with it", async () => {
  await using bench = await serve();
  const { client } = bench;
  await announce(client, "a-host");
  await importTask(client, "a");
  bench.forward(3_600_000);
  await assert.rejects(async () => {
    while (true) await client.statPersistentCacheTask(idsOf("a"), limited);
  }, { code: "not_found" });
  await assert.rejects(client.statPersistentCachePeer(idsOf("a"), limited), { code: "not_found" });
});
