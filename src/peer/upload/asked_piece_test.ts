import assert from "node:assert/strict";
import { crc32 } from "node:zlib";
import { pieceDigest } from "../../core/digest.ts";
import { type PiecePlan, piecePlan, pieceRange, planByRule } from "../../core/piece.ts";
import { realClock } from "../../runtime/clock.ts";
import { MemoryDisk } from "../../testing/memory_disk.ts";
import { MemoryLog } from "../../testing/memory_log.ts";
import { MemoryMetrics } from "../../testing/memory_metrics.ts";
import { MemoryNet } from "../../testing/memory_net.ts";
import { createPieceClient } from "../piece/vortex_client.ts";
import { MEMORY_DATABASE, openStorage } from "../storage/open_storage.ts";
import type { Storage, StoredTask } from "../storage/storage.ts";
import { Arrivals, AskedPieces, hasPiece } from "./asked_piece.ts";
import { type PiecesQuestion, syncPieces } from "./sync_pieces.ts";
import { startPieceServer } from "./vortex_server.ts";

const never = new AbortController().signal;
const MIB = 1024 * 1024;
const TASK_ID = "ab".repeat(32);
const CONTENT = new Uint8Array(9 * MIB - 5).map((_, index) => (index * 7 + (index >> 15)) & 0xff);
const [OWN, STOCK] = [planByRule(CONTENT.length, "damselfly"), planByRule(CONTENT.length, "dragonfly")];

/** A storage with a task that is cut by `plan`, without pieces. */
async function stageOf(plan: PiecePlan, isOwnCut: boolean) {
  const [clock, log] = [realClock(), new MemoryLog()];
  const disk = new MemoryDisk();
  const storage = await openStorage({
    ...{ dir: "/store", keep: true, taskTtlMs: 1e9, databasePath: MEMORY_DATABASE },
    ...{ diskThresholdBytes: 0, diskHighThresholdPercent: 90, diskLowThresholdPercent: 80 },
  }, { disk, clock, log });
  const init = { taskId: TASK_ID, url: "https://x/", digest: undefined, responseHeaders: {} };
  const task = await storage.open({ ...init, plan, isOwnCut });
  return { clock, log, storage, task, [Symbol.asyncDispose]: () => storage[Symbol.asyncDispose]() };
}

async function write(task: StoredTask, ...numbers: number[]): Promise<void> {
  for (const number of numbers) {
    const { start, end } = pieceRange(task.record.plan, number);
    using writer = task.openPiece(number);
    await writer?.write(CONTENT.subarray(start, end));
    await writer?.commit({ parentId: `parent-${number}`, trafficType: "remote_peer", costMs: 10 });
  }
}

async function sealed(task: StoredTask): Promise<void> {
  await write(task, ...Array.from({ length: task.record.plan.pieceCount }, (_, number) => number));
  await task.seal(never);
}

async function told(storage: Storage, question: Partial<PiecesQuestion>): Promise<string[]> {
  const request = { hostId: "child", taskId: TASK_ID, interestedPieceNumbers: [0, 1, 2, 99], ...question };
  const deps = { storage, clock: realClock(), address: { ip: "192.0.2.1", tcpPort: 4005 } };
  const pieces = await Array.fromAsync(syncPieces(request, deps, never));
  return pieces.map(({ number, offset, length }) => `${number}: ${length} at ${offset}`);
}

function described(plan: PiecePlan, ...numbers: number[]): string[] {
  return numbers.map((number) => {
    const { start, end } = pieceRange(plan, number);
    return `${number}: ${end - start} at ${start}`;
  });
}

Deno.test("a child that names no piece length is told of pieces of the stock rule, and gets them", async () => {
  await using stage = await stageOf(OWN, true);
  const { storage, task } = stage;
  await sealed(task);
  assert.deepEqual(await told(storage, {}), described(STOCK, 0, 1, 2));
  assert.deepEqual(await told(storage, { pieceLength: OWN.pieceLength }), described(OWN, 0, 1, 2));
  assert.deepEqual(await told(storage, { pieceLength: 8 * MIB }), described(piecePlan(CONTENT.length, 8 * MIB), 0, 1));
});

Deno.test("a task that is deleted has no pieces to tell of, though who holds it reads on", async () => {
  await using stage = await stageOf(OWN, true);
  const { storage, task } = stage;
  await sealed(task);
  using _held = task.hold();
  await storage.delete(TASK_ID);
  for (const plan of [OWN, STOCK]) assert.equal(hasPiece(task, plan, 0), false);
});

Deno.test("what is not cut by our rule is told of as it is, for whoever asks for it cuts it in the same way", async () => {
  const plan = piecePlan(CONTENT.length, OWN.pieceLength);
  await using stage = await stageOf(plan, false);
  await sealed(stage.task);
  assert.deepEqual(await told(stage.storage, {}), described(plan, 0, 1, 2));
});

