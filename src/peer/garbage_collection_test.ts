import assert from "node:assert/strict";
import { DamselflyError } from "../core/error.ts";
import { MemoryLog } from "../testing/memory_log.ts";
import { settle, VirtualClock } from "../testing/virtual_clock.ts";
import { type CollectedFamily, startGarbageCollection } from "./garbage_collection.ts";

/** Stores that remove a task with so many ids at each collection, and a scheduler that cannot be told of "b". */
function bench(removed: readonly (readonly string[])[], fail?: Error) {
  const clock = new VirtualClock();
  const log = new MemoryLog();
  const done: string[] = [];
  const familyOf = (taskIds: readonly string[]) => ({
    storage: {
      list: () => taskIds.slice(0, 1).map((taskId) => ({ taskId, otherIds: taskIds.slice(1) })),
      collectGarbage: async () => {
        done.push(`collect ${taskIds}`);
        await settle();
        if (fail !== undefined) throw fail;
        return [...taskIds];
      },
    },
    tell: ({ taskId }: { taskId: string }) => {
      done.push(`tell ${taskId}`);
      return taskId === "b" ? Promise.reject(new DamselflyError("unavailable", "gone")) : Promise.resolve();
    },
  } as unknown as CollectedFamily);
  return { families: removed.map(familyOf), clock, log, done };
}

Deno.test("a task that is removed is told of by each of its ids, whether or not the scheduler took the one before", async () => {
  const { families, clock, done, log } = bench([["a", "b", "c"]]);
  await using _collecting = startGarbageCollection(1_000, families, { clock, log });
  await clock.advance(1_000);
  await settle();
  assert.deepEqual(done, ["collect a,b,c", "tell a", "tell b", "tell c"]);
  assert.deepEqual(log.lines.filter(({ level }) => level === "warn"), []);
});

Deno.test("families make way one after the other, and no scheduler holds up the next", async () => {
  const { families, clock, done, log } = bench([["a"], ["x"]]);
  await using _collecting = startGarbageCollection(1_000, families, { clock, log });
  await clock.advance(1_000);
  await settle();
  await settle();
  assert.deepEqual(done, ["collect a", "collect x", "tell a", "tell x"]);
});

Deno.test("a collection that fails is logged and tried again at the next turn", async () => {
  const { families, clock, log } = bench([[]], new DamselflyError("internal", "Cannot read the free space"));
  await using _collecting = startGarbageCollection(1_000, families, { clock, log });
  for (let turn = 0; turn < 2; turn++) {
    await clock.advance(1_000);
    await settle();
  }
  assert.equal(log.lines.filter(({ level }) => level === "warn").length, 2);
});

Deno.test("who asks for a collection learns what it removed, and waits for no scheduler", async () => {
  const { families, clock, log, done } = bench([["a", "c"], ["x"]]);
  const [first] = families;
  assert.ok(first);
  const never = { ...first, tell: (_task: unknown, signal: AbortSignal) => untilAborted(signal) };
  const collection = startGarbageCollection(1_000, [never as CollectedFamily, ...families.slice(1)], { clock, log });
  assert.equal(await collection.collect(), 2, "a task that has two ids is one");
  assert.deepEqual(done, ["collect a,c", "collect x"]);
  await collection[Symbol.asyncDispose]();
});

Deno.test("who asks for a collection learns why it failed, and the other family had its turn", async () => {
  const { families, clock, log, done } = bench([["a"]], new DamselflyError("internal", "Cannot read the free space"));
  const well = bench([["x"]]);
  await using collection = startGarbageCollection(1_000, [...families, ...well.families], { clock, log });
  await assert.rejects(collection.collect(), { message: "Cannot read the free space" });
  assert.deepEqual([...done, ...well.done].slice(0, 2), ["collect a", "collect x"]);
  await assert.rejects(collection.collect(), { message: "Cannot read the free space" });
});

function untilAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
}
