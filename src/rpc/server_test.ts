import assert from "node:assert/strict";
import { once } from "node:events";
import { Client, credentials, Metadata } from "@grpc/grpc-js";
import { DamselflyError } from "../core/error.ts";
import { PIECE_LENGTH_MAX } from "../core/piece.ts";
import { MemoryLog } from "../testing/memory_log.ts";
import { MemoryMetrics } from "../testing/memory_metrics.ts";
import { checkHealth, createRpcClient } from "./client.ts";
import { Download, Piece } from "./gen/common/v2/common.ts";
import {
  DfdaemonDownloadService,
  DfdaemonUploadService,
  DownloadTaskResponse,
  SyncPiecesRequest,
  SyncPiecesResponse,
} from "./gen/dfdaemon/v2/dfdaemon.ts";
import { Backend } from "./gen/errordetails/v2/errordetails.ts";
import { HealthCheckResponse_ServingStatus as ServingStatus, HealthService } from "./gen/grpc/health/v1/health.ts";
import { KeepAliveRequest, ManagerService } from "./gen/manager/v2/manager.ts";
import { AnnouncePeerRequest, AnnouncePeerResponse, SchedulerService } from "./gen/scheduler/v2/scheduler.ts";
import { type RpcServerOptions, type RpcService, service, startRpcServer } from "./server.ts";
import { clock, limited, loopback, untilAborted } from "./testdata/calls.ts";

const { signal } = limited;

function serve(services: RpcService[], options: Partial<RpcServerOptions> = {}) {
  return startRpcServer({ listen: loopback, services, log: new MemoryLog(), clock, ...options });
}

function about(taskId: string): AnnouncePeerRequest {
  return AnnouncePeerRequest.create({ hostId: "host", taskId, peerId: "peer" });
}

function backToSource(description: string): AnnouncePeerResponse {
  return AnnouncePeerResponse.create({ response: { $case: "needBackToSourceResponse", value: { description } } });
}

Deno.test("a unary call gets the answer of its handler, and the handler gets the request and the caller's address", async () => {
  let peer = "";
  await using server = await serve([service(SchedulerService, {
    statTask: (request, context) => {
      peer = context.peer;
      return Promise.reject(new DamselflyError("not_found", `Cannot find task ${request.taskId}`));
    },
    listHosts: () => Promise.resolve({ hosts: [] }),
  })]);
  using client = createRpcClient(SchedulerService, `127.0.0.1:${server.port}`, { clock });
  assert.deepEqual(await client.listHosts({}, limited), { hosts: [] });
  await assert.rejects(client.statTask({ hostId: "h", taskId: "t1" }, limited), { code: "not_found", message: /t1/ });
  assert.match(peer, /^127\.0\.0\.1:\d+$/);
});

Deno.test("a handler takes out of its context what it needs, and sends headers before it has an answer", async () => {
  const release = Promise.withResolvers<void>();
  await using server = await serve([service(DfdaemonUploadService, {
    syncPieces: async function* (_, { sendHeaders, metadata, peer, signal }) {
      sendHeaders();
      sendHeaders();
      await release.promise;
      const said = [metadata.get("who"), peer.split(":")[0], signal.aborted].join(" ");
      yield SyncPiecesResponse.create({ number: said === "me 127.0.0.1 false" ? 1 : 0 });
    },
  })]);
  const raw = new Client(`127.0.0.1:${server.port}`, credentials.createInsecure());
  try {
    const { path, requestSerialize, responseDeserialize } = DfdaemonUploadService.syncPieces;
    const metadata = new Metadata();
    metadata.set("who", "me");
    const request = SyncPiecesRequest.create({ hostId: "h", taskId: "t" });
    const call = raw.makeServerStreamRequest(path, requestSerialize, responseDeserialize, request, metadata);
    await once(call, "metadata");
    release.resolve();
    assert.deepEqual((await Array.fromAsync<SyncPiecesResponse>(call)).map(({ number }) => number), [1]);
  } finally {
    raw.close();
  }
});

