import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createSecureContext } from "node:tls";
import { testCertificates } from "../testing/certificates.ts";
import { MemoryNet } from "../testing/memory_net.ts";
import { RawClient } from "../testing/raw_http.ts";
import { settle, VirtualClock } from "../testing/virtual_clock.ts";
import type { Interception } from "./interception.ts";
import { startHttpServer } from "./serve.ts";

function interception(): Interception {
  const { cert, key } = testCertificates("a");
  const secureContext = createSecureContext({ cert: readFileSync(cert), key: readFileSync(key) });
  return { origin: "https://localhost", secureContext, service: { handler: () => new Response("in the tunnel") } };
}

Deno.test("who is gone before his tunnel begins takes up no place among the connections", async () => {
  const [net, clock] = [new MemoryNet(), new VirtualClock()];
  const [asked, left] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  await using server = startHttpServer({
    listen: { hostname: "10.0.0.1", port: 80 },
    handler: () => new Response("here"),
    onConnect: async (_, { signal }) => {
      signal.addEventListener("abort", () => left.resolve());
      asked.resolve();
      await left.promise;
      return interception();
    },
    connectionsMax: 1,
    onError: () => {},
    ...{ net, clock },
  });
  const first = await RawClient.connect(net, server);
  await first.write("CONNECT localhost:443 HTTP/1.1\r\nHost: x\r\n\r\n");
  await asked.promise;
  await clock.advance(11 * 60_000); // he says nothing for longer than anybody is waited for
  await left.promise;
  await settle();
  first[Symbol.dispose]();

  using second = await RawClient.connect(net, server);
  await second.write("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  let answer: string | undefined;
  const whole = second.untilEnd().then((text) => answer = text);
  for (let n = 0; n < 100 && answer === undefined; n++) await settle();
  assert.match(answer ?? "nobody answers", /^HTTP\/1\.1 200 OK/);
  await whole;
});
