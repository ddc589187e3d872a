import assert from "node:assert/strict";
import { MemoryMetrics } from "../testing/memory_metrics.ts";
import { diskMeasure } from "./disk_metrics.ts";

Deno.test("the volume of the storage is measured each time that somebody asks, and stays as it was when it is gone", async () => {
  const metrics = new MemoryMetrics();
  const volumes = [{ totalBytes: 100, freeBytes: 30 }, { totalBytes: 200, freeBytes: 50 }];
  const space = () => Promise.resolve(volumes.shift() ?? Promise.reject(new Error("no such directory")));
  const measure = diskMeasure({ disk: { space }, metrics }, "/store");
  const values = ["total", "usage"].map((name) => name === "total" ? "disk_space_total" : "disk_usage_space_total");
  for (const expected of [[100, 70], [200, 150], [200, 150]]) {
    await measure();
    assert.deepEqual(values.map((name) => metrics.value(`dragonfly_client_${name}`)), expected);
  }
});
