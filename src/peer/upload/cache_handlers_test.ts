import assert from "node:assert/strict";
import { DamselflyError } from "../../core/error.ts";
import { piecePlan, pieceRange } from "../../core/piece.ts";
import { createRpcClient } from "../../rpc/client.ts";
import { PersistentCacheTask } from "../../rpc/gen/common/v2/common.ts";
import {
  DfdaemonDownloadService,
  DfdaemonUploadService,
  DownloadPersistentCacheTaskRequest,
  UploadPersistentCacheTaskRequest,
} from "../../rpc/gen/dfdaemon/v2/dfdaemon.ts";
import { service, startRpcServer } from "../../rpc/server.ts";
import { durationOfMs } from "../../rpc/time.ts";
import { realClock } from "../../runtime/clock.ts";
import { MemoryDisk } from "../../testing/memory_disk.ts";
import { testRuntime } from "../../testing/test_runtime.ts";
import type { CacheHandle, CacheRequest, CacheTasks, ImportRequest } from "../cache/cache_tasks.ts";
import { MEMORY_DATABASE, openStorage } from "../storage/open_storage.ts";
import type { StoredTask } from "../storage/storage.ts";
import { CallMetrics } from "./call_metrics.ts";
import { cacheDownloadHandlers, cacheUploadHandlers } from "./cache_handlers.ts";

const ID = "ab".repeat(32);
const NEVER = new AbortController().signal;
const limited = { signal: NEVER, timeoutMs: 5_000 };
const CONTENT = new TextEncoder().encode("hello world");
const RETENTION = {
  ...{ isPersistent: true, ttlMs: 3_600_000, expiresAtMs: 1, peerId: "p", replicaCount: 2 },
  ...{ tag: undefined, application: undefined },
};

/** Tasks of which one is there, as a test wants it; what they are asked for can be read back. */
class FakeTasks implements CacheTasks {
  readonly imports: ImportRequest[] = [];
  readonly opened: CacheRequest[] = [];
  readonly said: string[] = [];
  stored: StoredTask | undefined;
  sealed: () => Promise<void> = () => Promise.resolve();
  left = 0;

  importFile(request: ImportRequest, signal: AbortSignal): Promise<PersistentCacheTask> {
    this.imports.push(request);
    if (request.path !== "/slow") return Promise.resolve(PersistentCacheTask.create({ id: ID }));
    return new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
  }

  open(request: CacheRequest): Promise<CacheHandle> {
    this.opened.push(request);
    const { stored } = this;
    const sealed = this.sealed();
    if (stored === undefined) return Promise.reject(new DamselflyError("not_found", "Nobody imported it"));
    sealed.catch(() => {});
    const leave = { [Symbol.dispose]: () => void this.left++ };
    return Promise.resolve({ taskId: ID, peerId: "peer", stored, isLocalHit: false, sealed, ...leave });
  }

  persist(taskId: string): Promise<void> {
    return Promise.resolve(void this.said.push(`persist ${taskId}`));
  }

  delete(taskId: string): Promise<void> {
    return Promise.resolve(void this.said.push(`delete ${taskId}`));
  }

  stat(taskId: string): Promise<PersistentCacheTask> {
    return Promise.resolve(PersistentCacheTask.create({ id: taskId, state: "Succeeded" }));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve();
  }
}