Deno.test("a bidi stream answers each request, and the server may end it while the client still could send", async () => {
  await using server = await serve([service(SchedulerService, {
    announcePeer: async function* (requests) {
      for await (const request of requests) {
        if (request.taskId === "last") return;
        yield backToSource(request.taskId);
      }
    },
  })]);
  using client = createRpcClient(SchedulerService, `127.0.0.1:${server.port}`, { clock });
  const stream = client.announcePeer({ signal });
  const seen: unknown[] = [];
  await stream.send(about("0"));
  for await (const { response } of stream.responses) {
    if (response?.$case === "needBackToSourceResponse") seen.push(response.value.description);
    await stream.send(about(seen.length < 3 ? `${seen.length}` : "last"));
  }
  assert.deepEqual(seen, ["0", "1", "2"]);
  await assert.rejects(stream.send(about("late")), { code: "failed_precondition" });
});

Deno.test("a client that reads slowly and ends nothing gets every message, and the end", async () => {
  const description = "x".repeat(64 * 1024);
  await using server = await serve([service(SchedulerService, {
    announcePeer: async function* () {
      for (let count = 0; count < 40; count++) yield backToSource(description);
    },
  })]);
  using client = createRpcClient(SchedulerService, `127.0.0.1:${server.port}`, { clock });
  let seen = 0;
  for await (const _ of client.announcePeer({ signal }).responses) {
    seen++;
    await clock.sleep(5, signal);
  }
  assert.equal(seen, 40);
});

Deno.test("the longest piece fits into a message, with all that stands around it", async () => {
  const content = Buffer.alloc(PIECE_LENGTH_MAX, 7);
  const long = "x".repeat(512);
  await using server = await serve([service(DfdaemonDownloadService, {
    downloadTask: async function* () {
      const piece = Piece.create({ content, length: content.length, digest: "crc32:4294967295", parentId: long });
      const response = { $case: "downloadPieceFinishedResponse" as const, value: { piece } };
      yield DownloadTaskResponse.create({ hostId: long, taskId: long, peerId: long, response });
    },
  })]);
  using client = createRpcClient(DfdaemonDownloadService, `127.0.0.1:${server.port}`, { clock });
  for await (const { response } of client.downloadTask({ download: Download.create() }, limited)) {
    assert.equal(
      response?.$case === "downloadPieceFinishedResponse" && response.value.piece?.content?.length,
      PIECE_LENGTH_MAX,
    );
  }
});

Deno.test("a client stream is read to its end and answered once", async () => {
  await using server = await serve([service(ManagerService, {
    keepAlive: async (requests) => {
      let count = 0;
      for await (const { hostname } of requests) count += hostname === "node" ? 1 : 0;
      if (count !== 3) throw new DamselflyError("data_loss", `Cannot count: ${count} messages came`);
      return {};
    },
  })]);
  using client = createRpcClient(ManagerService, `127.0.0.1:${server.port}`, { clock });
  const stream = client.keepAlive(limited);
  for (let i = 0; i < 3; i++) await stream.send(KeepAliveRequest.create({ hostname: "node" }));
  stream.end();
  assert.equal((await Array.fromAsync(stream.responses)).length, 1);
});

Deno.test("a method without a handler answers unimplemented", async () => {
  await using server = await serve([service(SchedulerService, {})]);
  using client = createRpcClient(SchedulerService, `127.0.0.1:${server.port}`, { clock });
  await assert.rejects(client.listHosts({}, limited), { code: "unimplemented" });
  await assert.rejects(Array.fromAsync(client.announceCachePeer(limited).responses), { code: "unimplemented" });
});

Deno.test("what the origin said travels with a source_error, and comes back as it was", async () => {
  const backend = Backend.create({ message: "gone", header: { "content-type": "text/plain" }, statusCode: 404 });
  await using server = await serve([service(DfdaemonDownloadService, {
    // deno-lint-ignore require-yield -- it fails before the first response
    downloadTask: async function* () {
      await Promise.resolve();
      throw new DamselflyError("source_error", "Cannot fetch from the origin: 404", { details: backend });
    },
  })]);
  using client = createRpcClient(DfdaemonDownloadService, `127.0.0.1:${server.port}`, { clock });
  const responses = client.downloadTask({ download: Download.create({ url: "http://o/" }) }, limited);
  await assert.rejects(Array.fromAsync(responses), { code: "source_error", details: { ...backend } });
});

