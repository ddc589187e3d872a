import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { Client, credentials, type ServiceError, status } from "@grpc/grpc-js";
import { parseDigest } from "../../core/digest.ts";
import { DamselflyError } from "../../core/error.ts";
import { piecePlan, pieceRange } from "../../core/piece.ts";
import { createRpcClient } from "../../rpc/client.ts";
import { Download, Network, type TaskType } from "../../rpc/gen/common/v2/common.ts";
import {
  DfdaemonDownloadService,
  DfdaemonUploadService,
  ListTaskEntriesRequest,
} from "../../rpc/gen/dfdaemon/v2/dfdaemon.ts";
import type { DownloadTaskResponse } from "../../rpc/gen/dfdaemon/v2/dfdaemon.ts";
import { type RpcServer, startRpcServer } from "../../rpc/server.ts";
import { type Clock, realClock } from "../../runtime/clock.ts";
import type { Disk } from "../../runtime/disk.ts";
import { MemoryDisk } from "../../testing/memory_disk.ts";
import { MemoryLog } from "../../testing/memory_log.ts";
import { MemoryMetrics } from "../../testing/memory_metrics.ts";
import { seededRandom } from "../../testing/seeded_random.ts";
import { settle, VirtualClock } from "../../testing/virtual_clock.ts";
import { MEMORY_DATABASE, openStorage } from "../storage/open_storage.ts";
import type { Storage, StoredTask } from "../storage/storage.ts";
import type { CacheTasks } from "../cache/cache_tasks.ts";
import type { Destination } from "../source/destination.ts";
import type { SourceRequest } from "../source/source.ts";
import type { TaskHandle, TaskRequest, Tasks } from "../task/task.ts";
import { downloadService } from "./download_service.ts";
import { syncPieces } from "./sync_pieces.ts";
import { UPLOAD_METHODS_WITHOUT_DEADLINE, uploadService, type UploadServiceOptions } from "./upload_service.ts";

const CONTENT = Uint8Array.from({ length: 950 }, (_, index) => (index * 13) & 0xff);
const DIGEST = `sha256:${createHash("sha256").update(CONTENT).digest("hex")}`;
const URL = `https://registry.example/v2/library/x/blobs/${DIGEST}`;
const TASK_ID = DIGEST.slice("sha256:".length);
const ADDRESS = { ip: "10.0.0.7", tcpPort: 4005 };

/** The tasks of a host whose downloads a test drives by hand. */
class HandDriven implements Tasks {
  readonly requests: TaskRequest[] = [];
  readonly deleted: string[] = [];
  readonly #storage: Storage;
  opened = 0;
  #sealed = Promise.withResolvers<void>();
  #refusal: unknown;

  constructor(storage: Storage) {
    this.#storage = storage;
    this.#sealed.promise.catch(() => undefined);
  }

  async open(request: TaskRequest): Promise<TaskHandle> {
    this.requests.push(request);
    if (this.#refusal !== undefined) throw this.#refusal;
    this.opened += 1;
    const task = await this.create(request.taskId);
    const traffic = { backToSource: 0, remotePeer: 0, localPeer: 0 };
    return {
      ...{ taskId: request.taskId, peerId: "peer-1", contentLength: CONTENT.length, pieceLength: 100 },
      responseHeaders: { "content-type": "text/plain" },
      isLocalHit: task.record.isSealed,
      read: () => assert.fail("nobody reads"),
      sealed: task.record.isSealed ? Promise.resolve(traffic) : this.#sealed.promise.then(() => traffic),
      traffic: () => traffic,
      [Symbol.asyncDispose]: () => Promise.resolve(void (this.opened -= 1)),
    };
  }

  /** From now on tasks cannot be opened. */
  refuse(error: unknown): void {
    this.#refusal = error;
  }

  async create(taskId = TASK_ID): Promise<StoredTask> {
    const plan = piecePlan(CONTENT.length, 100);
    return await this.#storage.open({
      taskId,
      url: URL,
      plan,
      digest: parseDigest(DIGEST),
      responseHeaders: { a: "b" },
    });
  }

  async finish(...numbers: number[]): Promise<StoredTask> {
    const task = await this.create();
    for (const number of numbers) {
      const { start, end } = pieceRange(task.record.plan, number);
      using writer = task.openPiece(number);
      await writer?.write(CONTENT.subarray(start, end));
      await writer?.commit({ parentId: "", trafficType: "back_to_source", costMs: 1500 });
    }
    return task;
  }

  async finishAll(): Promise<void> {
    const { pieceCount } = (await this.create()).record.plan;
    const task = await this.finish(...Array.from({ length: pieceCount }, (_, number) => number));
    await task.seal(new AbortController().signal);
    this.#sealed.resolve();
  }

  fail(error: unknown): void {
    this.#sealed.reject(error);
  }

  delete(taskId: string): Promise<void> {
    this.deleted.push(taskId);
    return this.#storage.delete(taskId);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve();
  }
}

