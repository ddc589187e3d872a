import assert from "node:assert/strict";
import { crc32 } from "node:zlib";
import { pieceDigest } from "../../core/digest.ts";
import { DamselflyError } from "../../core/error.ts";
import { piecePlan, pieceRange } from "../../core/piece.ts";
import { type Clock, realClock } from "../../runtime/clock.ts";
import type { Conn, Net } from "../../runtime/net.ts";
import { orAbort } from "../../runtime/or_abort.ts";
import { realNet } from "../../runtime/real_net.ts";
import { MemoryDisk } from "../../testing/memory_disk.ts";
import { MemoryLog } from "../../testing/memory_log.ts";
import { MemoryMetrics } from "../../testing/memory_metrics.ts";
import { MemoryNet } from "../../testing/memory_net.ts";
import { settle, VirtualClock } from "../../testing/virtual_clock.ts";
import { type BandwidthLimit, UNLIMITED } from "../piece/bandwidth_limit.ts";
import { decodeContent, decodeError, decodeHeader, encodeRequest, VORTEX_HEADER_BYTES } from "../piece/vortex.ts";
import { createPieceClient, pieceClientFor } from "../piece/vortex_client.ts";
import { MEMORY_DATABASE, openStorage } from "../storage/open_storage.ts";
import type { Storage, StoredTask } from "../storage/storage.ts";
import { HeadStarts } from "../task/head_start.ts";
import { PIECE_SERVER_LIMITS, type PieceServer, type PieceServerLimits, startPieceServer } from "./vortex_server.ts";

const never = new AbortController().signal;
const TASK_ID = "ab".repeat(32);
const PLAN = piecePlan(1_000_000, 300_000);
const CONTENT = Uint8Array.from({ length: PLAN.contentLength }, (_, index) => (index * 7 + (index >> 9)) & 0xff);

interface Bench extends AsyncDisposable {
  readonly net: Net;
  readonly storage: Storage;
  readonly task: StoredTask;
  readonly cacheStorage: Storage;
  readonly server: PieceServer;
  readonly metrics: MemoryMetrics;
  readonly log: MemoryLog;
  /** Bytes that were sent, block by block. */
  readonly sent: readonly number[];
  /** Of each piece that somebody has got, the task. */
  readonly given: readonly StoredTask[];
}

async function writePiece(task: StoredTask, number: number): Promise<void> {
  const { start, end } = pieceRange(task.record.plan, number);
  using writer = task.openPiece(number);
  await writer?.write(CONTENT.subarray(start, end));
  await writer?.commit({ parentId: "parent-1", trafficType: "remote_peer", costMs: 2500 });
}

