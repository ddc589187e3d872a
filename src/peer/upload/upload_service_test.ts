import assert from "node:assert/strict";
import { DamselflyError } from "../../core/error.ts";
import { contentVersion } from "../storage/content_version.ts";
import { piecePlan } from "../../core/piece.ts";
import { type TaskType } from "../../rpc/gen/common/v2/common.ts";
import { ListTaskEntriesRequest } from "../../rpc/gen/dfdaemon/v2/dfdaemon.ts";
import type { DownloadTaskResponse } from "../../rpc/gen/dfdaemon/v2/dfdaemon.ts";
import { settle, VirtualClock } from "../../testing/virtual_clock.ts";
import type { Destination } from "../../http/destination.ts";
import type { SourceRequest } from "../source/source.ts";
import { syncPieces } from "./sync_pieces.ts";
import {
  ADDRESS,
  collected,
  CONTENT,
  describe,
  DIGEST,
  downloadClient,
  downloadOf,
  HandDriven,
  limited,
  openTestStorage,
  startBench,
  TASK_ID,
  uploadClient,
  URL,
} from "./harness_test.ts";

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

Deno.test("SyncPieces is refused to a child of another version, and to nobody who names none", async () => {
  const version = (etag: string) => contentVersion({ digest: undefined, responseHeaders: { etag } }) ?? "";
  await using bench = await startBench();
  using client = uploadClient(bench);
  const taskId = "cd".repeat(32);
  const init = { taskId, url: "https://files.example/f", plan: piecePlan(CONTENT.length, 100), digest: undefined };
  const task = await bench.storage.open({ ...init, responseHeaders: { etag: '"v1"' } });
  using writer = task.openPiece(0);
  await writer?.write(CONTENT.subarray(0, 100));
  await writer?.commit({ parentId: "", trafficType: "back_to_source", costMs: 1 });
  const request = { hostId: "child", taskId, interestedPieceNumbers: [0] };
  const ask = (metadata: Record<string, string>) => collected(client.syncPieces(request, { ...limited, metadata }));
  await assert.rejects(ask({ "damselfly-content-version": version('"v2"') }), { code: "failed_precondition" });
  for (const metadata of [{}, { "damselfly-content-version": version('"v1"') }]) {
    assert.equal((await ask(metadata)).length, 1);
  }
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
    list: () => Promise.resolve([]),
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