interface Bench extends AsyncDisposable {
  readonly tasks: HandDriven;
  readonly storage: Storage;
  readonly disk: MemoryDisk;
  readonly metrics: MemoryMetrics;
  readonly server: RpcServer;
}

async function openTestStorage(clock: Clock, disk: Disk = new MemoryDisk()): Promise<Storage> {
  return await openStorage({
    ...{ dir: "/store", keep: true, taskTtlMs: 1e9, databasePath: MEMORY_DATABASE },
    ...{ diskThresholdBytes: 0, diskHighThresholdPercent: 90, diskLowThresholdPercent: 80 },
  }, { disk, clock, log: new MemoryLog() });
}

async function startBench(changes: Partial<UploadServiceOptions> = {}, disk = new MemoryDisk()): Promise<Bench> {
  const clock = realClock();
  const metrics = new MemoryMetrics();
  await using stack = new AsyncDisposableStack();
  const storage = stack.use(await openTestStorage(clock, disk));
  await disk.mkdirAll("/out/dir");
  const tasks = new HandDriven(storage);
  const source = { stat: () => Promise.reject(new DamselflyError("internal", "Nobody asks")) };
  const cached = { cache: {} as CacheTasks, cacheStorage: storage, cacheTtlMs: 1 };
  const deps = { tasks, storage, clock, source, hostId: "host-1", ...cached };
  const upload = uploadService({
    ...deps,
    metrics,
    destinations: { check: () => Promise.resolve() },
    pieceAddress: ADDRESS,
    disableShared: false,
    stopping: new AbortController().signal,
    hostLoad: () => Network.create({ maxTxBandwidth: 1000, txBandwidth: 10 }),
    ...changes,
  });
  const left: string[] = [];
  const download = downloadService({
    ...deps,
    ...(changes.source !== undefined && { source: changes.source }),
    disk,
    random: seededRandom(3),
    deleteHost: () => Promise.resolve(void left.push("")),
  });
  const server = stack.use(
    await startRpcServer({
      listen: { hostname: "127.0.0.1", port: 0 },
      services: [upload, download],
      ignoreDeadlineOf: UPLOAD_METHODS_WITHOUT_DEADLINE,
      log: new MemoryLog(),
      clock,
    }),
  );
  const opened = stack.move();
  return { tasks, storage, disk, metrics, server, [Symbol.asyncDispose]: () => opened.disposeAsync() };
}

const limited = { signal: new AbortController().signal, timeoutMs: 5_000 };

function uploadClient({ server }: Bench) {
  return createRpcClient(DfdaemonUploadService, `127.0.0.1:${server.port}`, { clock: realClock() });
}

function downloadClient({ server }: Bench) {
  return createRpcClient(DfdaemonDownloadService, `127.0.0.1:${server.port}`, { clock: realClock() });
}

/** A client that shows what comes of a call one by one. */
function rawClient({ server }: Bench): Client & Disposable {
  const client = new Client(`127.0.0.1:${server.port}`, credentials.createInsecure());
  return Object.assign(client, { [Symbol.dispose]: () => client.close() });
}

function downloadOf(changes: Partial<Download> = {}): { download: Download } {
  return { download: Download.create({ url: URL, enableTaskIdBasedBlobDigest: true, ...changes }) };
}

async function collected<T>(items: AsyncIterable<T>): Promise<T[]> {
  return await Array.fromAsync(items);
}

function describe({ response }: DownloadTaskResponse): string {
  if (response?.$case === "downloadPieceFinishedResponse") return `piece ${response.value.piece?.number}`;
  return `started ${response?.value.contentLength} ${response?.value.pieces.length} ${response?.value.isFinished}`;
}