async function openBench(changes: { disableShared?: boolean } = {}) {
  await using stack = new AsyncDisposableStack();
  const disk = new MemoryDisk();
  const runtime = testRuntime({ disk, clock: realClock() });
  const cacheStorage = stack.use(
    await openStorage({
      ...{ dir: "/store", keep: true, taskTtlMs: 1e9, databasePath: MEMORY_DATABASE },
      ...{ diskThresholdBytes: 0, diskHighThresholdPercent: 90, diskLowThresholdPercent: 80 },
    }, runtime),
  );
  await disk.mkdirAll("/out");
  const cache = new FakeTasks();
  const deps = { ...runtime, cache, cacheStorage, hostId: "host", cacheTtlMs: 86_400_000 };
  const address = { ip: "127.0.0.1", tcpPort: 4005 };
  const upload = { ...deps, pieceAddress: address, disableShared: false, stopping: NEVER, ...changes };
  const calls = new CallMetrics(runtime.metrics);
  const services = [
    service(DfdaemonDownloadService, cacheDownloadHandlers(deps, calls)),
    service(DfdaemonUploadService, cacheUploadHandlers(upload, calls)),
  ];
  const server = stack.use(
    await startRpcServer({ ...runtime, listen: { hostname: "127.0.0.1", port: 0 }, services }),
  );
  const at = `127.0.0.1:${server.port}`;
  const local = stack.use(createRpcClient(DfdaemonDownloadService, at, runtime));
  const remote = stack.use(createRpcClient(DfdaemonUploadService, at, runtime));
  /** Puts the content into the store, cut into two pieces. */
  const store = async () => {
    const plan = piecePlan(CONTENT.length, 8);
    const init = { taskId: ID, url: "", plan, digest: undefined, responseHeaders: {}, retention: RETENTION };
    const stored = await cacheStorage.open(init);
    for (const number of [0, 1]) {
      const { start, end } = pieceRange(plan, number);
      using writer = stored.openPiece(number);
      await writer?.write(CONTENT.subarray(start, end));
      await writer?.commit({ parentId: "", trafficType: "local_peer", costMs: 0 });
    }
    await stored.seal(NEVER);
    cache.stored = stored;
  };
  const opened = stack.move();
  return { cache, disk, local, remote, store, [Symbol.asyncDispose]: () => opened.disposeAsync() };
}

const uploadOf = (parts: Partial<UploadPersistentCacheTaskRequest> = {}) =>
  UploadPersistentCacheTaskRequest.create({ path: "/file", persistentReplicaCount: 2, ...parts });
const downloadOf = (parts: Partial<DownloadPersistentCacheTaskRequest> = {}) =>
  DownloadPersistentCacheTaskRequest.create({ taskId: ID, ...parts });

Deno.test("an import is passed on as it was asked for, and kept for the configured time when nobody says", async () => {
  await using bench = await openBench();
  const ttl = durationOfMs(300_000);
  const request = uploadOf({ contentForCalculatingTaskId: "text", tag: "t", pieceLength: 8 << 20, ttl });
  assert.equal((await bench.local.uploadPersistentCacheTask(request, limited)).id, ID);
  await bench.local.uploadPersistentCacheTask(uploadOf(), limited);
  const [first, second] = bench.cache.imports;
  assert.deepEqual(first, {
    ...{ path: "/file", contentForTaskId: "text", replicaCount: 2, tag: "t", application: undefined },
    ...{ pieceLength: 8 << 20, ttlMs: 300_000 },
  });
  assert.equal(second?.ttlMs, 86_400_000);
});

Deno.test("an import that cannot be is refused with the field, and one that takes too long with its limit", async () => {
  await using bench = await openBench();
  const wrong = [
    [{ path: "file" }, /path/],
    [{ persistentReplicaCount: 0 }, /persistent_replica_count/],
    [{ persistentReplicaCount: 1_001 }, /persistent_replica_count/],
    [{ pieceLength: 1 }, /pieces of 1 bytes/],
    [{ pieceLength: 65 << 20 }, /4MiB to 64MiB/],
    [{ ttl: durationOfMs(299_999) }, /ttl/],
    [{ ttl: durationOfMs(7 * 86_400_000 + 1) }, /ttl/],
  ] as const;
  for (const [parts, field] of wrong) {
    const call = bench.local.uploadPersistentCacheTask(uploadOf(parts), limited);
    await assert.rejects(
      call,
      (error: DamselflyError) => error.code === "invalid_argument" && field.test(error.message),
    );
  }
  const slow = uploadOf({ path: "/slow", timeout: durationOfMs(10) });
  await assert.rejects(bench.local.uploadPersistentCacheTask(slow, limited), { code: "timeout" });
});

Deno.test("a download tells of its length, of each piece, and puts the file in place before it ends", async () => {
  await using bench = await openBench();
  await bench.store();
  const request = downloadOf({ outputPath: "/out/file", digest: `sha256:${"00".repeat(32)}` });
  const told = await Array.fromAsync(bench.local.downloadPersistentCacheTask(request, limited));
  const [started, ...pieces] = told.map(({ response }) => response);
  assert.deepEqual(started, { $case: "downloadPersistentCacheTaskStartedResponse", value: { contentLength: 11 } });
  assert.deepEqual(
    pieces.map((piece) => piece?.$case === "downloadPieceFinishedResponse" && piece.value.piece?.length),
    [8, 3],
  );
  assert.deepEqual([told[0]?.hostId, told[0]?.taskId, told[0]?.peerId], ["host", ID, "peer"]);
  assert.equal(await bench.disk.readText("/out/file"), "hello world");
  assert.equal(bench.cache.opened[0]?.digest?.hex, "00".repeat(32));
  assert.equal(bench.cache.left, 1);
  const again = bench.local.downloadPersistentCacheTask(downloadOf({ outputPath: "/out/file" }), limited);
  await assert.rejects(Array.fromAsync(again), { code: "already_exists" });
  assert.equal(bench.cache.opened.length, 1, "where the file cannot go, nothing is downloaded");
});

