import assert from "node:assert/strict";
import { realClock } from "../runtime/clock.ts";
import { realNet } from "../runtime/real_net.ts";
import { type Attributes, currentRequest, type Span, type Tracer } from "../runtime/tracing.ts";
import { RawClient } from "../testing/raw_http.ts";
import { seededRandom } from "../testing/seeded_random.ts";
import { startHttpServer } from "./serve.ts";

Deno.test("a request is a step until its answer is sent, and what could be a secret in its URL is left out", async () => {
  const steps: Record<string, Attributes[string]>[] = [];
  const ended = Promise.withResolvers<void>();
  let ends = 0;
  const span = (facts: Record<string, Attributes[string]>): Span => ({
    ...{ context: { traceId: "", spanId: "", isSampled: true }, isEnded: false, event() {}, child: () => span({}) },
    set: (attributes) => void Object.assign(facts, attributes),
    end: () => void (++ends === 2 && ended.resolve()),
  });
  const tracer: Tracer = {
    begin(name, { attributes }) {
      const facts = { name, ...attributes };
      steps.push(facts);
      return span(facts);
    },
  };
  const [clock, net] = [realClock(), realNet()];
  const ids: (string | undefined)[] = [];
  await using server = startHttpServer({
    ...{ listen: { hostname: "127.0.0.1", port: 0 }, clock, net, onError: () => {} },
    requests: { tracer, random: seededRandom(1) },
    handler: () => {
      ids.push(currentRequest()?.requestId);
      return new Response("done", { status: 203 });
    },
  });
  using client = await RawClient.connect(net, server);
  await client.write("GET /v2/app/blobs/sha256:ab?ns=docker.io&X-Amz-Signature=secret HTTP/1.1\r\nhost: a\r\n\r\n");
  await client.until(/0\r\n\r\n$/);
  await client.write("GET http://ada:lovelace@b/file?token=secret HTTP/1.1\r\nhost: b\r\nconnection: close\r\n\r\n");
  await client.untilEnd();
  await ended.promise;
  assert.deepEqual(steps.map((facts) => facts["http.url"]), ["/v2/app/blobs/sha256:ab?ns=docker.io", "http://b/file"]);
  assert.deepEqual(steps.map((facts) => [facts["name"], facts["http.status_code"]]), [
    ["HTTP GET", 203],
    ["HTTP GET", 400], // nobody is asked with credentials in a URL
  ]);
  assert.equal(ids.length, 1);
  assert.match(ids[0] ?? "", /^[0-9a-f]{32}$/);
});