Deno.test("SyncPieces tells of each wanted piece as it is finished, and ends after the last", async () => {
  await using bench = await startBench();
  using client = uploadClient(bench);
  await bench.tasks.finish(4);
  const wanted = [2, 4, 7, 70];
  const stream = client.syncPieces({ hostId: "child", taskId: TASK_ID, interestedPieceNumbers: wanted }, limited);
  const iterator = stream[Symbol.asyncIterator]();
  const told = (number: number) => ({ number, offset: number * 100, length: 100, ...ADDRESS, quicPort: undefined });
  assert.deepEqual((await iterator.next()).value, told(4));
  const next = iterator.next();
  await bench.tasks.finish(5, 7);
  assert.deepEqual((await next).value, told(7));
  await bench.tasks.finish(2);
  assert.equal((await iterator.next()).value.number, 2);
  assert.equal((await iterator.next()).done, true);
});

Deno.test("SyncPieces counts as the child says in its metadata, and refuses a length that no peer uses", async () => {
  await using bench = await startBench();
  using client = uploadClient(bench);
  await bench.tasks.finishAll();
  const request = { hostId: "child", taskId: TASK_ID, interestedPieceNumbers: [0, 1] };
  const ask = (length: string) => {
    return collected(client.syncPieces(request, { ...limited, metadata: { "damselfly-piece-length": length } }));
  };
  const pieces = await ask(String(1024 * 1024));
  assert.deepEqual(pieces.map(({ number, length }) => [number, length]), [[0, CONTENT.length]]);
  for (const length of ["1", "", "x", "1e99"]) await assert.rejects(ask(length), { code: "invalid_argument" });
});

Deno.test("a download tells of its pieces in the cut in which it began, though the task is cut otherwise meanwhile", async () => {
  await using bench = await startBench();
  using client = uploadClient(bench);
  const stream = client.downloadTask(downloadOf({ needPieceContent: true }), limited)[Symbol.asyncIterator]();
  await stream.next();
  (await bench.tasks.create()).recut({ plan: piecePlan(CONTENT.length, 250) });
  await bench.tasks.finishAll();
  const offsets: number[] = [];
  for (let step = await stream.next(); step.done !== true; step = await stream.next()) {
    const { response } = step.value as DownloadTaskResponse;
    if (response?.$case === "downloadPieceFinishedResponse") offsets.push(response.value.piece?.offset ?? -1);
  }
  assert.deepEqual(offsets.toSorted((a, b) => a - b), Array.from({ length: 10 }, (_, index) => index * 100));
});

Deno.test("SyncPieces of an unknown task is not found, of a deleted one too, and of a host that shares nothing refused", async () => {
  await using bench = await startBench();
  using client = uploadClient(bench);
  const request = { hostId: "child", taskId: TASK_ID, interestedPieceNumbers: [1] };
  await assert.rejects(collected(client.syncPieces(request, limited)), { code: "not_found" });
  await bench.tasks.create();
  const waiting = assert.rejects(collected(client.syncPieces(request, limited)), { code: "not_found" });
  await bench.storage.delete(TASK_ID);
  await waiting;
  await using closed = await startBench({ disableShared: true });
  using other = uploadClient(closed);
  await assert.rejects(collected(other.syncPieces(request, limited)), { code: "permission_denied" });
});

Deno.test("SyncPieces of a download in which nothing happens ends, so that the child looks elsewhere", async () => {
  const clock = new VirtualClock();
  await using storage = await openTestStorage(clock);
  await new HandDriven(storage).create();
  const request = { hostId: "child", taskId: TASK_ID, interestedPieceNumbers: [1] };
  const ended = assert.rejects(collected(syncPieces(request, { storage, clock, address: ADDRESS }, limited.signal)), {
    code: "unavailable",
  });
  await clock.advance(120_000);
  await ended;
  assert.equal(clock.pendingTimers, 0);
});

Deno.test("SyncPieces of a download that fails ends at once, so that the child looks elsewhere", async () => {
  await using bench = await startBench();
  const { tasks, storage } = bench;
  const task = await tasks.create();
  const request = { hostId: "child", taskId: TASK_ID, interestedPieceNumbers: [0] };
  const parts = { storage, clock: new VirtualClock(), address: ADDRESS };
  const ended = assert.rejects(collected(syncPieces(request, parts, limited.signal)), {
    code: "unavailable",
    message: /download has failed/,
  });
  await settle();
  task.expectNothing(new DamselflyError("source_error", "Cannot fetch: the source answered 500"));
  await ended;
});

