import assert from "node:assert/strict";
import { join } from "node:path";
import { MemoryDisk } from "../../testing/memory_disk.ts";
import { MemoryLog } from "../../testing/memory_log.ts";
import { VirtualClock } from "../../testing/virtual_clock.ts";
import { benchOf, bytesOf, initOf, memoryBench, store, TASK_ID } from "./harness_test.ts";
import { openStorage } from "./open_storage.ts";
import type { Neighbour } from "./storage.ts";

const RETENTION = {
  ...{ isPersistent: true, ttlMs: 1_000, expiresAtMs: 1_000, peerId: "peer-1", replicaCount: 2 },
  ...{ tag: "tag", application: "app" },
};

Deno.test("how long a task of the persistent cache is kept outlives a restart, and changes of it too", async () => {
  const bench = benchOf(new MemoryDisk(), "/store", join(await Deno.makeTempDir(), "cache.db"));
  const family = "persistent-cache-tasks";
  await using stack = new AsyncDisposableStack();
  stack.defer(() => Deno.remove(join(bench.options.databasePath ?? "", ".."), { recursive: true }));
  const first = await bench.open({ family });
  const task = await store(first, bytesOf(250), { retention: { ...RETENTION, isPersistent: false } });
  assert.equal(task.record.retention?.isPersistent, false);
  task.retain(RETENTION);
  await first[Symbol.asyncDispose]();
  await using second = await bench.open({ family });
  assert.deepEqual(second.find(TASK_ID)?.record.retention, RETENTION);
});

Deno.test("a replica makes room for nothing, and goes when its time is over, however much it is used", async () => {
  const bench = memoryBench();
  const limits = { diskThresholdBytes: 1_000, taskTtlMs: 10 };
  const expiresAtMs = bench.clock.wallMs() + 5_000;
  await using storage = await bench.open(limits);
  await store(storage, bytesOf(900), { retention: { ...RETENTION, expiresAtMs } });
  await assert.rejects(storage.open(initOf(bytesOf(300), 100, { taskId: "cd".repeat(32) })), { code: "no_space" });
  await bench.clock.advance(4_000);
  assert.deepEqual(await storage.collectGarbage(), []);
  await bench.clock.advance(1_000);
  using held = storage.find(TASK_ID)?.hold();
  assert.deepEqual(await storage.collectGarbage(), [], "somebody reads it");
  held?.[Symbol.dispose]();
  assert.deepEqual(await storage.collectGarbage(), [TASK_ID], "it was used this very moment");
});

Deno.test("use does not keep a task whose time is over, even while others are removed", async () => {
  const disk = new MemoryDisk();
  const bench = memoryBench(disk);
  await using storage = await bench.open({ taskTtlMs: 10 });
  const [first, second] = ["11".repeat(32), "22".repeat(32)];
  for (const taskId of [first, second]) await store(storage, bytesOf(100), { taskId, retention: RETENTION });
  await bench.clock.advance(RETENTION.expiresAtMs);
  const remove = disk.remove.bind(disk);
  disk.remove = async (path) => {
    await bench.clock.advance(1);
    storage.find(second)?.hold()[Symbol.dispose]();
    await remove(path);
  };
  assert.deepEqual(await storage.collectGarbage(), [first, second]);
});

Deno.test("two families of tasks keep the same id apart and share one limit, in which standard tasks make way", async () => {
  const [disk, clock, log] = [new MemoryDisk(), new VirtualClock(), new MemoryLog()];
  const options = { ...memoryBench().options, diskThresholdBytes: 1_000 };
  const deps = { disk, clock, log, volume: new Set<Neighbour>() };
  await using standard = await openStorage(options, deps);
  await using cache = await openStorage({ ...options, family: "persistent-cache-tasks" }, deps);
  const expiresAtMs = clock.wallMs() + 5_000;
  await store(standard, bytesOf(600, 1));
  await store(cache, bytesOf(300, 2), { retention: { ...RETENTION, expiresAtMs } });
  const [a, b] = [new Uint8Array(300), new Uint8Array(300)];
  await standard.find(TASK_ID)?.read(a, 0);
  await cache.find(TASK_ID)?.read(b, 0);
  assert.deepEqual([a, b], [bytesOf(600, 1).slice(0, 300), bytesOf(300, 2)]);
  await assert.rejects(cache.open(initOf(bytesOf(800), 100, { taskId: "cd".repeat(32) })), { code: "no_space" });
  assert.ok(standard.find(TASK_ID), "what cannot fit costs nobody his place");
  assert.deepEqual(await standard.collectGarbage(), [TASK_ID], "what both have is what counts");
  assert.deepEqual(await cache.collectGarbage(), []);
  await store(standard, bytesOf(600, 1));
  await cache.open(initOf(bytesOf(700), 100, { taskId: "cd".repeat(32) }));
  assert.equal(standard.find(TASK_ID), undefined);
  assert.ok(cache.find(TASK_ID));
});
