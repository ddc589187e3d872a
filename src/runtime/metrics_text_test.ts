import assert from "node:assert/strict";
import { parseMetrics, sumOf } from "./metrics_text.ts";

const TEXT = `# HELP damselfly_client_fallback_total Requests
# TYPE damselfly_client_fallback_total counter
damselfly_client_fallback_total{registry="reg.corp:5000",reason="certificate"} 3
damselfly_client_fallback_total{registry="a\\"b\\\\c\\nd",reason="name"} 1
dragonfly_client_download_traffic{type="REMOTE_PEER"} 1.5e+3
dragonfly_client_download_traffic{type="BACK_TO_SOURCE"} 40
not a metric
process_max_fds 1024
`;

Deno.test("the text of Prometheus is read with its labels and what is quoted in them", () => {
  const samples = parseMetrics(TEXT);
  assert.equal(samples.length, 5);
  assert.deepEqual(samples[1]?.labels, { registry: 'a"b\\c\nd', reason: "name" });
  assert.equal(sumOf(samples, "dragonfly_client_download_traffic"), 1540);
  assert.equal(sumOf(samples, "dragonfly_client_download_traffic", { type: "REMOTE_PEER" }), 1500);
  assert.equal(sumOf(samples, "absent"), 0);
});