Deno.test("SyncHost tells of the network at once and goes on", async () => {
  await using bench = await startBench();
  using client = uploadClient(bench);
  for await (const host of client.syncHost({ hostId: "child", peerId: "p" }, limited)) {
    assert.deepEqual([host.network?.maxTxBandwidth, host.network?.txBandwidth], [1000, 10]);
    break;
  }
});

Deno.test("a triggered download tells that it started, of each piece, and ends once the content is sealed", async () => {
  await using bench = await startBench();
  using client = uploadClient(bench);
  const header = { Authorization: "Bearer x", Host: "y", Range: "", "X-Other": "z" };
  const stream = client.downloadTask(
    downloadOf({ needBackToSource: true, requestHeader: header, remoteIp: "192.0.2.9", tag: "t", application: "a" }),
    limited,
  );
  const iterator = stream[Symbol.asyncIterator]();
  const first = (await iterator.next()).value as DownloadTaskResponse;
  assert.deepEqual([first.hostId, first.taskId, first.peerId], ["host-1", TASK_ID, "peer-1"]);
  assert.equal(describe(first), "started 950 10 false");
  await bench.tasks.finishAll();
  const rest = await collected({ [Symbol.asyncIterator]: () => iterator });
  assert.deepEqual(rest.map(describe).sort(), Array.from({ length: 10 }, (_, number) => `piece ${number}`));
  const [request] = bench.tasks.requests;
  const headers = { authorization: "Bearer x", "x-other": "z" };
  assert.deepEqual(request?.source, { url: URL, headers, remoteIp: "127.0.0.1" }, "who calls, not who is named");
  assert.deepEqual([request?.digest?.text, request?.priority, request?.needBackToSource], [DIGEST, 6, true]);
  assert.equal(bench.tasks.opened, 0);
  const labels = { type: "0", tag: "t", app: "a" };
  assert.equal(bench.metrics.value("dragonfly_client_upload_task_total", labels), 1);
  assert.equal(bench.metrics.value("dragonfly_client_upload_task_failure_total", labels), 0);
  assert.equal(bench.metrics.value("dragonfly_client_concurrent_upload_task_total", labels), 0);
  const again = await collected(client.downloadTask(downloadOf(), limited));
  assert.equal(again.map(describe)[0], "started 950 10 true");
  assert.equal(again.length, 11);
});

Deno.test("a host is not triggered for a URL where its caller may not go, also not for what it has", async () => {
  const asked: Destination[] = [];
  const check = (destination: Destination) => {
    asked.push(destination);
    return Promise.reject(new DamselflyError("permission_denied", "Cannot go there"));
  };
  await using bench = await startBench({ destinations: { check } });
  using client = uploadClient(bench);
  await bench.tasks.finishAll();
  await assert.rejects(collected(client.downloadTask(downloadOf(), limited)), { code: "permission_denied" });
  assert.deepEqual(asked, [{
    ...{ origin: "https://registry.example", hostname: "registry.example", remoteIp: "127.0.0.1" },
  }]);
  assert.deepEqual(bench.tasks.requests, []);
  using own = downloadClient(bench);
  assert.equal((await collected(own.downloadTask(downloadOf(), limited))).length, 11, "its own programs may go there");
});

Deno.test("who asks what a URL names is told to the source, unless it is a program of this host", async () => {
  const asked: SourceRequest[] = [];
  const source = {
    stat: (request: SourceRequest) => {
      asked.push(request);
      return Promise.resolve({ contentLength: 7, acceptsRanges: true, responseHeaders: {} });
    },
  };
  await using bench = await startBench({ source });
  using upload = uploadClient(bench);
  using download = downloadClient(bench);
  const request = ListTaskEntriesRequest.create({ url: "http://127.0.0.1:9000/f", remoteIp: "192.0.2.9" });
  await upload.listTaskEntries(request, limited);
  await download.listTaskEntries(request, limited);
  assert.deepEqual(asked.map(({ remoteIp }) => remoteIp), ["127.0.0.1", undefined]);
});

Deno.test("a download that fails ends the stream with its error", async () => {
  await using bench = await startBench();
  using client = uploadClient(bench);
  const failed = assert.rejects(collected(client.downloadTask(downloadOf(), limited)), {
    code: "resource_exhausted",
  });
  while (bench.tasks.requests.length === 0) await settle();
  await bench.tasks.finish(0, 1);
  bench.tasks.fail(new DamselflyError("no_space", "Cannot write: full"));
  await failed;
  assert.equal(bench.tasks.opened, 0);
});

