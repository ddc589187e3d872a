import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { join } from "node:path";
import fc from "fast-check";
import { parseDigest, pieceDigest } from "../../core/digest.ts";
import { DamselflyError } from "../../core/error.ts";
import { piecePlan, pieceRange } from "../../core/piece.ts";
import type { Disk } from "../../runtime/disk.ts";
import { realRandom } from "../../runtime/random.ts";
import { realDisk } from "../../runtime/real_disk.ts";
import { MemoryDisk } from "../../testing/memory_disk.ts";
import { MemoryLog } from "../../testing/memory_log.ts";
import { VirtualClock } from "../../testing/virtual_clock.ts";
import { crc32 } from "node:zlib";
import { MEMORY_DATABASE, openStorage, type StorageOptions } from "./open_storage.ts";
import type { PieceRecord, Storage, StoredTask, TaskInit } from "./storage.ts";

const never = new AbortController().signal;
const TASK_ID = "ab".repeat(32);
const FROM_SOURCE = { parentId: "", trafficType: "back_to_source", costMs: 1 } as const;

function bytesOf(length: number, seed = 1): Uint8Array {
  return Uint8Array.from({ length }, (_, index) => (index * 31 + seed * 17 + (index >> 8)) & 0xff);
}

function initOf(content: Uint8Array, pieceLength: number, changes: Partial<TaskInit> = {}): TaskInit {
  const hex = createHash("sha256").update(content).digest("hex");
  return {
    taskId: TASK_ID,
    url: "https://registry.example/blob",
    plan: piecePlan(content.length, pieceLength),
    digest: parseDigest(`sha256:${hex}`),
    responseHeaders: { "content-type": "application/octet-stream" },
    ...changes,
  };
}

async function writePiece(task: StoredTask, content: Uint8Array, number: number, parentId = ""): Promise<PieceRecord> {
  using writer = task.openPiece(number);
  assert(writer !== undefined);
  const { start, end } = pieceRange(task.record.plan, number);
  const middle = start + ((end - start) >> 1);
  await writer.write(content.subarray(start, middle));
  await writer.write(content.subarray(middle, end));
  return await writer.commit({ ...FROM_SOURCE, parentId });
}

async function writeAll(task: StoredTask, content: Uint8Array): Promise<void> {
  for (let number = 0; number < task.record.plan.pieceCount; number++) await writePiece(task, content, number);
}

async function store(storage: Storage, content: Uint8Array, changes: Partial<TaskInit> = {}): Promise<StoredTask> {
  const task = await storage.open(initOf(content, 100, changes));
  await writeAll(task, content);
  await task.seal(never);
  return task;
}

interface Bench {
  readonly disk: Disk;
  readonly clock: VirtualClock;
  readonly log: MemoryLog;
  readonly options: StorageOptions;
  open(changes?: Partial<StorageOptions>): Promise<Storage>;
}

function benchOf(disk: Disk, dir: string, databasePath: string): Bench {
  const clock = new VirtualClock();
  const log = new MemoryLog();
  const options = {
    dir,
    keep: true,
    taskTtlMs: 1_000_000,
    diskThresholdBytes: 0,
    diskHighThresholdPercent: 80,
    diskLowThresholdPercent: 60,
    databasePath,
  };
  return {
    disk,
    clock,
    log,
    options,
    open: (changes) => openStorage({ ...options, ...changes }, { disk, clock, log }),
  };
}

function memoryBench(disk: Disk = new MemoryDisk()): Bench {
  return benchOf(disk, "/store", MEMORY_DATABASE);
}

