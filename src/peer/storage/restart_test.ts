/** What a storage finds when it is opened again. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { DamselflyError } from "../../core/error.ts";
import { wrappedDisk } from "../../runtime/wrapped_disk.ts";
import { bytesOf, fileOf, hasCode, initOf, never, onDisk, store, TASK_ID, writePiece } from "./harness_test.ts";
import { openStorage } from "./open_storage.ts";

Deno.test("a start keeps sealed tasks, and pieces of others once their bytes were checked", () =>
  onDisk(async (bench) => {
    const content = bytesOf(450);
    const other = "cd".repeat(32);
    {
      await using storage = await bench.open();
      await store(storage, content, { idParts: "of a URL" });
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
    assert.equal(sealed?.record.idParts, "of a URL");
    assert.deepEqual(sealed?.record.responseHeaders, { "content-type": "application/octet-stream" });
    assert.equal(storage.find(other), undefined, "unchecked");
    assert.equal(storage.list().length, 2);
    const restored = await storage.open(initOf(content, 100, { taskId: other }));
    await restored.checked(never);
    assert.deepEqual(restored.finishedPieces(), [0, 3]);
    assert.equal(storage.find(other), restored);
    for (const number of [1, 2, 4]) await writePiece(restored, content, number);
    await restored.seal(never);
    assert.equal((await storage.usage()).usedBytes, 900);
  }));

Deno.test("a task counts as sealed after a restart only if its bytes had come to stable storage", () =>
  onDisk(async (bench) => {
    for (const isSynced of [false, true]) {
      const disk = wrappedDisk(bench.disk, {}, (file) => ({
        sync: () => isSynced ? file.sync() : Promise.reject(new DamselflyError("internal", "Cannot sync: EIO")),
      }));
      {
        await using storage = await openStorage(bench.options, { ...bench, disk });
        const task = await store(storage, bytesOf(250));
        assert.equal(task.record.isSealed, true);
      }
      await using storage = await bench.open();
      assert.equal(storage.list()[0]?.isSealed, isSynced);
      await storage.delete(TASK_ID);
    }
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

Deno.test("what an earlier run left can be read though the volume of its records is full", () =>
  onDisk(async (bench) => {
    const content = bytesOf(450);
    {
      await using storage = await bench.open();
      const task = await storage.open(initOf(content, 100));
      for (const number of [0, 1, 3]) await writePiece(task, content, number);
    }
    const file = await bench.disk.openFile(fileOf(bench), { write: true });
    await file.write(new Uint8Array([1, 2, 3]), 110);
    await file[Symbol.asyncDispose]();
    const db = new DatabaseSync(bench.options.databasePath ?? "");
    for (const action of ["INSERT", "DELETE"]) {
      db.exec(`CREATE TRIGGER full_${action} BEFORE ${action} ON piece BEGIN SELECT RAISE(ABORT, 'disk is full'); END`);
    }
    db.close();
    await using storage = await bench.open();
    const other = await storage.open(initOf(content, 100, { taskId: "cd".repeat(32) }));
    await writePiece(other, content, 0);
    const task = await storage.open(initOf(content, 100));
    await task.checked(never);
    assert.deepEqual(task.finishedPieces(), [0, 3]);
    const buffer = new Uint8Array(100);
    assert.equal(await task.read(buffer, 0), 100);
    assert.deepEqual(buffer, content.subarray(0, 100));
    await writePiece(task, content, 1);
    assert.deepEqual(task.finishedPieces(), [0, 1, 3]);
  }));
