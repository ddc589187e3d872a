import assert from "node:assert/strict";
import { errorText } from "../core/error.ts";
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

Deno.test("a step whose answer is an error of ours has failed, and one that was left has no answer", async () => {
  const ends: [status: Attributes[string], failure: string][] = [];
  const ended = [0, 0, 0].map(() => Promise.withResolvers<void>());
  const tracer: Tracer = {
    begin() {
      const facts: Record<string, Attributes[string]> = {};
      return {
        ...{ context: { traceId: "", spanId: "", isSampled: true }, isEnded: false, event() {} },
        child: () => assert.fail(),
        set: (attributes) => void Object.assign(facts, attributes),
        end: (error) => {
          ends.push([facts["http.status_code"], error === undefined ? "" : errorText(error)]);
          ended[ends.length - 1]?.resolve();
        },
      };
    },
  };
  const [clock, net] = [realClock(), realNet()];
  const asked = Promise.withResolvers<void>();
  await using server = startHttpServer({
    ...{ listen: { hostname: "127.0.0.1", port: 0 }, clock, net, onError: () => {} },
    requests: { tracer, random: seededRandom(1) },
    handler: async ({ url }, { signal }) => {
      if (url.endsWith("/fails")) throw new Error("It is broken");
      if (url.endsWith("/unknown")) return new Response(null, { status: 499 });
      asked.resolve();
      return await new Promise((resolve) => signal.addEventListener("abort", () => resolve(new Response("late"))));
    },
  });
  {
    using client = await RawClient.connect(net, server);
    await client.write("GET /fails HTTP/1.1\r\nhost: a\r\n\r\n");
    await ended[0]?.promise;
    await client.write("GET /unknown HTTP/1.1\r\nhost: a\r\n\r\n");
    await ended[1]?.promise;
    await client.write("GET /slow HTTP/1.1\r\nhost: a\r\n\r\n");
    await asked.promise;
  }
  await ended[2]?.promise;
  assert.deepEqual(ends, [[500, "The answer was 500"], [499, ""], [undefined, ""]]);
});