async function onDisk(run: (bench: Bench) => Promise<void>): Promise<void> {
  const dir = await Deno.makeTempDir();
  try {
    await run(benchOf(realDisk(realRandom()), dir, join(dir, "metadata.db")));
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

function fileOf({ options }: Bench, taskId = TASK_ID): string {
  return join(options.dir, "content/tasks", taskId.slice(0, 3), taskId);
}

function hasCode(code: DamselflyError["code"]): (error: unknown) => boolean {
  return (error) => error instanceof DamselflyError && error.code === code;
}

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
  const finer = await storage.open(initOf(content, 50));
  assert.equal(finer.finishedPieceCount, 0);
  assert.equal(task.isDeleted, true);
  const both = await Promise.all([storage.open(initOf(content, 50)), storage.open(initOf(content, 50))]);
  assert.deepEqual(both, [finer, finer]);
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

Deno.test("a start keeps sealed tasks, and pieces of others once their bytes were checked", () =>
  onDisk(async (bench) => {
    const content = bytesOf(450);
    const other = "cd".repeat(32);
    {
      await using storage = await bench.open();
      await store(storage, content);
      const open = await storage.open(initOf(content, 100, { taskId: other }));
      for (const number of [0, 1, 3]) await writePiece(open, content, number);
      using writer = open.openPiece(2);
      await writer?.write(content.subarray(200, 250));
    }
    const file = await bench.disk.openFile(fileOf(bench, other), { write: true });
    await file.write(new Uint8Array([1, 2, 3]), 110);
    await file[Symbol.asyncDispose]();
    await using storage = await bench.open();
    const sealed = storage.find(TASK_ID);
    assert.equal(sealed?.record.isSealed, true);
    assert.deepEqual(sealed?.record.responseHeaders, { "content-type": "application/octet-stream" });
    assert.equal(storage.find(other), undefined, "unchecked");
    assert.equal(storage.list().length, 2);
    const restored = await storage.open(initOf(content, 100, { taskId: other }));
    assert.deepEqual(restored.finishedPieces(), [0, 3]);
    assert.equal(storage.find(other), restored);
    for (const number of [1, 2, 4]) await writePiece(restored, content, number);
    await restored.seal(never);
    assert.equal((await storage.usage()).usedBytes, 900);
  }));

Deno.test("a start drops tasks without their file and files without their task", () =>
  onDisk(async (bench) => {
    const [missing, short, orphan] = ["12".repeat(32), "34".repeat(32), "56".repeat(32)];
    {
      await using storage = await bench.open();
      for (const taskId of [TASK_ID, missing, short]) await store(storage, bytesOf(250), { taskId });
    }
    await bench.disk.remove(fileOf(bench, missing));
    await (await bench.disk.openFile(fileOf(bench, short), { truncateTo: 100, write: true }))[Symbol.asyncDispose]();
    await bench.disk.mkdirAll(join(fileOf(bench, orphan), ".."));
    await (await bench.disk.openFile(fileOf(bench, orphan), { create: true }))[Symbol.asyncDispose]();
    await using storage = await bench.open();
    assert.deepEqual(storage.list().map(({ taskId }) => taskId), [TASK_ID]);
    assert.equal(await bench.disk.stat(fileOf(bench, orphan)), undefined);
    assert.equal(await bench.disk.stat(fileOf(bench, short)), undefined);
  }));

Deno.test("a start without keep begins empty", () =>
  onDisk(async (bench) => {
    {
      await using storage = await bench.open();
      await store(storage, bytesOf(250));
    }
    await using storage = await bench.open({ keep: false });
    assert.deepEqual(storage.list(), []);
    assert.equal(await bench.disk.stat(fileOf(bench)), undefined);
  }));

Deno.test("of a content file that changed between two runs, nothing that is wrong is read or linked", () =>
  onDisk(async (bench) => {
    const content = bytesOf(250);
    {
      await using storage = await bench.open();
      await store(storage, content);
    }
    {
      await using file = await bench.disk.openFile(fileOf(bench), { write: true });
      await file.write(Uint8Array.of((content[130] ?? 0) ^ 1), 130);
    }
    await using storage = await bench.open();
    const task = storage.find(TASK_ID);
    assert(task);
    using _held = task.hold();
    assert.equal(await task.read(new Uint8Array(100), 0), 100);
    await assert.rejects(task.link(`${fileOf(bench)}.link`), hasCode("internal"));
    await assert.rejects(task.read(new Uint8Array(1), 199), hasCode("internal"));
    const again = await store(storage, content);
    assert.notEqual(again, task);
    assert.equal(await again.read(new Uint8Array(250), 0), 250);
  }));

Deno.test("damaged metadata is moved aside with a warning, and the start goes on", () =>
  onDisk(async (bench) => {
    {
      await using storage = await bench.open();
      await store(storage, bytesOf(250));
    }
    const path = join(bench.options.dir, "metadata.db");
    await Deno.writeFile(path, bytesOf(20_000));
    await using storage = await bench.open();
    assert.deepEqual(storage.list(), []);
    assert.equal(await bench.disk.stat(fileOf(bench)), undefined);
    const aside = `${path}.corrupt-${bench.clock.wallMs()}`;
    assert.equal((await bench.disk.stat(aside))?.size, 20_000);
    assert.deepEqual(bench.log.lines.map(({ level }) => level), ["warn"]);
    await store(storage, bytesOf(250));
  }));

Deno.test("a directory in use by another storage is left alone", () =>
  onDisk(async (bench) => {
    await using storage = await bench.open();
    const task = await store(storage, bytesOf(250));
    await assert.rejects(bench.open({ keep: false }), (error) => {
      assert(hasCode("failed_precondition")(error));
      assert.match((error as Error).message, /metadata\.db.*another process/);
      return true;
    });
    assert.equal(await task.read(new Uint8Array(250), 0), 250);
  }));

Deno.test("a directory that cannot be used is an error that names it", () =>
  onDisk(async (bench) => {
    const path = join(bench.options.dir, "file");
    await Deno.writeTextFile(path, "");
    await assert.rejects(bench.open({ dir: path }), (error) => {
      assert(error instanceof DamselflyError);
      assert.ok(error.message.includes(path) && error.message.includes("storage.dir"), error.message);
      return true;
    });
  }));

/** A disk whose writes fail once `bytesLeft` are written. */
function fullDisk(disk: Disk, bytesLeft: { count: number }): Disk {
  return {
    ...bound(disk),
    async openFile(path, options) {
      const file = await disk.openFile(path, options);
      return {
        read: (buffer, position) => file.read(buffer, position),
        sync: () => file.sync(),
        size: () => file.size(),
        [Symbol.asyncDispose]: () => file[Symbol.asyncDispose](),
        async write(bytes, position) {
          if (bytesLeft.count < bytes.length) throw new DamselflyError("no_space", "Cannot write: ENOSPC");
          bytesLeft.count -= bytes.length;
          await file.write(bytes, position);
        },
      };
    },
  };
}

function bound(disk: Disk): Disk {
  return {
    openFile: (path, options) => disk.openFile(path, options),
    mkdirAll: (path) => disk.mkdirAll(path),
    remove: (path) => disk.remove(path),
    rename: (from, to) => disk.rename(from, to),
    link: (existing, created) => disk.link(existing, created),
    readText: (path) => disk.readText(path),
    writeTextAtomic: (path, text, options) => disk.writeTextAtomic(path, text, options),
    stat: (path) => disk.stat(path),
    list: (path) => disk.list(path),
    readLink: (path) => disk.readLink(path),
    setMode: (path, mode) => disk.setMode(path, mode),
    space: (path) => disk.space(path),
  };
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

Deno.test("garbage collection deletes tasks past their time, but none that is in use", async () => {
  const bench = memoryBench();
  await using storage = await bench.open();
  const [old, held, young] = ["11", "22", "33"].map((half) => half.repeat(32)) as [string, string, string];
  await store(storage, bytesOf(300), { taskId: old });
  using _held = (await store(storage, bytesOf(300), { taskId: held })).hold();
  await bench.clock.advance(500_000);
  await store(storage, bytesOf(300), { taskId: young });
  await bench.clock.advance(500_000);
  assert.deepEqual(await storage.collectGarbage(), [old]);
  assert.deepEqual(storage.list().map(({ taskId }) => taskId), [held, young]);
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
