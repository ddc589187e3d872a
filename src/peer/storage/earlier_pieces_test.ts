/** Pieces that an earlier run left in a task that is not complete. */
import assert from "node:assert/strict";
import { GatedDisk } from "../../testing/gated_disk.ts";
import { type Bench, bytesOf, fileOf, hasCode, initOf, never, onDisk, writePiece } from "./harness_test.ts";
import { openStorage } from "./open_storage.ts";
import type { Storage, TaskInit } from "./storage.ts";

const CONTENT = bytesOf(1_000);
const INIT = initOf(CONTENT, 100);
/** Without a digest nothing but the check reads. */
const UNNAMED = { ...INIT, digest: undefined };

/** Leaves all pieces but the last as an earlier run does. */
async function leavePieces(bench: Bench, init: TaskInit = INIT): Promise<void> {
  await using storage = await bench.open();
  const task = await storage.open(init);
  for (let number = 0; number < 9; number++) await writePiece(task, CONTENT, number);
}

function openOn(gated: GatedDisk, { disk, clock, log, options }: Bench): Promise<Storage> {
  return openStorage(options, { disk: gated.wrap(disk), clock, log });
}

Deno.test("a task of an earlier run is opened before its pieces are read, and the awaited one is checked first", () =>
  onDisk(async (bench) => {
    await leavePieces(bench, UNNAMED);
    const gated = new GatedDisk();
    await using storage = await openOn(gated, bench);
    const task = await storage.open(UNNAMED);
    assert.deepEqual([task.finishedPieceCount, task.recordedPieceCount], [0, 9]);
    const changed = task.nextBytes(never, 7);
    await gated.letThrough(0);
    await changed;
    const again = task.nextChange(never);
    await gated.letThrough(700);
    await again;
    assert.deepEqual(gated.asked.slice(0, 2), [0, 700]);
    assert.deepEqual(task.finishedPieces(), [0, 7]);
    gated.open();
    await task.checked(never);
    assert.equal(task.finishedPieceCount, 9);
  }));

Deno.test("a piece that is not checked yet is neither read, nor written, nor cut otherwise", () =>
  onDisk(async (bench) => {
    await leavePieces(bench);
    const gated = new GatedDisk();
    await using storage = await openOn(gated, bench);
    const task = await storage.open({ ...INIT, plan: initOf(CONTENT, 50).plan });
    assert.equal(task.record.plan.pieceLength, 100);
    assert.equal(task.openPiece(3), undefined);
    assert.throws(() => task.recut(initOf(CONTENT, 50)), hasCode("failed_precondition"));
    await assert.rejects(task.read(new Uint8Array(10), 0), hasCode("failed_precondition"));
    assert.equal((await storage.usage()).usedBytes, 900);
    gated.open();
  }));

Deno.test("a piece with other bytes than its record says is missing, and costs no other", () =>
  onDisk(async (bench) => {
    await leavePieces(bench);
    {
      await using file = await bench.disk.openFile(fileOf(bench), { write: true });
      await file.write(Uint8Array.of((CONTENT[450] ?? 0) ^ 1), 450);
    }
    await using storage = await bench.open();
    const task = await storage.open(INIT);
    await task.checked(never);
    assert.deepEqual([task.isRecorded(4), task.recordedPieceCount, (await storage.usage()).usedBytes], [false, 8, 800]);
    for (const number of [4, 9]) await writePiece(task, CONTENT, number);
    await task.seal(never);
  }));

Deno.test("a storage is closed without the pieces being checked, and the next run checks them", () =>
  onDisk(async (bench) => {
    await leavePieces(bench, UNNAMED);
    const gated = new GatedDisk();
    {
      await using storage = await openOn(gated, bench);
      const task = await storage.open(UNNAMED);
      const waiting = assert.rejects(task.checked(never), hasCode("cancelled"));
      const closed = storage[Symbol.asyncDispose]();
      await gated.letThrough(0);
      await Promise.all([waiting, closed]);
      assert.deepEqual(gated.asked, [0]);
    }
    await using storage = await bench.open();
    const task = await storage.open(UNNAMED);
    await task.checked(never);
    assert.equal(task.finishedPieceCount, 9);
  }));

Deno.test("a task that is deleted while it is checked tells who waits", () =>
  onDisk(async (bench) => {
    await leavePieces(bench);
    const gated = new GatedDisk();
    await using storage = await openOn(gated, bench);
    const task = await storage.open(INIT);
    const waiting = assert.rejects(task.checked(never), hasCode("not_found"));
    const deleted = storage.delete(INIT.taskId);
    await gated.letThrough(0);
    await Promise.all([waiting, deleted]);
    await assert.rejects(task.checked(never), hasCode("not_found"));
    const fresh = await storage.open(INIT);
    assert.equal(fresh.recordedPieceCount, 0);
  }));
