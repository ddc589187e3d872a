import assert from "node:assert/strict";
import { MemoryLog } from "../testing/memory_log.ts";
import { memoryStore } from "../testing/memory_store.ts";
import { VirtualClock } from "../testing/virtual_clock.ts";
import { removeOldRows } from "./old_rows.ts";
import type { AuditInput } from "./store/audits.ts";
import type { Store } from "./store/store.ts";

const HOUR_MS = 60 * 60_000;
const NANOSECONDS_PER_HOUR = 36e11;

async function addRows(store: Store, clock: VirtualClock): Promise<void> {
  const audit = {
    actorType: "USER",
    actorName: "root",
    eventType: "API",
    operation: "GET",
    path: "/x",
    detail: {},
  } as const;
  await store.audits.add([{ ...audit, operatedAtMs: clock.wallMs(), state: "SUCCESS", statusCode: 200 }]);
  const job = { taskId: "", bio: "", type: "preheat", state: "SUCCESS", args: {}, result: {}, userId: 0 } as const;
  await store.jobs.create({ ...job, schedulerClusterIds: [], seedPeerClusterIds: [] });
}

async function count(store: Store): Promise<[audits: number, jobs: number]> {
  const page = { offset: 0, limit: 1 };
  return [(await store.audits.list({}, page)).total, (await store.jobs.list({}, page)).total];
}

Deno.test("audits and jobs go when they are as old as the setting says, which may change meanwhile", async () => {
  const clock = new VirtualClock();
  const log = new MemoryLog();
  await using store = await memoryStore(clock);
  const value = (hours: number) => {
    return JSON.stringify({ audit: { ttl: hours * NANOSECONDS_PER_HOUR }, job: { ttl: 2 * NANOSECONDS_PER_HOUR } });
  };
  const { id } = await store.configs.create({ name: "gc", value: value(10), bio: "", userId: 0 });
  await using _remover = removeOldRows({ store, clock, log });
  await addRows(store, clock);
  await clock.advance(2 * HOUR_MS);
  assert.deepEqual(await count(store), [1, 1], "as old as that is not older");
  await clock.advance(HOUR_MS);
  assert.deepEqual(await count(store), [1, 0]);
  await store.configs.update(id, { value: value(3) });
  await clock.advance(HOUR_MS);
  assert.deepEqual(await count(store), [0, 0]);
  assert.deepEqual(log.lines, []);
});

Deno.test("a round goes on until nothing old is left", async () => {
  const clock = new VirtualClock();
  await using store = await memoryStore(clock);
  const audit: AuditInput = {
    ...{ actorType: "USER", actorName: "root", eventType: "API", operation: "GET", path: "/x", detail: {} },
    ...{ operatedAtMs: clock.wallMs(), state: "SUCCESS", statusCode: 200 },
  };
  await store.audits.add(Array.from({ length: 5_001 }, () => audit));
  await using _remover = removeOldRows({ store, clock, log: new MemoryLog() });
  await clock.advance((7 * 24 + 1) * HOUR_MS);
  assert.deepEqual(await count(store), [0, 0]);
});

Deno.test("a setting that is absent or broken keeps audits for 7 days and jobs for 6 hours", async () => {
  const clock = new VirtualClock();
  const log = new MemoryLog();
  await using store = await memoryStore(clock);
  await using _remover = removeOldRows({ store, clock, log });
  await addRows(store, clock);
  await clock.advance(7 * HOUR_MS);
  assert.deepEqual([await count(store), log.lines.length], [[1, 0], 0]);
  await store.configs.create({ name: "gc", value: "{", bio: "", userId: 0 });
  await clock.advance(HOUR_MS);
  assert.equal(log.lines.length, 1);
  await clock.advance(7 * 24 * HOUR_MS);
  assert.deepEqual(await count(store), [0, 0]);
});