Deno.test("a download whose content was dropped and fetched again tells of each piece once", async () => {
  await using bench = await startBench();
  using client = uploadClient(bench);
  const stream = client.downloadTask(downloadOf(), limited);
  const iterator = stream[Symbol.asyncIterator]();
  await iterator.next();
  await bench.tasks.finish(3);
  assert.equal(describe((await iterator.next()).value as DownloadTaskResponse), "piece 3");
  await bench.storage.delete(TASK_ID);
  await bench.tasks.finishAll();
  const rest = await collected({ [Symbol.asyncIterator]: () => iterator });
  assert.deepEqual(rest.map(describe).sort(), [0, 1, 2, 4, 5, 6, 7, 8, 9].map((number) => `piece ${number}`));
});

Deno.test("a download of a range ends with its pieces, by message or by header, and a bad one is refused", async () => {
  await using bench = await startBench();
  using client = uploadClient(bench);
  await bench.tasks.finish(2, 3);
  const wanted = [{ range: { start: 250, length: 100 } }, { requestHeader: { range: "bytes=250-349" } }];
  for (const changes of wanted) {
    const items = await collected(client.downloadTask(downloadOf(changes), limited));
    assert.deepEqual(items.map(describe), ["started 950 2 false", "piece 2", "piece 3"]);
  }
  for (const range of [{ start: 0, length: 0 }, { start: 900, length: 51 }]) {
    await assert.rejects(collected(client.downloadTask(downloadOf({ range }), limited)), {
      code: "failed_precondition",
    });
  }
});

Deno.test("another host cannot make this one write to a path, nor ask for what is not a URL or a standard task", async () => {
  await using bench = await startBench();
  using client = uploadClient(bench);
  const refused = [
    [{ outputPath: "/out/x" }, "permission_denied"],
    [{ url: "registry" }, "invalid_argument"],
    [{ digest: "md5:12" }, "invalid_argument"],
    [{ type: 1 }, "unimplemented"],
  ] as const;
  for (const [changes, code] of refused) {
    await assert.rejects(collected(client.downloadTask(downloadOf(changes), limited)), { code });
  }
  assert.deepEqual(bench.tasks.requests, []);
});

Deno.test("tasks are described and deleted by id", async () => {
  await using bench = await startBench();
  using upload = uploadClient(bench);
  using download = downloadClient(bench);
  await assert.rejects(upload.statTask({ taskId: TASK_ID }, limited), { code: "not_found" });
  await bench.tasks.finish(0, 9);
  const task = await upload.statTask({ taskId: TASK_ID }, limited);
  assert.deepEqual([task.state, task.contentLength, task.pieceCount, task.digest], ["Running", 950, 10, DIGEST]);
  assert.deepEqual(task.pieces.map(({ number, offset, length }) => [number, offset, length]), [[0, 0, 100], [
    9,
    900,
    50,
  ]]);
  await bench.tasks.finishAll();
  assert.equal((await download.statTask({ taskId: TASK_ID }, limited)).state, "Succeeded");
  const local = await upload.statLocalTask({ taskId: TASK_ID }, limited);
  assert.deepEqual([local.contentLength, local.pieceLength, local.responseHeader], [950, 100, { a: "b" }]);
  assert(local.finishedAt !== undefined);
  assert.deepEqual((await download.listLocalTasks({}, limited)).tasks, [local]);
  await upload.deleteTask({ taskId: TASK_ID }, limited);
  assert.deepEqual(bench.tasks.deleted, [TASK_ID]);
  assert.deepEqual((await download.listLocalTasks({}, limited)).tasks, []);
  await download.deleteHost({}, limited);
});

Deno.test("a local program gets the bytes of the pieces when it asks for them", async () => {
  await using bench = await startBench();
  using client = downloadClient(bench);
  await bench.tasks.finishAll();
  const items = await collected(client.downloadTask(downloadOf({ needPieceContent: true }), limited));
  const pieces = items.flatMap(({ response }) =>
    response?.$case === "downloadPieceFinishedResponse" ? response.value.piece ?? [] : []
  );
  assert.deepEqual(Buffer.concat(pieces.map(({ content }) => content ?? new Uint8Array())), Buffer.from(CONTENT));
});

