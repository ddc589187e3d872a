import assert from "node:assert/strict";
import fc from "fast-check";
import { bytesOver, planEviction } from "./eviction.ts";

const candidates = fc.array(
  fc.record({
    bytes: fc.nat(1000),
    updatedAtMs: fc.nat(10_000_000),
    isSealed: fc.boolean(),
    isBusy: fc.boolean(),
  }),
  { maxLength: 30 },
).map((tasks) => tasks.map((task, index) => ({ ...task, taskId: String(index) })));

Deno.test("eviction never takes a task in use, takes every expired one, and no more than is needed of the rest", () => {
  fc.assert(fc.property(candidates, fc.nat(20_000), fc.nat(10_000_000), (tasks, bytesToFree, taskTtlMs) => {
    const nowMs = 10_000_000;
    const chosen = new Set(planEviction(tasks, { nowMs, taskTtlMs, bytesToFree, tasksMax: 30 }));
    const taken = tasks.filter(({ taskId }) => chosen.has(taskId));
    const isExpired = (task: { updatedAtMs: number }) => nowMs - task.updatedAtMs >= taskTtlMs;
    assert(taken.every(({ isBusy }) => !isBusy));
    assert(tasks.every((task) => task.isBusy || !isExpired(task) || chosen.has(task.taskId)));
    const young = taken.filter((task) => !isExpired(task)).sort((a, b) => a.updatedAtMs - b.updatedAtMs);
    const before = taken.reduce((sum, { bytes }) => sum + bytes, 0) - (young.at(-1)?.bytes ?? 0);
    assert(young.length === 0 || before < bytesToFree, "the last one was not needed");
  }));
});

Deno.test("of too many tasks the least recently used go, however small they are, but none that is in use", () => {
  const tasks = [30, 10, 20, 40].map((updatedAtMs) => ({
    ...{ taskId: `at ${updatedAtMs}`, bytes: 1, updatedAtMs, isSealed: true, isBusy: updatedAtMs === 10 },
  }));
  const policy = { nowMs: 50, taskTtlMs: 1_000, bytesToFree: 0 };
  assert.deepEqual(planEviction(tasks, { ...policy, tasksMax: 4 }), []);
  assert.deepEqual(planEviction(tasks, { ...policy, tasksMax: 2 }), ["at 20", "at 30"]);
});

Deno.test("nothing has to go below the high threshold, and everything down to the low one from there on", () => {
  const thresholds = { highPercent: 80, lowPercent: 60 };
  assert.equal(bytesOver({ usedBytes: 799, totalBytes: 1000 }, thresholds), 0);
  assert.equal(bytesOver({ usedBytes: 800, totalBytes: 1000 }, thresholds), 200);
  assert.equal(bytesOver({ usedBytes: 1500, totalBytes: 1000 }, thresholds), 900);
});
