import assert from "node:assert/strict";
import { parseMetrics } from "../runtime/metrics_text.ts";
import { judgeCounters } from "./counters.ts";

const TEXT = `# HELP damselfly_client_fallback_total Requests
# TYPE damselfly_client_fallback_total counter
damselfly_client_fallback_total{registry="reg.corp:5000",reason="certificate"} 3
damselfly_client_fallback_total{registry="a\\"b\\\\c\\nd",reason="name"} 1
damselfly_client_fallback_total{registry="quay.io",reason="timeout"} 0
dragonfly_client_download_traffic{type="REMOTE_PEER"} 1.5e+3
dragonfly_client_download_traffic{type="BACK_TO_SOURCE"} 40
not a metric
process_max_fds 1024
`;

Deno.test("what went past the swarm is told by registry, the most first, and what may steer a terminal is not printed", () => {
  const [first, second, third] = judgeCounters(parseMetrics(TEXT));
  assert.equal(first?.id, "doctor.fallback.counted");
  assert.match(
    `${first?.subject} ${first?.what} ${first?.mend}`,
    /reg\.corp:5000 3 requests .*certificate.* ca of its row/,
  );
  assert.equal(second?.subject, 'a"b\\c?d');
  assert.match(second?.mend ?? "", /name servers/);
  assert.equal(third?.id, "doctor.descriptors.low");
  assert.match(third?.mend ?? "", /LimitNOFILE/);
});

Deno.test("a mirror that nobody asks for contents is told, and one whose requests all went well", () => {
  const viaTasks = "dragonfly_client_proxy_request_via_dfdaemon_total";
  assert.deepEqual(judgeCounters(parseMetrics("process_max_fds 1048576\n")).map(({ id }) => id), [
    "doctor.fallback.unused",
  ]);
  const [fine, ...others] = judgeCounters(parseMetrics(`${viaTasks} 7\n`));
  assert.deepEqual([fine?.id, fine?.level, others], ["doctor.fallback", "ok", []]);
});
