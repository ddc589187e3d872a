import assert from "node:assert/strict";
import { silentLog } from "../../runtime/log.ts";
import { memoryStore } from "../../testing/memory_store.ts";
import { VirtualClock } from "../../testing/virtual_clock.ts";
import { tidyQueue } from "./queue_tidy.ts";

Deno.test("orders that are kept are tidied up at the start and every minute, until that is ended", async () => {
  const clock = new VirtualClock();
  await using store = await memoryStore(clock);
  const asked: number[] = [];
  const jobQueue = new Proxy(store.jobQueue, {
    get: (queue, name) => (...args: unknown[]) => {
      if (name === "removeKept") asked.push(args[0] as number);
      return Reflect.apply(Reflect.get(queue, name), queue, args);
    },
  });
  const tidy = tidyQueue({ store: { ...store, jobQueue }, clock, log: silentLog() });
  await clock.advance(120_000);
  await tidy[Symbol.asyncDispose]();
  await clock.advance(120_000);
  assert.deepEqual(asked, [1_000, 1_000, 1_000]);
});