/** A server with pieces 0, 1 and 3 of four. */
async function startBench(
  net: Net,
  options: { clock?: Clock; limits?: Partial<PieceServerLimits>; limit?: BandwidthLimit; taskId?: string } = {},
): Promise<Bench> {
  const clock = options.clock ?? realClock();
  const [log, metrics] = [new MemoryLog(), new MemoryMetrics()];
  const sent: number[] = [];
  const given: StoredTask[] = [];
  const headStarts = Object.assign(new HeadStarts(clock), { given: (task: StoredTask) => given.push(task) });
  await using stack = new AsyncDisposableStack();
  const storageOptions = {
    dir: "/store",
    keep: true,
    taskTtlMs: 1e9,
    diskThresholdBytes: 0,
    diskHighThresholdPercent: 90,
    diskLowThresholdPercent: 80,
    databasePath: MEMORY_DATABASE,
  };
  const deps = { disk: new MemoryDisk(), clock, log };
  const storage = stack.use(await openStorage(storageOptions, deps));
  const cacheStorage = stack.use(await openStorage({ ...storageOptions, family: "persistent-cache-tasks" }, deps));
  const init = {
    taskId: options.taskId ?? TASK_ID,
    url: "https://x/",
    plan: PLAN,
    digest: undefined,
    responseHeaders: {},
  };
  const task = await storage.open(init);
  for (const number of [0, 1, 3]) await writePiece(task, number);
  const listen = { hostname: "127.0.0.1", port: 0 };
  const server = stack.use(
    startPieceServer({
      listen,
      storage,
      cacheStorage,
      net,
      clock,
      log,
      metrics,
      onSent: (bytes) => sent.push(bytes),
      headStarts,
      limits: options.limits ?? {},
      ...(options.limit !== undefined && { limit: options.limit }),
    }),
  );
  const opened = stack.move();
  return {
    net,
    storage,
    task,
    cacheStorage,
    server,
    metrics,
    log,
    sent,
    given,
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

function onEachNet(title: string, run: (net: Net) => Promise<void>): void {
  Deno.test(`${title} (memory)`, () => run(new MemoryNet()));
  Deno.test(`${title} (loopback)`, () => run(realNet()));
}

async function readBytes(conn: Conn, length: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(length);
  for (let filled = 0; filled < length;) {
    const count = await conn.read(bytes.subarray(filled));
    if (count === null) throw new Error("The connection was closed");
    filled += count;
  }
  return bytes;
}

async function readPacket(conn: Conn): Promise<{ tag: number; value: Uint8Array }> {
  const { tag, valueLength } = decodeHeader(await readBytes(conn, VORTEX_HEADER_BYTES));
  return { tag, value: await readBytes(conn, valueLength) };
}

async function isClosed(conn: Conn): Promise<boolean> {
  return await conn.read(new Uint8Array(1)).catch(() => null) === null;
}

onEachNet("a stock child reads header, metadata and bytes of one piece, and closes", async (net) => {
  await using bench = await startBench(net);
  using conn = await net.connect(bench.server, never);
  await conn.write(encodeRequest({ taskId: TASK_ID, pieceNumber: 3 }));
  const { tag, value } = await readPacket(conn);
  assert.equal(tag, 1);
  const wallMs = bench.task.piece(3)?.finishedAtMs ?? 0;
  assert.deepEqual(decodeContent(value), {
    pieceNumber: 3,
    offset: 900_000,
    length: 100_000,
    digest: pieceDigest(crc32(CONTENT.subarray(900_000))),
    parentId: "parent-1",
    trafficType: 1,
    costSeconds: 2,
    createdAtSeconds: Math.floor(wallMs / 1000),
  });
  assert.deepEqual(await readBytes(conn, 100_000), CONTENT.subarray(900_000));
});

onEachNet("a piece goes out in as few blocks as it has, the head beside the first", async (net) => {
  await using bench = await startBench(net);
  using conn = await net.connect(bench.server, never);
  await conn.write(encodeRequest({ taskId: TASK_ID, pieceNumber: 0 }));
  await readPacket(conn);
  await readBytes(conn, 300_000);
  assert.deepEqual(bench.sent, [262_144, 37_856]);
  await conn.write(encodeRequest({ taskId: TASK_ID, pieceNumber: 1 }));
  await readPacket(conn);
  assert.equal(bench.given[0], bench.task, "and it is told that the first one has gone");
});

onEachNet("several requests on one connection are answered in order, even when they come at once", async (net) => {
  await using bench = await startBench(net);
  using conn = await net.connect(bench.server, never);
  const requests = [0, 2, 3].map((pieceNumber) => encodeRequest({ taskId: TASK_ID, pieceNumber }));
  for (const request of requests) await conn.write(request.subarray(0, 40)), await conn.write(request.subarray(40));
  await readPacket(conn);
  assert.deepEqual(await readBytes(conn, 300_000), CONTENT.subarray(0, 300_000));
  const unfinished = await readPacket(conn);
  assert.deepEqual([unfinished.tag, decodeError(unfinished.value).code], [255, "not_found"]);
  await readPacket(conn);
  assert.deepEqual(await readBytes(conn, 100_000), CONTENT.subarray(900_000));
});

/** A task of five bytes in the persistent cache, under the id of the standard one. */
async function cacheHello({ cacheStorage, task }: Bench): Promise<void> {
  const cached = await cacheStorage.open({ ...task.record, plan: piecePlan(5, 5) });
  using writer = cached.openPiece(0);
  await writer?.write(new TextEncoder().encode("hello"));
  await writer?.commit({ parentId: "", trafficType: "local_peer", costMs: 0 });
}

onEachNet("a piece of the persistent cache has tags and a storage of its own", async (net) => {
  await using bench = await startBench(net);
  await cacheHello(bench);
  using conn = await net.connect(bench.server, never);
  const bytes = encodeRequest({ taskId: TASK_ID, pieceNumber: 0 }, "persistent_cache");
  assert.equal(bytes[1], 4);
  await conn.write(bytes);
  assert.equal((await readPacket(conn)).tag, 5);
  assert.equal(new TextDecoder().decode(await readBytes(conn, 5)), "hello");
  await conn.write(encodeRequest({ taskId: TASK_ID, pieceNumber: 3 }, "persistent_cache"));
  assert.equal(decodeError((await readPacket(conn)).value).code, "not_found", "standard tasks are not searched");
  assert.equal(bench.metrics.value("dragonfly_client_upload_traffic", { type: "PERSISTENT_CACHE" }), 5);
});

onEachNet("our client asks for pieces of the persistent cache, and takes no others for them", async (net) => {
  await using parent = await startBench(net);
  await cacheHello(parent);
  await using client = createPieceClient({ net, clock: realClock() });
  const wanted = { taskId: TASK_ID, number: 0, offset: 0, length: 5 };
  const taken: string[] = [];
  const sink = { write: (bytes: Uint8Array) => Promise.resolve(void taken.push(new TextDecoder().decode(bytes))) };
  await pieceClientFor("persistent_cache", client).fetchPiece(parent.server, wanted, sink, never);
  assert.deepEqual(taken, ["hello"]);
  await assert.rejects(client.fetchPiece(parent.server, wanted, sink, never), { code: "data_loss" });
});

onEachNet("our client fetches from our server into a storage, whatever the length of the id", async (net) => {
  const taskId = "cd".repeat(64);
  await using parent = await startBench(net, { taskId });
  await using child = await startBench(new MemoryNet());
  await using client = createPieceClient({ net, clock: realClock() });
  const task = await child.storage.open({ ...parent.task.record, taskId: "ef".repeat(32) });
  await writePiece(parent.task, 2);
  await Promise.all([0, 1, 2, 3].map(async (number) => {
    const { start, end } = pieceRange(PLAN, number);
    using writer = task.openPiece(number);
    assert(writer !== undefined);
    const wanted = { taskId, number, offset: start, length: end - start };
    const { digest } = await client.fetchPiece(parent.server, wanted, writer, never);
    await writer.commit({ parentId: "p", trafficType: "remote_peer", costMs: 1, expectedDigest: digest });
  }));
  await task.seal(never);
  const copy = new Uint8Array(PLAN.contentLength);
  await task.read(copy, 0);
  assert.deepEqual(copy, CONTENT);
  assert.equal(parent.metrics.value("dragonfly_client_upload_traffic", { type: "STANDARD" }), PLAN.contentLength);
  assert.equal(parent.sent.reduce((sum, bytes) => sum + bytes, 0), PLAN.contentLength);
  assert.equal(parent.metrics.value("dragonfly_client_concurrent_upload_piece_total"), 0);
});

onEachNet("unknown tasks and pieces out of range are not found, and the connection stays", async (net) => {
  await using bench = await startBench(net);
  using conn = await net.connect(bench.server, never);
  for (
    const request of [{ taskId: "00".repeat(32), pieceNumber: 0 }, { taskId: TASK_ID, pieceNumber: 4_000_000_000 }]
  ) {
    await conn.write(encodeRequest(request));
    assert.equal(decodeError((await readPacket(conn)).value).code, "not_found");
  }
});

onEachNet("what is no request is answered with an error and the connection closed", async (net) => {
  await using bench = await startBench(net);
  const traversal = encodeRequest({ taskId: TASK_ID, pieceNumber: 0 });
  traversal.set(new TextEncoder().encode("../../../../etc/passwd"), VORTEX_HEADER_BYTES);
  const wrong = [
    new TextEncoder().encode("GET / HTTP/1.1\r\n\r\n"),
    new Uint8Array([0, 0, 0xff, 0xff, 0xff, 0xff]),
    new Uint8Array([0, 0, 0, 0, 0, 0]),
    new Uint8Array([0, 2, 0, 0, 0, 68]),
    traversal,
  ];
  for (const bytes of wrong) {
    using conn = await net.connect(bench.server, never);
    await conn.write(bytes);
    assert.equal(decodeError((await readPacket(conn)).value).code, "invalid_argument");
    assert(await isClosed(conn));
  }
  assert.deepEqual(bench.log.lines, []);
});

onEachNet("a child that goes away within a piece harms nobody", async (net) => {
  await using bench = await startBench(net);
  for (let turn = 0; turn < 20; turn++) {
    using conn = await net.connect(bench.server, never);
    await conn.write(encodeRequest({ taskId: TASK_ID, pieceNumber: 0 }));
    await readPacket(conn);
  }
  using conn = await net.connect(bench.server, never);
  await conn.write(encodeRequest({ taskId: TASK_ID, pieceNumber: 0 }));
  await readPacket(conn);
  assert.deepEqual(await readBytes(conn, 300_000), CONTENT.subarray(0, 300_000));
  assert.deepEqual(bench.log.lines, []);
});

Deno.test("silent children are closed: unused ones, those within a request, and those that take no bytes", async () => {
  const clock = new VirtualClock();
  const net = new MemoryNet();
  await using bench = await startBench(net, { clock });
  const { idleTimeoutMs, requestTimeoutMs, progressTimeoutMs } = PIECE_SERVER_LIMITS;
  using unused = await net.connect(bench.server, never);
  using halfway = await net.connect(bench.server, never);
  using taking = await net.connect(bench.server, never);
  await halfway.write(encodeRequest({ taskId: TASK_ID, pieceNumber: 0 }).subarray(0, 10));
  await taking.write(encodeRequest({ taskId: TASK_ID, pieceNumber: 0 }));
  await clock.advance(requestTimeoutMs + 1000);
  assert(await isClosed(halfway));
  await clock.advance(progressTimeoutMs - requestTimeoutMs + 1000);
  assert.equal(bench.metrics.value("dragonfly_client_concurrent_upload_piece_total"), 0);
  const stillOpen = unused.write(encodeRequest({ taskId: TASK_ID, pieceNumber: 2 }));
  await stillOpen;
  await readPacket(unused);
  await clock.advance(idleTimeoutMs + 1000);
  assert(await isClosed(unused));
});

Deno.test("beyond the limit of connections the longest unused makes way, and nobody who is being served", async () => {
  const clock = new VirtualClock();
  const net = new MemoryNet();
  await using bench = await startBench(net, { clock, limits: { connectionsMax: 2 } });
  using first = await net.connect(bench.server, never);
  await clock.advance(10);
  using second = await net.connect(bench.server, never);
  await clock.advance(10);
  await first.write(encodeRequest({ taskId: TASK_ID, pieceNumber: 0 }));
  await settle();
  using third = await net.connect(bench.server, never);
  await settle();
  assert(await isClosed(second), "unused");
  await third.write(encodeRequest({ taskId: TASK_ID, pieceNumber: 0 }));
  await settle();
  using fourth = await net.connect(bench.server, never);
  assert(await isClosed(fourth), "all others are in use");
  for (const conn of [first, third]) {
    await readPacket(conn);
    assert.equal((await readBytes(conn, 300_000)).length, 300_000);
  }
});

Deno.test("more pieces than may be sent at a time wait their turn and arrive", async () => {
  const net = new MemoryNet();
  await using bench = await startBench(net, { limits: { sendsMax: 1 } });
  const lengths = await Promise.all(Array.from({ length: 5 }, async () => {
    using conn = await net.connect(bench.server, never);
    await conn.write(encodeRequest({ taskId: TASK_ID, pieceNumber: 0 }));
    await readPacket(conn);
    return (await readBytes(conn, 300_000)).length;
  }));
  assert.deepEqual(lengths, Array(5).fill(300_000));
});

Deno.test("a piece is sent in the parts that the limit lets pass, counted for the host that asks", async () => {
  const net = new MemoryNet();
  const flows = new Set<string>();
  const parts: number[] = [];
  const take = (flow: string, wanted: number) => {
    flows.add(flow);
    parts.push(Math.min(wanted, 70_000));
    return Promise.resolve(Math.min(wanted, 70_000));
  };
  await using bench = await startBench(net, { limit: { ...UNLIMITED, take } });
  using conn = await net.connect(bench.server, never);
  await conn.write(encodeRequest({ taskId: TASK_ID, pieceNumber: 0 }));
  await readPacket(conn);
  assert.deepEqual(await readBytes(conn, 300_000), CONTENT.subarray(0, 300_000));
  assert.deepEqual([...flows], ["127.0.0.1"]);
  assert.equal(parts.length, 5);
  assert.equal(bench.sent.reduce((sum, bytes) => sum + bytes, 0), 300_000);
});

Deno.test("a child that our own limit holds is not taken for a silent one, and does not keep the server open", async () => {
  const clock = new VirtualClock();
  const net = new MemoryNet();
  let gate = Promise.withResolvers<void>();
  const take = async (_flow: string, wanted: number, signal: AbortSignal) => {
    await orAbort(gate.promise, signal);
    return wanted;
  };
  const bench = await startBench(net, { clock, limit: { ...UNLIMITED, take } });
  const first = await net.connect(bench.server, never);
  await first.write(encodeRequest({ taskId: TASK_ID, pieceNumber: 0 }));
  await clock.advance(2 * PIECE_SERVER_LIMITS.progressTimeoutMs);
  gate.resolve();
  await settle();
  await readPacket(first);
  assert.deepEqual(await readBytes(first, 300_000), CONTENT.subarray(0, 300_000));
  gate = Promise.withResolvers<void>();
  const held = await net.connect(bench.server, never);
  await held.write(encodeRequest({ taskId: TASK_ID, pieceNumber: 0 }));
  await bench[Symbol.asyncDispose]();
  assert(await isClosed(held));
  for (const conn of [first, held]) conn.close();
});

Deno.test("a port in use is an error that names it", async () => {
  const net = new MemoryNet();
  await using bench = await startBench(net);
  const { hostname, port, storage } = { ...bench, hostname: bench.server.hostname, port: bench.server.port };
  assert.throws(
    () =>
      startPieceServer({
        ...{ listen: { hostname, port }, storage, net, clock: realClock(), onSent: () => {} },
        ...{ log: bench.log, metrics: bench.metrics },
      }),
    (error) => error instanceof DamselflyError && error.code === "already_exists" && error.message.includes(`${port}`),
  );
});