Deno.test("an unexpected error is logged with its method and tells the caller nothing", async () => {
  const log = new MemoryLog();
  const listHosts = () => Promise.reject(new TypeError("secret /etc/path"));
  await using server = await serve([service(SchedulerService, { listHosts })], { log });
  using client = createRpcClient(SchedulerService, `127.0.0.1:${server.port}`, { clock });
  const failure = await client.listHosts({}, limited).catch((error) => error);
  assert.equal(failure.code, "internal");
  assert.doesNotMatch(failure.message, /secret/);
  const [line] = log.lines;
  assert.equal(line?.level, "error");
  assert.equal(line?.fields["method"], "/scheduler.v2.Scheduler/ListHosts");
});

Deno.test("a call that is cancelled ends its handler and is not logged", async () => {
  const log = new MemoryLog();
  const ended = Promise.withResolvers<void>();
  const announcePeer = async function* (requests: AsyncIterable<AnnouncePeerRequest>) {
    try {
      for await (const request of requests) yield backToSource(request.taskId);
    } finally {
      ended.resolve();
    }
  };
  await using server = await serve([service(SchedulerService, { announcePeer })], { log });
  using client = createRpcClient(SchedulerService, `127.0.0.1:${server.port}`, { clock });
  const stream = client.announcePeer({ signal });
  await stream.send(about("t"));
  for await (const _ of stream.responses) break;
  await ended.promise;
  await assert.rejects(stream.send(about("t")), { code: "cancelled" });
  assert.deepEqual(log.lines, []);
});

Deno.test("the messages of calls are counted, each once, also those of a call that is long or fails", async () => {
  const metrics = new MemoryMetrics();
  await using server = await serve([service(SchedulerService, {
    announcePeer: async function* (requests) {
      let count = 0;
      for await (const _ of requests) {
        count++;
        yield { response: undefined };
      }
      if (count > 1) throw new DamselflyError("internal", "It ends badly");
    },
    listHosts: () => Promise.resolve({ hosts: [] }),
  })], { metrics });
  using client = createRpcClient(SchedulerService, `127.0.0.1:${server.port}`, { clock });
  await client.listHosts({}, limited);
  const stream = client.announcePeer(limited);
  for (let count = 0; count < 150; count++) {
    await stream.send({ hostId: "h", taskId: "t", peerId: "p", request: undefined });
  }
  stream.end();
  await assert.rejects(Array.fromAsync(stream.responses));
  const ofService = { grpc_service: "scheduler.v2.Scheduler" };
  for (const kind of ["received", "sent"]) {
    const count = (type: string, method: string) =>
      metrics.value(`grpc_server_msg_${kind}_total`, { grpc_type: type, ...ofService, grpc_method: method });
    assert.deepEqual([count("unary", "ListHosts"), count("bidi_stream", "AnnouncePeer")], [1, 150]);
  }
});

Deno.test("a handler that looks up late learns that its caller has left, and the call counts as cancelled", async () => {
  const metrics = new MemoryMetrics();
  const [begun, release, seen] = [0, 0, 0].map(() => Promise.withResolvers<void>());
  assert.ok(begun && release && seen);
  let isAborted = false;
  await using server = await serve([service(SchedulerService, {
    listHosts: async (_, context) => {
      begun.resolve();
      await release.promise;
      isAborted = context.signal.aborted;
      seen.resolve();
      throw new TypeError("nobody hears of this");
    },
  })], { metrics });
  using client = createRpcClient(SchedulerService, `127.0.0.1:${server.port}`, { clock });
  const leave = new AbortController();
  const left = assert.rejects(client.listHosts({}, { ...limited, signal: leave.signal }));
  await begun.promise;
  leave.abort(new DamselflyError("cancelled", "enough"));
  await left;
  await assert.rejects(client.statTask({ hostId: "h", taskId: "t" }, limited)); // comes after the end of the other
  release.resolve();
  await seen.promise;
  await clock.sleep(0, signal);
  assert.equal(isAborted, true);
  const labels = { grpc_type: "unary", grpc_service: "scheduler.v2.Scheduler", grpc_method: "ListHosts" };
  assert.equal(metrics.value("grpc_server_handled_total", { ...labels, grpc_code: "Canceled" }), 1);
});