async function contentAt(disk: Disk, path: string): Promise<Uint8Array> {
  await using file = await disk.openFile(path);
  const bytes = new Uint8Array((await file.stat()).size);
  await file.read(bytes, 0);
  return bytes;
}

Deno.test("a local program gets the content at a path, which never shows a part of it", async () => {
  await using bench = await startBench();
  using client = downloadClient(bench);
  const get = async (changes: Partial<Download>) => await collected(client.downloadTask(downloadOf(changes), limited));
  const running = get({ outputPath: "/out/file" });
  while (bench.tasks.requests.length === 0) await settle();
  assert.equal(bench.tasks.requests[0]?.source.remoteIp, undefined);
  await bench.tasks.finish(0, 1, 2);
  assert.equal((await bench.disk.stat("/out/file"))?.size, 0);
  await bench.tasks.finishAll();
  await running;
  assert.deepEqual(await contentAt(bench.disk, "/out/file"), CONTENT);
  assert.equal((await bench.disk.stat("/out/file"))?.links, 1, "a file of its own");
  await assert.rejects(get({ outputPath: "/out/file" }), { code: "already_exists" });
  await get({ outputPath: "/out/file", overwrite: true });
  await get({ outputPath: "/out/link", forceHardLink: true });
  assert.equal((await bench.disk.stat("/out/link"))?.links, 2);
  await get({ outputPath: "/out/part", range: { start: 150, length: 300 } });
  assert.deepEqual(await contentAt(bench.disk, "/out/part"), CONTENT.subarray(150, 450));
  const range = { start: 150, length: 300 };
  await assert.rejects(get({ outputPath: "/out/no", range, forceHardLink: true }), { code: "failed_precondition" });
  await assert.rejects(get({ outputPath: "out/x" }), { code: "invalid_argument" });
  await assert.rejects(get({ outputPath: "/out/dir" }), { code: "invalid_argument" });
  await assert.rejects(get({ outputPath: "/nowhere/x" }), { code: "not_found" });
  assert.deepEqual(await bench.disk.list("/out"), ["dir", "file", "link", "no", "part"]);
});

Deno.test("the output of a failed download is left to the caller, and goes when the caller has gone", async () => {
  await using bench = await startBench();
  using client = downloadClient(bench);
  const caller = new AbortController();
  const start = async (outputPath: string, signal = limited.signal) => {
    const request = downloadOf({ outputPath, overwrite: outputPath === "/out/before" });
    const call = client.downloadTask(request, { ...limited, signal })[Symbol.asyncIterator]();
    await call.next();
    return call.next();
  };
  await bench.disk.writeTextAtomic("/out/before", "");
  const gone = ["before", "replaced", "gone"].map((name) => start(`/out/${name}`, caller.signal));
  const failed = start("/out/failed");
  while ((await bench.disk.list("/out")).length < 5 || bench.tasks.opened < 4) await settle();
  await bench.disk.writeTextAtomic("/out/replaced", "precious");
  caller.abort(new DamselflyError("cancelled", "the caller goes"));
  for (const call of gone) await assert.rejects(call, { code: "cancelled" });
  while (await bench.disk.stat("/out/gone") !== undefined || bench.tasks.opened > 1) await settle();
  bench.tasks.fail(new DamselflyError("data_loss", "Cannot accept the content: wrong digest"));
  await assert.rejects(failed, { code: "data_loss" });
  assert.deepEqual(await bench.disk.list("/out"), ["before", "dir", "failed", "replaced"]);
  assert.equal((await bench.disk.stat("/out/failed"))?.size, 0);
});

Deno.test("a file that comes to the output during the download is not overwritten, nor one from before by a failure", async () => {
  await using bench = await startBench();
  using client = downloadClient(bench);
  const get = async (changes: Partial<Download>) => await collected(client.downloadTask(downloadOf(changes), limited));
  const running = get({ outputPath: "/out/file" });
  while (await bench.disk.stat("/out/file") === undefined) await settle();
  await bench.disk.writeTextAtomic("/out/file", "precious");
  await bench.tasks.finishAll();
  await assert.rejects(running, { code: "already_exists" });
  await assert.rejects(
    get({ outputPath: "/out/file", overwrite: true, forceHardLink: true, range: { start: 0, length: 9 } }),
    {
      code: "failed_precondition",
    },
  );
  assert.equal(await bench.disk.readText("/out/file"), "precious");
});

