import assert from "node:assert/strict";
import { DamselflyError } from "../core/error.ts";
import { MemoryLog } from "../testing/memory_log.ts";
import { settle, VirtualClock } from "../testing/virtual_clock.ts";
import { type GarbageCollectionParts, startGarbageCollection } from "./garbage_collection.ts";

/** A store that removes `removed` at each collection, and a scheduler that cannot be told of "b". */
function bench(removed: readonly string[], fail?: Error) {
  const clock = new VirtualClock();
  const log = new MemoryLog();
  const told: string[] = [];
  const parts = {
    ...{ clock, log },
    storage: { collectGarbage: () => fail === undefined ? Promise.resolve([...removed]) : Promise.reject(fail) },
    control: {
      taskDeleted: (taskId: string) => {
        told.push(taskId);
        return taskId === "b" ? Promise.reject(new DamselflyError("unavailable", "gone")) : Promise.resolve();
      },
    },
  } as unknown as GarbageCollectionParts;
  return { parts, clock, log, told };
}

Deno.test("each task that is removed is told of, whether or not the scheduler took the one before", async () => {
  const { parts, clock, told, log } = bench(["a", "b", "c"]);
  await using _collecting = startGarbageCollection(1_000, parts);
  await clock.advance(1_000);
  await settle();
  assert.deepEqual(told, ["a", "b", "c"]);
  assert.deepEqual(log.lines.filter(({ level }) => level === "warn"), []);
});

Deno.test("a collection that fails is logged and tried again at the next turn", async () => {
  const { parts, clock, log } = bench([], new DamselflyError("internal", "Cannot read the free space"));
  await using _collecting = startGarbageCollection(1_000, parts);
  for (let turn = 0; turn < 2; turn++) {
    await clock.advance(1_000);
    await settle();
  }
  assert.equal(log.lines.filter(({ level }) => level === "warn").length, 2);
});
