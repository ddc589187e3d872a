import assert from "node:assert/strict";
import fc from "fast-check";
import { pieceDigest } from "../../core/digest.ts";
import { DamselflyError } from "../../core/error.ts";
import { piecePlan } from "../../core/piece.ts";
import type { Disk } from "../../runtime/disk.ts";
import { MemoryDisk } from "../../testing/memory_disk.ts";
import { wrappedDisk } from "../../runtime/wrapped_disk.ts";
import { crc32 } from "node:zlib";
import { MEMORY_DATABASE } from "./open_storage.ts";
import type { PieceRecord } from "./storage.ts";
import {
  type Bench,
  bytesOf,
  fileOf,
  FROM_SOURCE,
  hasCode,
  initOf,
  memoryBench,
  never,
  onDisk,
  store,
  TASK_ID,
  writePiece,
} from "./harness_test.ts";

/** What every storage owes its callers, on either disk. */
function both(title: string, run: (bench: Bench) => Promise<void>): void {
  Deno.test(`${title} (memory)`, () => run(memoryBench()));
  Deno.test(`${title} (disk)`, () => onDisk(run));
}

both("pieces written in any order read back as the content", async (bench) => {
  await using storage = await bench.open();
  const content = bytesOf(950);
  const task = await storage.open(initOf(content, 100));
  for (const number of [3, 0, 9, 1, 2, 8, 7, 4, 6, 5]) await writePiece(task, content, number);
  await task.seal(never);
  const buffer = new Uint8Array(700);
  assert.equal(await task.read(buffer, 200), 700);
  assert.deepEqual(buffer, content.subarray(200, 900));
  assert.equal(await task.read(buffer, 900), 50);
  assert.equal(await task.read(buffer, 950), 0);
  assert.equal(task.record.isSealed, true);
  assert.deepEqual(task.finishedPieces(), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  assert.equal(task.piece(9)?.digest, pieceDigest(crc32(content.subarray(900))));
  assert.deepEqual(await bench.disk.stat(fileOf(bench)).then((stat) => stat?.size), 950);
});

both("an empty content is sealed without a piece", async (bench) => {
  await using storage = await bench.open();
  const task = await storage.open(initOf(new Uint8Array(), 100));
  await task.seal(never);
  assert.equal(task.record.isSealed, true);
  assert.equal(await task.read(new Uint8Array(10), 0), 0);
});

both("a piece counts only once it is committed, whole and with the digest that was promised", async (bench) => {
  await using storage = await bench.open();
  const content = bytesOf(250);
  const task = await storage.open(initOf(content, 100));
  {
    using writer = task.openPiece(0);
    await writer?.write(content.subarray(0, 99));
    assert.equal(task.openPiece(0), undefined, "a piece has one writer at a time");
    await assert.rejects(async () => await writer?.commit(FROM_SOURCE), hasCode("data_loss"));
  }
  {
    using writer = task.openPiece(0);
    await writer?.write(content.subarray(0, 100));
    await assert.rejects(
      async () => await writer?.commit({ ...FROM_SOURCE, expectedDigest: "crc32:1" }),
      hasCode("data_loss"),
    );
  }
  {
    using writer = task.openPiece(0);
    await assert.rejects(async () => await writer?.write(content.subarray(0, 101)), hasCode("data_loss"));
  }
  assert.equal(task.piece(0), undefined);
  await assert.rejects(task.read(new Uint8Array(10), 0), hasCode("failed_precondition"));
  await assert.rejects(task.seal(never), hasCode("failed_precondition"));
  await writePiece(task, content, 0);
  assert.equal(task.openPiece(0), undefined);
  assert.equal(await task.read(new Uint8Array(100), 0), 100);
});

both("waiters wake when a piece is finished, given up, and at the deletion", async (bench) => {
  await using storage = await bench.open();
  const content = bytesOf(250);
  const task = await storage.open(initOf(content, 100));
  const finished = task.nextChange(never);
  await writePiece(task, content, 1);
  await finished;
  const writer = task.openPiece(0);
  const givenUp = task.nextChange(never);
  writer?.[Symbol.dispose]();
  await givenUp;
  const stop = new AbortController();
  const aborted = task.nextChange(stop.signal);
  stop.abort(new DamselflyError("cancelled", "enough"));
  await assert.rejects(aborted, hasCode("cancelled"));
  const deleted = task.nextChange(never);
  await storage.delete(TASK_ID);
  await deleted;
  await task.nextChange(never);
  assert.equal(task.isDeleted, true);
});

both("a wrong digest at the seal deletes the task and tells where each piece came from", async (bench) => {
  await using storage = await bench.open();
  const content = bytesOf(250);
  const task = await storage.open(initOf(bytesOf(250, 2), 100));
  for (const number of [0, 1, 2]) await writePiece(task, content, number, `parent-${number}`);
  await assert.rejects(task.seal(never), (error) => {
    assert(hasCode("data_loss")(error));
    const pieces = (error as DamselflyError).details as PieceRecord[];
    assert.deepEqual(pieces.map(({ number, parentId }) => `${number} ${parentId}`), [
      "0 parent-0",
      "1 parent-1",
      "2 parent-2",
    ]);
    return true;
  });
  assert.equal(task.isDeleted, true);
  assert.equal(storage.find(TASK_ID), undefined);
  assert.equal(await bench.disk.stat(fileOf(bench)), undefined);
});

both("a deleted task stays readable for who holds it, and for nobody else", async (bench) => {
  await using storage = await bench.open();
  const content = bytesOf(250);
  const task = await store(storage, content);
  const buffer = new Uint8Array(250);
  {
    using _held = task.hold();
    await storage.delete(TASK_ID);
    assert.equal(storage.find(TASK_ID), undefined);
    assert.equal(await bench.disk.stat(fileOf(bench)), undefined);
    assert.equal(await task.read(buffer, 0), 250);
    assert.deepEqual(buffer, content);
    const again = await store(storage, bytesOf(250, 5));
    assert.notEqual(again, task);
    await task.read(buffer, 0);
    assert.deepEqual(buffer, content, "the new task of the same id is another file");
  }
  await assert.rejects(task.read(buffer, 0), hasCode("not_found"));
});

both("a task that is deleted while a piece is written forgets the piece", async (bench) => {
  await using storage = await bench.open();
  const task = await storage.open(initOf(bytesOf(250), 100));
  using writer = task.openPiece(0);
  await writer?.write(bytesOf(250).subarray(0, 100));
  await storage.delete(TASK_ID);
  await assert.rejects(async () => await writer?.commit(FROM_SOURCE), hasCode("not_found"));
  assert.equal((await storage.usage()).usedBytes, 0);
});

both("another content under the same id replaces the task, the same content joins it", async (bench) => {
  await using storage = await bench.open();
  const content = bytesOf(250);
  const task = await store(storage, content);
  assert.equal(await storage.open(initOf(content, 100)), task);
  const { digest: _, ...withoutDigest } = initOf(content, 100);
  assert.equal(await storage.open({ ...withoutDigest, digest: undefined }), task);
  const changed = initOf(bytesOf(250, 2), 100);
  const [one, two] = await Promise.all([storage.open(changed), storage.open(changed)]);
  assert.equal(one, two);
  assert.equal(one.finishedPieceCount, 0);
  assert.equal(task.isDeleted, true);
});

both("a task keeps its cut once it has a piece; before, it is cut as who opens it says", async (bench) => {
  const content = bytesOf(250);
  {
    await using storage = await bench.open();
    const task = await storage.open({ ...initOf(content, 100), isOwnCut: true });
    assert.equal(await storage.open(initOf(content, 50)), task);
    assert.deepEqual([task.record.plan.pieceCount, task.record.isOwnCut], [5, false]);
    task.recut({ plan: piecePlan(250, 125), isOwnCut: true });
    await writePiece(task, content, 0);
    assert.equal((await storage.open(initOf(content, 50))).record.plan.pieceCount, 2);
    assert.throws(() => task.recut({ plan: piecePlan(250, 50) }), hasCode("failed_precondition"));
    await writePiece(task, content, 1);
    await task.seal(never);
    const buffer = new Uint8Array(250);
    assert.equal(await task.read(buffer, 0), 250);
    assert.deepEqual(buffer, content);
  }
  if (bench.options.databasePath === MEMORY_DATABASE) return;
  await using storage = await bench.open();
  const { plan, isOwnCut } = storage.find(TASK_ID)?.record ?? {};
  assert.deepEqual([plan?.pieceCount, isOwnCut], [2, true], "the cut survives a restart");
});

both("while a piece is written, the task is not cut otherwise", async (bench) => {
  await using storage = await bench.open();
  const task = await storage.open(initOf(bytesOf(250), 100));
  const writer = task.openPiece(0);
  assert.throws(() => task.recut({ plan: piecePlan(250, 50) }), hasCode("failed_precondition"));
  writer?.[Symbol.dispose]();
  task.recut({ plan: piecePlan(250, 50) });
  assert.equal(task.record.plan.pieceCount, 5);
});

both(
  "a task is found by its other ids too, also after a restart, until it is removed by any of them",
  async (bench) => {
    const [other, third, unknown] = ["cd", "ef", "12"].map((text) => text.repeat(32)) as [string, string, string];
    {
      await using storage = await bench.open();
      const task = await store(storage, bytesOf(250));
      storage.addId(task, other);
      storage.addId(task, third);
      storage.addId(task, other);
      assert.equal(storage.find(other), task);
      assert.throws(() => storage.addId(task, "../x"), hasCode("invalid_argument"));
      assert.deepEqual(task.record.otherIds, [other, third]);
      if (bench.options.databasePath === MEMORY_DATABASE) await storage.delete(other);
    }
    await using storage = await bench.open();
    if (bench.options.databasePath !== MEMORY_DATABASE) {
      assert.equal(storage.find(third)?.record.taskId, TASK_ID);
      assert.deepEqual(storage.list().map(({ otherIds }) => otherIds), [[other, third]]);
      await storage.delete(third);
    }
    for (const id of [TASK_ID, other, third, unknown]) assert.equal(storage.find(id), undefined);
    assert.equal((await storage.usage()).usedBytes, 0);
  },
);

both("of more ids than a task may have, the oldest goes", async (bench) => {
  const ids = Array.from({ length: 65 }, (_, index) => index.toString(16).padStart(64, "0"));
  {
    await using storage = await bench.open();
    const task = await store(storage, bytesOf(250));
    for (const id of ids) storage.addId(task, id);
  }
  await using storage = await bench.open();
  const task = storage.find(TASK_ID) ?? await store(storage, bytesOf(250));
  if (bench.options.databasePath === MEMORY_DATABASE) { for (const id of ids) storage.addId(task, id); }
  assert.deepEqual([task.record.otherIds.length, storage.find(ids[0] ?? ""), storage.find(ids[1] ?? "")], [
    64,
    undefined,
    task,
  ]);
});

both("a task without a byte can be asked for in any cut, for it has none", async (bench) => {
  await using storage = await bench.open();
  const empty = new Uint8Array();
  const task = await store(storage, empty);
  assert.equal(await storage.open(initOf(empty, 50)), task);
});

both("when one of two tasks with the same content goes, the content is still found", async (bench) => {
  await using storage = await bench.open();
  const [content, first, third] = [bytesOf(250), "cd".repeat(32), "ef".repeat(32)];
  const { digest } = initOf(content, 100);
  await store(storage, content, { isOwnCut: true, taskId: first });
  await store(storage, content, { isOwnCut: true });
  await storage.delete(first);
  assert.equal(storage.storedAs(third, digest), TASK_ID);
});

both("a content is found by its digest, but for one that was cut in a way of its own", async (bench) => {
  await using storage = await bench.open();
  const [content, another] = [bytesOf(250), "cd".repeat(32)];
  const { digest } = initOf(content, 100);
  assert.equal(storage.storedAs(another, digest), another);
  const task = await store(storage, content);
  assert.equal(storage.storedAs(another, digest), another, "whoever asks by another id expects another cut");
  await storage.delete(TASK_ID);
  await store(storage, content, { isOwnCut: true });
  assert.equal(storage.storedAs(another, digest), TASK_ID);
  assert.equal(storage.storedAs(another, undefined), another);
  assert.equal(task.isDeleted, true);
  await storage.delete(TASK_ID);
  assert.equal(storage.storedAs(another, digest), another);
});

both("an id that is not hex digits never becomes a path", async (bench) => {
  await using storage = await bench.open();
  for (const taskId of ["../../etc/passwd", "", "abc", "AB".repeat(32), `${"a".repeat(62)}/b`, "a".repeat(129)]) {
    await assert.rejects(storage.open(initOf(bytesOf(10), 10, { taskId })), hasCode("invalid_argument"));
  }
});

both("a content file that somebody removed or cut makes the task start anew", async (bench) => {
  await using storage = await bench.open();
  const content = bytesOf(250);
  const task = await store(storage, content);
  await (await bench.disk.openFile(fileOf(bench), { write: true, truncateTo: 120 }))[Symbol.asyncDispose]();
  await assert.rejects(task.read(new Uint8Array(250), 0), hasCode("internal"));
  const again = await store(storage, content);
  assert.notEqual(again, task);
  assert.equal(await again.read(new Uint8Array(250), 0), 250);
});

Deno.test("the content hash is the same in whatever order and however interleaved the pieces come", async () => {
  const cases = fc.record({
    length: fc.integer({ min: 1, max: 3000 }),
    pieceLength: fc.integer({ min: 50, max: 700 }),
    seeds: fc.array(fc.nat(), { minLength: 60, maxLength: 60 }),
    writersMax: fc.integer({ min: 1, max: 6 }),
  });
  await fc.assert(
    fc.asyncProperty(cases, async ({ length, pieceLength, seeds, writersMax }) => {
      await using storage = await memoryBench().open();
      const content = bytesOf(length, length);
      const task = await storage.open(initOf(content, pieceLength));
      const order = Array.from({ length: task.record.plan.pieceCount }, (_, number) => number)
        .sort((a, b) => (seeds[a] ?? 0) - (seeds[b] ?? 0));
      const work = Array.from({ length: writersMax }, async () => {
        for (let number = order.pop(); number !== undefined; number = order.pop()) {
          await writePiece(task, content, number);
        }
      });
      await Promise.all(work);
      await task.seal(never);
      assert.equal(task.record.isSealed, true);
    }),
    { numRuns: 60 },
  );
});

/** A disk whose writes fail once `bytesLeft` are written. */
function fullDisk(disk: Disk, bytesLeft: { count: number }): Disk {
  return wrappedDisk(disk, {}, (file) => ({
    async write(bytes, position) {
      if (bytesLeft.count < bytes.length) throw new DamselflyError("no_space", "Cannot write: ENOSPC");
      bytesLeft.count -= bytes.length;
      await file.write(bytes, position);
    },
  }));
}

Deno.test("a full disk fails one piece, and the others are not harmed", async () => {
  const bytesLeft = { count: 250 };
  await using storage = await memoryBench(fullDisk(new MemoryDisk(), bytesLeft)).open();
  const content = bytesOf(400);
  const task = await storage.open(initOf(content, 100));
  await writePiece(task, content, 0);
  await writePiece(task, content, 1);
  await assert.rejects(writePiece(task, content, 2), hasCode("no_space"));
  assert.deepEqual(task.finishedPieces(), [0, 1]);
  assert.equal(await task.read(new Uint8Array(200), 0), 200);
  bytesLeft.count = 1000;
  await writePiece(task, content, 2);
  await writePiece(task, content, 3);
  await task.seal(never);
});

Deno.test("a content without room is refused, and the oldest unused ones make room", async () => {
  const bench = memoryBench();
  await using storage = await bench.open({ diskThresholdBytes: 1000 });
  const ids = ["11", "22", "33"].map((half) => half.repeat(32));
  for (const taskId of ids) {
    await store(storage, bytesOf(300), { taskId });
    await bench.clock.advance(1000);
  }
  await assert.rejects(storage.open(initOf(bytesOf(1001), 100)), hasCode("no_space"));
  for (const taskId of ids) assert(storage.find(taskId) !== undefined, "what cannot fit costs nobody his place");
  const kept = await store(storage, bytesOf(300), { taskId: "44".repeat(32) });
  assert.deepEqual(ids.map((taskId) => storage.find(taskId) !== undefined), [false, true, true]);
  using _held = kept.hold();
  const growing = await storage.open(initOf(bytesOf(500), 100));
  using _growing = growing.hold();
  await assert.rejects(storage.open(initOf(bytesOf(300), 100, { taskId: "55".repeat(32) })), hasCode("no_space"));
  assert.equal(storage.find("44".repeat(32)), kept);
});

Deno.test("of contents that are opened at once only those get a place that fit together", async () => {
  const bench = memoryBench();
  await using storage = await bench.open({ diskThresholdBytes: 1000 });
  const ids = ["11", "22", "33"].map((half) => half.repeat(32));
  const opened = await Promise.allSettled(
    ids.map((taskId) => storage.open(initOf(bytesOf(400), 100, { taskId }))),
  );
  assert.deepEqual(opened.map(({ status }) => status), ["fulfilled", "fulfilled", "rejected"]);
  await assert.rejects(storage.open(initOf(bytesOf(900), 100, { taskId: ids[2] ?? "" })), hasCode("no_space"));
  // Nobody came to hold them: their place is free again.
  await bench.clock.advance(10_000);
  await storage.open(initOf(bytesOf(900), 100, { taskId: ids[2] ?? "" }));
});

Deno.test("a task that somebody takes while others make room stays", async () => {
  const ids = ["11", "22"].map((half) => half.repeat(32)) as [string, string];
  const disk = new MemoryDisk();
  let held: Disposable | undefined;
  const bench = memoryBench(wrappedDisk(disk, {
    remove: (path) => {
      if (path.endsWith(ids[0])) held = storage.find(ids[1])?.hold();
      return disk.remove(path);
    },
  }));
  await using storage = await bench.open({ diskThresholdBytes: 1000 });
  for (const taskId of ids) await store(storage, bytesOf(400), { taskId });
  await assert.rejects(storage.open(initOf(bytesOf(900), 100)), hasCode("no_space"));
  assert.deepEqual(ids.map((taskId) => storage.find(taskId) !== undefined), [false, true]);
  held?.[Symbol.dispose]();
});

Deno.test("garbage collection deletes tasks past their time, but none that is in use", async () => {
  const bench = memoryBench();
  await using storage = await bench.open();
  const [old, held, young] = ["11", "22", "33"].map((half) => half.repeat(32)) as [string, string, string];
  const other = "44".repeat(32);
  storage.addId(await store(storage, bytesOf(300), { taskId: old }), other);
  using _held = (await store(storage, bytesOf(300), { taskId: held })).hold();
  await bench.clock.advance(500_000);
  await store(storage, bytesOf(300), { taskId: young });
  await bench.clock.advance(500_000);
  assert.deepEqual(await storage.collectGarbage(), [old, other], "schedulers know it by both");
  assert.deepEqual(storage.list().map(({ taskId }) => taskId), [held, young]);
});

Deno.test("a disk that is full for other reasons costs no task, and what tasks may take is what others leave", async () => {
  const disk = new MemoryDisk({ capacityBytes: 10_000 });
  const bench = memoryBench(disk);
  await using storage = await bench.open();
  await using _other = await disk.openFile("/other", { create: true, truncateTo: 9_000 });
  const ids = ["11", "22"].map((half) => half.repeat(32));
  await store(storage, bytesOf(400), { taskId: ids[0] ?? "" });
  await bench.clock.advance(1000);
  assert.deepEqual(await storage.collectGarbage(), [], "94 percent of the disk, 40 of what is left");
  await store(storage, bytesOf(450), { taskId: ids[1] ?? "" });
  assert.deepEqual(await storage.collectGarbage(), [ids[0]], "85 percent of it");
});

Deno.test("garbage collection frees the least recently used tasks down to the low threshold", async () => {
  const bench = memoryBench();
  await using storage = await bench.open({ diskThresholdBytes: 1000 });
  const ids = ["11", "22", "33", "44"].map((half) => half.repeat(32));
  for (const taskId of ids.slice(0, 3)) {
    await store(storage, bytesOf(200), { taskId });
    await bench.clock.advance(1000);
  }
  assert.deepEqual(await storage.collectGarbage(), [], "60 percent");
  storage.find(ids[0] ?? "")?.hold()[Symbol.dispose]();
  await bench.clock.advance(1000);
  await store(storage, bytesOf(200), { taskId: ids[3] ?? "" });
  assert.deepEqual(await storage.collectGarbage(), [ids[1]], "80 percent; the first was used since");
});

both("a piece can be read while it is written if its writer says so, as far as it is there", async (bench) => {
  await using storage = await bench.open();
  const content = bytesOf(250);
  const task = await storage.open(initOf(content, 100));
  using _hidden = task.openPiece(0);
  using writer = task.openPiece(1, { isReadable: true });
  assert.equal(task.coming(0), undefined);
  const coming = task.coming(1);
  assert.ok(coming !== undefined);
  const came = task.nextBytes(never, 1);
  await writer?.write(content.subarray(100, 160));
  await came;
  assert.deepEqual([coming.number, coming.end, coming.isForgotten], [1, 160, false]);
  const buffer = new Uint8Array(100);
  assert.equal(await task.readComing(coming, buffer, 110), 50);
  assert.deepEqual(buffer.subarray(0, 50), content.subarray(110, 160));
  await assert.rejects(task.read(buffer, 100), hasCode("failed_precondition"));
  const finished = task.nextBytes(never, 1);
  await writer?.write(content.subarray(160, 200));
  await writer?.commit(FROM_SOURCE);
  await finished;
  assert.deepEqual([coming.isForgotten, task.coming(1)], [false, undefined]);
});

both("a piece that was left uncommitted is forgotten, for the next writer may bring other bytes", async (bench) => {
  await using storage = await bench.open();
  const content = bytesOf(250);
  const task = await storage.open(initOf(content, 100));
  const writer = task.openPiece(1, { isReadable: true });
  const coming = task.coming(1);
  await writer?.write(content.subarray(100, 160));
  const left = task.nextBytes(never, 1);
  writer?.[Symbol.dispose]();
  await left;
  assert.deepEqual([coming?.isForgotten, task.coming(1)], [true, undefined]);
});

both("who waits for bytes learns that the download has failed", async (bench) => {
  await using storage = await bench.open();
  const task = await storage.open(initOf(bytesOf(250), 100));
  const failed = assert.rejects(task.nextBytes(never, 0), hasCode("source_error"));
  task.expectNothing(new DamselflyError("source_error", "gone"));
  await failed;
});