Deno.test("a task that cannot be opened fails before the headers, with what the source said, and makes no output", async () => {
  await using bench = await startBench();
  const backend = { message: "404 Not Found", header: { a: "b" }, statusCode: 404 };
  bench.tasks.refuse(new DamselflyError("source_error", "Cannot fetch: 404", { details: backend }));
  using client = rawClient(bench);
  const methods = [DfdaemonDownloadService.downloadTask, DfdaemonUploadService.downloadTask];
  for (const [index, { path, requestSerialize, responseDeserialize }] of methods.entries()) {
    const request = downloadOf(index === 0 ? { outputPath: "/out/file" } : {});
    const call = client.makeServerStreamRequest(path, requestSerialize, responseDeserialize, request);
    let headers = 0;
    call.on("metadata", () => headers++);
    call.on("data", () => assert.fail("a message came"));
    const error = await new Promise<ServiceError>((resolve) => call.on("error", resolve));
    const details = JSON.parse(String(error.metadata.get("grpc-status-details-bin")[0]));
    assert.deepEqual([headers, error.code], [0, status.INTERNAL]);
    assert.deepEqual(details, { message: "404 Not Found", header: { a: "b" }, status_code: 404 });
  }
  assert.deepEqual(await bench.disk.list("/out"), ["dir"]);
});

/** A path on another volume, or a file system that knows no hard links; one that the system does not copy to either. */
class LinklessDisk extends MemoryDisk {
  override copy(_existing: string, created: string): Promise<void> {
    return Promise.reject(new DamselflyError("internal", `Cannot copy ${created}: EIO`));
  }

  override link(_existing: string, created: string): Promise<void> {
    return Promise.reject(new DamselflyError("internal", `Cannot create link ${created}: EXDEV`));
  }
}

Deno.test("where a hard link is impossible the content is copied, unless a link was asked for", async () => {
  await using bench = await startBench({}, new LinklessDisk());
  using client = downloadClient(bench);
  await bench.tasks.finishAll();
  const get = async (changes: Partial<Download>) => await collected(client.downloadTask(downloadOf(changes), limited));
  await get({ outputPath: "/out/copy" });
  assert.deepEqual(await contentAt(bench.disk, "/out/copy"), CONTENT);
  await assert.rejects(get({ outputPath: "/out/link", forceHardLink: true }), { code: "failed_precondition" });
  assert.equal((await bench.disk.stat("/out/link"))?.size, 0);
});

Deno.test("a blob's id is given to no other content than the one it names", async () => {
  await using bench = await startBench();
  using client = uploadClient(bench);
  const other = { digest: `sha256:${"ab".repeat(32)}` };
  await assert.rejects(collected(client.downloadTask(downloadOf(other), limited)), { code: "invalid_argument" });
  assert.deepEqual(bench.tasks.requests, []);
});

Deno.test("numbers without meaning in a request are refused, not run into", async () => {
  await using bench = await startBench();
  using client = uploadClient(bench);
  const lengths = [0, 8, (4 << 20) - 1, (64 << 20) + 1].map((pieceLength) => ({ pieceLength }));
  for (const changes of [...lengths, { priority: 77 as never }, { priority: -1 as never }]) {
    await assert.rejects(collected(client.downloadTask(downloadOf(changes), limited)), { code: "invalid_argument" });
  }
  assert.deepEqual(bench.tasks.requests, []);
});

Deno.test("the piece lengths that stock schedulers let through are taken", async () => {
  await using bench = await startBench();
  await bench.tasks.finishAll();
  using client = uploadClient(bench);
  for (const pieceLength of [4 << 20, 64 << 20]) {
    await collected(client.downloadTask(downloadOf({ pieceLength }), limited));
  }
  assert.deepEqual(bench.tasks.requests.map(({ pieceLength }) => pieceLength), [4 << 20, 64 << 20]);
});

Deno.test("labels that other hosts choose do not make metrics grow without end", async () => {
  await using bench = await startBench();
  using client = uploadClient(bench);
  for (let i = 0; i < 120; i++) {
    const changes = { url: "none", tag: `tag-${i}`, type: i as TaskType };
    await collected(client.downloadTask(downloadOf(changes), limited)).catch(() => {});
  }
  const series = (await bench.metrics.expose()).split("\n")
    .filter((line) => line.startsWith("dragonfly_client_upload_task_total"));
  assert.ok(series.length <= 101, `${series.length} series`);
});