Deno.test("a handler waits with its next response until the last one could be sent", async () => {
  let made = 0;
  const content = new Uint8Array(1024 * 1024);
  const piece = { $case: "downloadPieceFinishedResponse", value: { piece: Piece.create({ content }) } } as const;
  await using server = await serve([service(DfdaemonDownloadService, {
    downloadTask: async function* () {
      for (; made < 64; made++) yield DownloadTaskResponse.create({ response: piece });
    },
  })]);
  using client = createRpcClient(DfdaemonDownloadService, `127.0.0.1:${server.port}`, { clock });
  let received = 0;
  let aheadMax = 0;
  for await (const _ of client.downloadTask({ download: undefined }, limited)) {
    received += 1;
    aheadMax = Math.max(aheadMax, made - received);
    await client.statTask({ taskId: "" }, limited).catch(() => undefined); // lets the server run ahead, if it can
  }
  assert.equal(received, 64);
  assert.ok(aheadMax < 48, `the server ran ${aheadMax} messages of 1 MiB ahead`);
});

Deno.test("a caller's deadline ends a call, but not one of a method that ignores it", async () => {
  const release = Promise.withResolvers<void>();
  const upload = service(DfdaemonUploadService, {
    syncPieces: async function* () {
      yield SyncPiecesResponse.create({ number: 1 });
      await release.promise;
      yield SyncPiecesResponse.create({ number: 2 });
    },
    statTask: (_, context) => untilAborted(context.signal),
  });
  await using server = await serve([upload], { ignoreDeadlineOf: ["/dfdaemon.v2.DfdaemonUpload/SyncPieces"] });
  using client = createRpcClient(DfdaemonUploadService, `127.0.0.1:${server.port}`, { clock });
  const metadata = { "grpc-timeout": "20m" };
  const seen: number[] = [];
  const request = { hostId: "h", taskId: "t", interestedPieceNumbers: [1, 2] };
  for await (const { number } of client.syncPieces(request, { ...limited, metadata })) {
    seen.push(number);
    // Started later with the same deadline: once this one is over, so is the deadline of the stream.
    if (number === 1) {
      await assert.rejects(client.statTask({ taskId: "t" }, { ...limited, metadata }), { code: "timeout" });
    }
    release.resolve();
  }
  assert.deepEqual(seen, [1, 2]);
});

Deno.test("health is served: the server at once, a service as it is set, an unknown one not", async () => {
  await using server = await serve([]);
  const address = `127.0.0.1:${server.port}`;
  const name = "dfdaemon.v2.DfdaemonUpload";
  assert.equal(await checkHealth(address, { clock, ...limited }), true);
  await assert.rejects(checkHealth(address, { clock, ...limited, service: name }), { code: "not_found" });
  server.setServing(name, false);
  assert.equal(await checkHealth(address, { clock, ...limited, service: name }), false);
  server.setServing(name, true);
  assert.equal(await checkHealth(address, { clock, ...limited, service: name }), true);
});

Deno.test("a health watch tells each change, and ends when the server stops", async () => {
  const server = await serve([]);
  using client = createRpcClient(HealthService, `127.0.0.1:${server.port}`, { clock });
  const seen: ServingStatus[] = [];
  let stopped: PromiseLike<void> | undefined;
  for await (const { status } of client.watch({ service: "x" }, limited)) {
    seen.push(status);
    if (seen.length === 1) server.setServing("x", true);
    else stopped ??= server[Symbol.asyncDispose]();
  }
  await stopped;
  assert.deepEqual(seen, [ServingStatus.SERVICE_UNKNOWN, ServingStatus.SERVING, ServingStatus.NOT_SERVING]);
});

Deno.test("stopping lets a running call finish", async () => {
  const release = Promise.withResolvers<void>();
  const started = Promise.withResolvers<void>();
  const server = await serve([service(SchedulerService, {
    listHosts: async () => {
      started.resolve();
      await release.promise;
      return { hosts: [] };
    },
  })], { drainTimeoutMs: 600_000 });
  using client = createRpcClient(SchedulerService, `127.0.0.1:${server.port}`, { clock });
  const answer = client.listHosts({}, limited);
  await Promise.race([started.promise, answer]);
  const stopped = server[Symbol.asyncDispose]();
  release.resolve();
  assert.deepEqual(await answer, { hosts: [] });
  await stopped;
});

