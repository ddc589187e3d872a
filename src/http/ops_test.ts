import assert from "node:assert/strict";
import { realMetrics } from "../runtime/metrics.ts";
import { healthHandler, metricsHandler } from "./ops.ts";
import type { HttpHandler } from "./serve.ts";

function ask(handler: HttpHandler, path: string, init?: RequestInit) {
  const remote = { hostname: "127.0.0.1", port: 1 };
  return handler(new Request(`http://127.0.0.1${path}`, init), { remote, signal: new AbortController().signal });
}

Deno.test("/metrics is what was counted, in the text format of Prometheus, and the only page", async () => {
  const metrics = realMetrics();
  metrics.counter("pulls_total", "Pulls.").inc();
  const handler = metricsHandler(metrics);
  const response = await ask(handler, "/metrics?x=1");
  assert.match(response.headers.get("content-type") ?? "", /^text\/plain; version=0\.0\.4/);
  assert.match(await response.text(), /^pulls_total 1$/m);
  assert.equal((await ask(handler, "/")).status, 404);
  const posted = await ask(handler, "/metrics", { method: "POST" });
  assert.deepEqual([posted.status, posted.headers.get("allow")], [405, "GET"]);
});

Deno.test("/healthy tells whether the component serves at the moment", async () => {
  let isHealthy = true;
  const handler = healthHandler(() => isHealthy);
  assert.equal((await ask(handler, "/healthy")).status, 200);
  isHealthy = false;
  assert.equal((await ask(handler, "/healthy")).status, 503);
  assert.equal((await ask(handler, "/other")).status, 404);
});
