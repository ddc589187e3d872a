import assert from "node:assert/strict";
import { VERSION } from "../core/version.ts";
import { realMetrics } from "./metrics.ts";
import { parseMetrics } from "./metrics_text.ts";
import { exposeVersion } from "./version_metric.ts";

Deno.test("each component says which version of it runs", async () => {
  const metrics = realMetrics();
  for (const component of ["manager", "scheduler", "client"] as const) exposeVersion(metrics, component);
  const samples = parseMetrics(await metrics.expose());
  assert.deepEqual(samples.map(({ name, value }) => [name, value]), [
    ["dragonfly_manager_version", 1],
    ["dragonfly_scheduler_version", 1],
    ["dragonfly_client_version", 1],
  ]);
  for (const { labels } of samples) assert.equal(labels["git_version"], `v${VERSION}`);
  assert.equal(samples[0]?.labels["major"], VERSION.split(".")[0]);
  assert.equal("major" in (samples[2]?.labels ?? {}), false);
});
