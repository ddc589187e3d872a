/** Pages of the database that are damaged while it is in use. */
import assert from "node:assert/strict";
import { DamselflyError } from "../../core/error.ts";
import { piecePlan } from "../../core/piece.ts";
import { type Bench, bytesOf, fileOf, hasCode, initOf, onDisk, store, TASK_ID, writePiece } from "./harness_test.ts";
import type { Storage, StoredTask } from "./storage.ts";

/** So many records that SQLite does not keep all of their pages in memory. */
const PIECES = 9_000;
const OTHER_ID = "cd".repeat(32);

async function fill(storage: Storage): Promise<void> {
  const content = bytesOf(PIECES);
  const task = await storage.open(initOf(content, 1, { plan: piecePlan(PIECES, 1) }));
  const parentId = "p".repeat(400);
  for (let number = 0; number < PIECES; number++) await writePiece(task, content, number, parentId);
  await task.seal(new AbortController().signal);
}

async function damage({ options }: Bench): Promise<void> {
  const path = options.databasePath ?? "";
  const { size } = await Deno.stat(path);
  using file = await Deno.open(path, { write: true });
  await file.seek(8_192, Deno.SeekMode.Start);
  await file.write(new Uint8Array(size - 8_192).fill(0xaa));
}

/** Reads piece after piece until one cannot be read. */
async function firstFailure(task: StoredTask): Promise<unknown> {
  for (let position = 0; position < PIECES; position++) {
    try {
      await task.read(new Uint8Array(1), position);
    } catch (error) {
      return error;
    }
  }
  return undefined;
}

Deno.test("records that are damaged in use are a fault of this host alone, and the storage begins anew at once", () =>
  onDisk(async (bench) => {
    {
      await using storage = await bench.open();
      await fill(storage);
    }
    await using storage = await bench.open();
    const content = bytesOf(250);
    const running = await storage.open(initOf(content, 100, { taskId: OTHER_ID }));
    await writePiece(running, content, 0);
    using _held = running.hold();
    const sealed = storage.find(TASK_ID);
    assert(sealed);
    await damage(bench);
    const error = await firstFailure(sealed);
    assert.ok(hasCode("internal")(error), `${error}`);
    assert.deepEqual([storage.find(TASK_ID), storage.list()], [undefined, []]);
    await assert.rejects(writePiece(running, content, 1), hasCode("internal"));
    const buffer = new Uint8Array(100);
    await running.read(buffer, 0);
    assert.deepEqual(buffer, content.subarray(0, 100), "who holds a task can go on to read it");
    const again = await store(storage, content, { taskId: OTHER_ID });
    assert.equal(await again.read(new Uint8Array(250), 0), 250);
    assert.equal(storage.find(OTHER_ID), again);
    await assert.rejects(writePiece(running, content, 2), hasCode("internal"), "still the source can make it good");
    assert.equal(await bench.disk.stat(fileOf(bench)), undefined);
    const said = bench.log.lines.filter(({ message }) => message.includes("damaged in use"));
    assert.deepEqual(said.map(({ level }) => level), ["error"]);
  }));

Deno.test("a storage that has begun anew keeps what came since over a restart", () =>
  onDisk(async (bench) => {
    {
      await using storage = await bench.open();
      await fill(storage);
    }
    {
      await using storage = await bench.open();
      const sealed = storage.find(TASK_ID);
      assert(sealed);
      await damage(bench);
      assert.ok(await firstFailure(sealed) instanceof DamselflyError);
      await store(storage, bytesOf(250), { taskId: OTHER_ID });
    }
    await using storage = await bench.open();
    assert.deepEqual(storage.list().map(({ taskId }) => taskId), [OTHER_ID]);
  }));
