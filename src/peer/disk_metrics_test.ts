import assert from "node:assert/strict";
import { MemoryMetrics } from "../testing/memory_metrics.ts";
import { VirtualClock } from "../testing/virtual_clock.ts";
import { diskMeasure } from "./disk_metrics.ts";

Deno.test("the volume of the storage is measured each time that somebody asks, and stays as it was when it is gone", async () => {
  const metrics = new MemoryMetrics();
  const volumes = [{ totalBytes: 100, freeBytes: 30 }, { totalBytes: 200, freeBytes: 50 }];
  const space = () => Promise.resolve(volumes.shift() ?? Promise.reject(new Error("no such directory")));
  const measure = diskMeasure({ disk: { space }, metrics, clock: new VirtualClock() }, "/store");
  const values = ["total", "usage"].map((name) => name === "total" ? "disk_space_total" : "disk_usage_space_total");
  for (const expected of [[100, 70], [200, 150], [200, 150]]) {
    await measure();
    assert.deepEqual(values.map((name) => metrics.value(`dragonfly_client_${name}`)), expected);
  }
});

Deno.test("a volume that does not answer holds up no metrics, and is asked once until it does", async () => {
  const [metrics, clock] = [new MemoryMetrics(), new VirtualClock()];
  const answers: ((space: { totalBytes: number; freeBytes: number }) => void)[] = [];
  const space = () => new Promise<{ totalBytes: number; freeBytes: number }>((resolve) => answers.push(resolve));
  const measure = diskMeasure({ disk: { space }, metrics, clock }, "/store");
  for (let n = 0; n < 3; n++) {
    const measured = measure();
    await clock.advance(1_000);
    await measured;
  }
  assert.equal(answers.length, 1);
  answers[0]?.({ totalBytes: 100, freeBytes: 30 });
  await clock.advance(0);
  assert.equal(metrics.value("dragonfly_client_disk_space_total"), 100);
  measure();
  assert.equal(answers.length, 2);
});
