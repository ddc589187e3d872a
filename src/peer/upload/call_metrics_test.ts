import assert from "node:assert/strict";
import { MemoryMetrics } from "../../testing/memory_metrics.ts";
import { CallMetrics } from "./call_metrics.ts";

Deno.test("calls and their failures are counted under Dragonfly's names", async () => {
  const metrics = new MemoryMetrics();
  const calls = new CallMetrics(metrics);
  const value = (name: string, labels = {}) => metrics.value(`dragonfly_client_${name}`, labels);
  const standard = { type: "STANDARD" };
  assert.equal(await calls.count("stat_task", "STANDARD", () => 7), 7);
  await assert.rejects(calls.count("list_local_tasks", "STANDARD", () => Promise.reject(new Error("no"))));
  assert.deepEqual([value("stat_task_total", standard), value("stat_task_failure_total", standard)], [1, 0]);
  assert.deepEqual([value("list_local_tasks_total", standard), value("list_tasks_failure_total", standard)], [1, 1]);
  await calls.countHostDeletion(() => Promise.resolve());
  await assert.rejects(calls.countHostDeletion(() => Promise.reject(new Error("no"))));
  assert.deepEqual([value("delete_host_total"), value("delete_host_failure_total")], [2, 1]);
});