Deno.test("stopping ends a call that does not finish within the limit, and aborts its handler", async () => {
  const started = Promise.withResolvers<void>();
  const aborted = Promise.withResolvers<void>();
  const listHosts = (_: unknown, context: { signal: AbortSignal }) => {
    started.resolve();
    context.signal.addEventListener("abort", () => aborted.resolve());
    return untilAborted(context.signal);
  };
  const server = await serve([service(SchedulerService, { listHosts })], { drainTimeoutMs: 10 });
  using client = createRpcClient(SchedulerService, `127.0.0.1:${server.port}`, { clock });
  const answer = assert.rejects(client.listHosts({}, limited), { code: "unavailable" });
  await Promise.race([started.promise, answer]);
  await server[Symbol.asyncDispose]();
  await Promise.all([answer, aborted.promise]);
});

Deno.test("an address that is taken is named in the error", async () => {
  await using server = await serve([]);
  const listen = { ...loopback, port: server.port };
  const message = new RegExp(`Cannot listen on 127\\.0\\.0\\.1:${server.port}: another program`);
  await assert.rejects(serve([], { listen }), { code: "already_exists", message });
  await assert.rejects(serve([], { listen: { hostname: "192.0.2.1", port: 0 } }), {
    code: "unavailable",
    message: "Cannot listen on 192.0.2.1:0: this machine does not have the address; configure one that it has",
  });
});

Deno.test("a unix socket is served, a stale one replaced, a live one respected, and none left behind", async () => {
  const directory = await Deno.makeTempDir();
  const unixPath = `${directory}/d.sock`;
  try {
    Deno.listen({ transport: "unix", path: unixPath }).close(); // leaves its file behind
    {
      await using _server = await serve([], { listen: { unixPath } });
      assert.equal(await checkHealth(`unix:${unixPath}`, { clock, ...limited }), true);
      await assert.rejects(serve([], { listen: { unixPath } }), { code: "already_exists" });
    }
    await assert.rejects(Deno.lstat(unixPath), Deno.errors.NotFound);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

Deno.test("calls are counted under the names that Dragonfly's dashboards read", async () => {
  const metrics = new MemoryMetrics();
  const listHosts = () => Promise.reject(new DamselflyError("failed_precondition", "no"));
  await using server = await serve([service(SchedulerService, { listHosts })], { metrics });
  using client = createRpcClient(SchedulerService, `127.0.0.1:${server.port}`, { clock });
  await assert.rejects(client.listHosts({}, limited));
  const labels = { grpc_type: "unary", grpc_service: "scheduler.v2.Scheduler", grpc_method: "ListHosts" };
  assert.equal(metrics.value("grpc_server_started_total", labels), 1);
  assert.equal(metrics.value("grpc_server_handled_total", { ...labels, grpc_code: "FailedPrecondition" }), 1);
});

Deno.test("a file that is no socket is not removed to listen in its place", async () => {
  const unixPath = await Deno.makeTempFile();
  await Deno.writeTextFile(unixPath, "precious");
  await assert.rejects(serve([], { listen: { unixPath } }), { code: "already_exists", message: /no socket/ });
  assert.equal(await Deno.readTextFile(unixPath), "precious");
  await Deno.remove(unixPath);
});

Deno.test("calls begin when the rate lets them, by the address of their callers, and health checks at once", async () => {
  const turns: string[] = [];
  const rate = {
    turn(caller: string, { aborted }: AbortSignal) {
      turns.push(caller);
      if (turns.length < 3 && !aborted) return Promise.resolve();
      return Promise.reject(new DamselflyError("resource_exhausted", "too many"));
    },
  };
  let handled = 0;
  const services = [service(SchedulerService, { listHosts: () => Promise.resolve({ hosts: [], n: handled++ }) })];
  await using server = await serve(services, { rate });
  const address = `127.0.0.1:${server.port}`;
  using client = createRpcClient(SchedulerService, address, { clock });
  await client.listHosts({}, limited);
  await client.listHosts({}, limited);
  await assert.rejects(client.listHosts({}, limited), { code: "resource_exhausted", message: /too many/ });
  assert.equal(await checkHealth(address, { clock, ...limited }), true);
  assert.deepEqual([handled, turns], [2, ["127.0.0.1", "127.0.0.1", "127.0.0.1"]]);
});