Deno.test("the bytes of the pieces come along when they are asked for", async () => {
  await using bench = await openBench();
  await bench.store();
  const request = downloadOf({ needPieceContent: true });
  const told = await Array.fromAsync(bench.local.downloadPersistentCacheTask(request, limited));
  const bytes = told.flatMap(({ response }) =>
    response?.$case === "downloadPieceFinishedResponse" ? [...response.value.piece?.content ?? []] : []
  );
  assert.deepEqual(new Uint8Array(bytes), CONTENT);
});

Deno.test("a content that turns out to be another one is not put in place", async () => {
  await using bench = await openBench();
  await bench.store();
  bench.cache.sealed = () => Promise.reject(new DamselflyError("data_loss", "It has another digest"));
  const call = bench.local.downloadPersistentCacheTask(downloadOf({ outputPath: "/out/file" }), limited);
  await assert.rejects(Array.fromAsync(call), { code: "data_loss" });
  assert.equal((await bench.disk.stat("/out/file"))?.size, 0, "only the empty file that the caller removes");
});

Deno.test("another host may ask for a copy, but never name a file for it", async () => {
  await using bench = await openBench();
  await bench.store();
  await Array.fromAsync(bench.remote.downloadPersistentCacheTask(downloadOf({ persistent: true }), limited));
  assert.equal(bench.cache.opened[0]?.isPersistent, true);
  const call = bench.remote.downloadPersistentCacheTask(downloadOf({ outputPath: "/out/file" }), limited);
  await assert.rejects(Array.fromAsync(call), { code: "permission_denied" });
});

Deno.test("a scheduler makes a copy stay, or deletes it; that it should stay no longer is not understood", async () => {
  await using bench = await openBench();
  await bench.remote.updatePersistentCacheTask({ taskId: ID, persistent: true }, limited);
  await bench.remote.deletePersistentCacheTask({ taskId: ID }, limited);
  assert.deepEqual(bench.cache.said, [`persist ${ID}`, `delete ${ID}`]);
  const giveUp = bench.remote.updatePersistentCacheTask({ taskId: ID, persistent: false }, limited);
  await assert.rejects(giveUp, { code: "invalid_argument" });
});

Deno.test("children are told of pieces of the persistent cache, unless this host gives nothing away", async () => {
  await using bench = await openBench();
  await bench.store();
  const request = { hostId: "child", taskId: ID, interestedPieceNumbers: [0, 1] };
  const told = await Array.fromAsync(bench.remote.syncPersistentCachePieces(request, limited));
  assert.deepEqual(told.map(({ number, length, tcpPort }) => [number, length, tcpPort]), [[0, 8, 4005], [1, 3, 4005]]);
  await using shy = await openBench({ disableShared: true });
  await shy.store();
  const refused = Array.fromAsync(shy.remote.syncPersistentCachePieces(request, limited));
  await assert.rejects(refused, { code: "permission_denied" });
});

Deno.test("what is on the disk of this host is listed with the time for which it is kept", async () => {
  await using bench = await openBench();
  await assert.rejects(bench.local.statLocalPersistentCacheTask({ taskId: ID }, limited), { code: "not_found" });
  await bench.store();
  const stat = await bench.local.statLocalPersistentCacheTask({ taskId: ID }, limited);
  const { taskId, persistent, ttl, pieceLength, contentLength } = stat;
  assert.deepEqual([taskId, persistent, ttl?.seconds, pieceLength, contentLength], [ID, true, 3600, 8, 11]);
  assert.ok(stat.finishedAt);
  const { tasks } = await bench.local.listLocalPersistentCacheTasks({}, limited);
  assert.deepEqual(tasks, [stat]);
  assert.equal((await bench.local.statPersistentCacheTask({ taskId: ID }, limited)).state, "Succeeded");
  assert.equal((await bench.remote.statPersistentCacheTask({ taskId: ID }, limited)).state, "Succeeded");
});