Deno.test("a piece in another cut is told of when the last of its parts is there", async () => {
  await using stage = await stageOf(OWN, true);
  const { storage, task } = stage;
  await write(task, 8, 9, 10, 11, 12, 13, 14);
  const tellings = told(storage, { interestedPieceNumbers: [1] });
  const early = await Promise.race([tellings, Promise.resolve("nothing yet")]);
  await write(task, 15);
  assert.equal(early, "nothing yet");
  assert.deepEqual(await tellings, described(STOCK, 1));
});

Deno.test("the server gives pieces in the child's cut, with the digest of their bytes, and no others", async () => {
  await using stage = await stageOf(OWN, true);
  const { clock, log, storage, task } = stage;
  await write(task, 0, 1, 2, 3, 4, 5, 6, 7, 9);
  const net = new MemoryNet();
  const listen = { hostname: "127.0.0.1", port: 0 };
  const server = { listen, storage, net, clock, log, metrics: new MemoryMetrics(), onSent: () => {} };
  await using from = startPieceServer(server);
  await using client = createPieceClient({ net, clock });
  const fetch = async (number: number, plan: PiecePlan, pieceLength?: number) => {
    const { start, end } = pieceRange(plan, number);
    const got: Uint8Array[] = [];
    const sink = { write: (bytes: Uint8Array) => Promise.resolve(void got.push(bytes.slice())) };
    const wanted = { taskId: TASK_ID, number, offset: start, length: end - start, pieceLength };
    const { digest } = await client.fetchPiece(from, wanted, sink, never);
    assert.equal(digest, pieceDigest(crc32(CONTENT.subarray(start, end))));
    assert.deepEqual(new Uint8Array(await new Blob(got as BlobPart[]).arrayBuffer()), CONTENT.subarray(start, end));
  };
  await fetch(0, STOCK);
  await fetch(0, STOCK);
  await fetch(9, OWN, OWN.pieceLength);
  await fetch(1, piecePlan(CONTENT.length, MIB), MIB);
  await assert.rejects(fetch(1, STOCK), { code: "not_found" });
  await assert.rejects(fetch(8, OWN, OWN.pieceLength), { code: "not_found" });
  await assert.rejects(fetch(9, OWN), { code: "not_found" }, "by the stock rule there is no piece 9");
});

Deno.test("a digest is computed once for each piece and cut; what a piece is said to have cost is that of its parts", async () => {
  await using stage = await stageOf(OWN, true);
  const { task } = stage;
  await sealed(task);
  let reads = 0;
  const read = task.read.bind(task);
  task.read = (buffer, position) => {
    reads++;
    return read(buffer, position);
  };
  const [asked, buffer] = [new AskedPieces(), new Uint8Array(MIB)];
  const first = await asked.record(task, STOCK, 1, buffer);
  assert.deepEqual([first?.number, first?.parentId, first?.costMs], [1, "parent-8", 80]);
  assert.equal(reads, 4);
  assert.deepEqual(await asked.record(task, STOCK, 1, buffer), first);
  assert.equal(reads, 4);
  await asked.record(task, piecePlan(CONTENT.length, 2 * MIB), 1, buffer);
  assert.equal(reads, 6);
  assert.equal((await asked.record(task, OWN, 1, buffer))?.digest, task.piece(1)?.digest);
  assert.equal(reads, 6);
  assert.equal(await asked.record(task, STOCK, 3, buffer), undefined);
});

Deno.test("whoever follows a download looks at each piece when it comes, and not at all of them each time", async () => {
  const plan = piecePlan(2_000, 1);
  await using stage = await stageOf(plan, false);
  let looks = 0;
  const look = stage.task.piece.bind(stage.task);
  stage.task.piece = (number) => (looks++, look(number));
  const list = stage.task.finishedAfter.bind(stage.task);
  stage.task.finishedAfter = (count) => {
    const listed = list(count);
    looks += listed.length;
    return listed;
  };
  const interestedPieceNumbers = Array.from({ length: plan.pieceCount }, (_, number) => number);
  const question = { hostId: "child", taskId: TASK_ID, interestedPieceNumbers };
  const following = syncPieces(question, { ...stage, address: { ip: "192.0.2.1", tcpPort: 4005 } }, never);
  const numbers: number[] = [];
  for (const number of interestedPieceNumbers.toReversed()) {
    const next = following.next();
    await write(stage.task, number);
    numbers.push((await next).value?.number ?? -1);
  }
  await following.return();
  assert.deepEqual(numbers.toReversed(), interestedPieceNumbers);
  assert.ok(looks < 5 * plan.pieceCount, `${looks} looks`);
});

Deno.test("a piece of another cut has come when the last of its bytes has", async () => {
  await using stage = await stageOf(OWN, true);
  const arrivals = new Arrivals(stage.task, STOCK);
  const missing = new Set([0, 1, 2]);
  await write(stage.task, 7, 3, 16, 17);
  assert.deepEqual(arrivals.next(missing), [2]);
  await write(stage.task, 0, 1, 2, 4, 5);
  assert.deepEqual(arrivals.next(missing), []);
  await write(stage.task, 6);
  assert.deepEqual(arrivals.next(missing), [0]);
});
