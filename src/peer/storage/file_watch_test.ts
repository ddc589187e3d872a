/** Contents with a name outside of the storage: what is changed there is found before anybody gets it. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { FileWatch } from "./file_watch.ts";
import { type Bench, bytesOf, hasCode, memoryBench, onDisk, store, TASK_ID } from "./harness_test.ts";
import type { StoredTask } from "./storage.ts";

const CONTENT = bytesOf(250);

async function assertRead(task: StoredTask | undefined, position: number): Promise<void> {
  const buffer = new Uint8Array(50);
  assert.equal(await task?.read(buffer, position), 50);
  assert.deepEqual(buffer, CONTENT.subarray(position, position + 50));
}

function outputOf({ options }: Bench): string {
  return join(options.dir, "out");
}

/** Changes a byte of the second piece in place, by the other name of the file. */
async function edit(bench: Bench): Promise<void> {
  await using file = await bench.disk.openFile(outputOf(bench), { write: true });
  await file.write(Uint8Array.of((CONTENT[120] ?? 0) ^ 1), 120);
}

async function editIsFound(bench: Bench): Promise<void> {
  await using storage = await bench.open();
  const task = await store(storage, CONTENT);
  await assertRead(task, 100);
  await task.link(outputOf(bench));
  await assertRead(task, 100);
  await edit(bench);
  await assertRead(task, 0);
  await assert.rejects(task.read(new Uint8Array(50), 100), hasCode("internal"));
  const again = await store(storage, CONTENT);
  await assertRead(again, 100);
}

Deno.test("an edit through a hard link is found before the bytes are given to anybody", () =>
  editIsFound(memoryBench()));

Deno.test("an edit through a hard link on a real disk is found too", () => onDisk(editIsFound));

Deno.test("an edit through a hard link that an earlier run made is found", () =>
  onDisk(async (bench) => {
    {
      await using storage = await bench.open();
      const task = await store(storage, CONTENT);
      await task.link(outputOf(bench));
    }
    await using storage = await bench.open();
    const task = storage.find(TASK_ID);
    await assertRead(task, 100);
    await edit(bench);
    await assert.rejects(assertRead(task, 100), hasCode("internal"));
  }));

Deno.test("an edit through a hard link is found before a copy of the content is made", async () => {
  const bench = memoryBench();
  await using storage = await bench.open();
  const task = await store(storage, CONTENT);
  await task.link(outputOf(bench));
  await task.copy(`${outputOf(bench)}.first`);
  await edit(bench);
  await assert.rejects(task.copy(`${outputOf(bench)}.second`), hasCode("internal"));
  assert.equal(await bench.disk.stat(`${outputOf(bench)}.second`), undefined);
});

/** A file whose times a test sets. */
function watched(isShared?: boolean) {
  const file = { nowMs: 1_000, changedMs: 0, links: 2, changes: 0, looks: 0 };
  const watch = new FileWatch({
    nowMs: () => file.nowMs,
    stat: () => {
      file.looks++;
      const { changedMs, links } = file;
      return Promise.resolve({ size: 1, isDirectory: false, mode: 0, mtimeMs: 0, changedMs, links });
    },
    onChange: () => file.changes++,
  }, isShared);
  return { file, watch };
}

const use = () => Promise.resolve("used");

Deno.test("a shared file that stays as it is is looked through once", async () => {
  const { file, watch } = watched();
  for (let uses = 0; uses < 5; uses++) assert.equal(await watch.steady(use), "used");
  assert.equal(file.changes, 1);
  file.changedMs = 10;
  await watch.steady(use);
  assert.equal(file.changes, 2);
});

Deno.test("a file that was just changed may change again unseen, so nothing is concluded from its time", async () => {
  const { file, watch } = watched();
  file.changedMs = 990;
  for (let uses = 0; uses < 3; uses++) await watch.steady(use);
  assert.equal(file.changes, 3);
});

Deno.test("a use begins again when the file changes meanwhile, and is given up when it always does", async () => {
  const { file, watch } = watched();
  let uses = 0;
  const changing = (times: number) => () => Promise.resolve(uses++ < times ? file.changedMs++ : "done");
  assert.equal(await watch.steady(changing(2)), "done");
  uses = 0;
  await assert.rejects(watch.steady(changing(9)), hasCode("internal"));
});

Deno.test("a file that nobody else has costs no look", async () => {
  const { file, watch } = watched(false);
  await watch.steady(use);
  assert.equal(file.looks, 0);
  watch.shared();
  await watch.steady(use);
  assert.equal(file.looks, 2);
});
