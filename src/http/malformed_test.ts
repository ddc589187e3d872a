import assert from "node:assert/strict";
import fc from "fast-check";
import { MemoryNet } from "../testing/memory_net.ts";
import { RawClient } from "../testing/raw_http.ts";
import { VirtualClock } from "../testing/virtual_clock.ts";
import { startHttpServer } from "./serve.ts";

interface Setup extends AsyncDisposable {
  /** The method, URL and body of each request that was served. */
  readonly served: string[];
  connect(): Promise<RawClient>;
}

function setup(): Setup {
  const [net, clock, served] = [new MemoryNet(), new VirtualClock(), [] as string[]];
  const server = startHttpServer({
    listen: { hostname: "10.0.0.1", port: 80 },
    handler: async (request, { isProxied }) => {
      served.push(`${isProxied ? "proxied " : ""}${request.method} ${request.url} ${await request.text()}`);
      return new Response("here");
    },
    onError: (error) => assert.fail(String(error)),
    ...{ net, clock },
  });
  return {
    served,
    connect: () => RawClient.connect(net, server),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

const SECOND = "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n";
const REFUSED: Readonly<Record<string, string>> = {
  "a length and chunks":
    `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${SECOND}`,
  "two lengths": `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nContent-Length: 36\r\n\r\n${SECOND}`,
  "a signed length": `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +0\r\n\r\n${SECOND}`,
  "an unknown coding": `POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n${SECOND}`,
  "a chunk of no size": `POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n\r\n${SECOND}`,
  "two lengths that agree": `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nContent-Length: 0\r\n\r\n${SECOND}`,
  "a list of lengths": `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0, 36\r\n\r\n${SECOND}`,
  "a length in hexadecimal": `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0x24\r\n\r\n${SECOND}`,
  "a length beyond all numbers": `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 18446744073709551616\r\n\r\n${SECOND}`,
  "chunks that are not the last coding":
    `POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n${SECOND}`,
  "chunks in a line that is folded":
    `POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n${SECOND}`,
  "chunks behind a tab": `POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n${SECOND}`,
  "a chunk size beyond all numbers":
    `POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n${SECOND}`,
  "a chunk that ends by LF alone":
    `POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\n0\r\n\r\n${SECOND}`,
  "a header without a name": "GET / HTTP/1.1\r\nHost: a\r\n: b\r\n\r\n",
  "a CR alone in a header": "GET / HTTP/1.1\r\nHost: a\r\nX: a\rb\r\n\r\n",
  "a folded header": `GET / HTTP/1.1\r\nHost: a\r\nX: b\r\n c\r\n\r\n`,
  "lines that end by LF alone": "GET / HTTP/1.1\nHost: a\n\n",
  "a space before the colon": "GET / HTTP/1.1\r\nHost : a\r\n\r\n",
  "a NUL": "GET / HTTP/1.1\r\nHost: a\r\nX: a\0b\r\n\r\n",
  "no host": "GET / HTTP/1.1\r\n\r\n",
  "two hosts": "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
  "a host with a path": "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n",
  "a host with a user": "GET / HTTP/1.1\r\nHost: u@a\r\n\r\n",
  "a URL with a password": "GET http://u:p@a/ HTTP/1.1\r\nHost: a\r\n\r\n",
  "a URL of another scheme": "GET file:///etc/passwd HTTP/1.1\r\nHost: a\r\n\r\n",
  "a target that is none": "GET * HTTP/1.1\r\nHost: a\r\n\r\n",
  "a version that is none": "GET / HTTP/9.9\r\nHost: a\r\n\r\n",
  "TLS": `\x16\x03\x01\x00\x2d\x01\x00\x00\x29\x03\x03${"\0".repeat(32)}\0\0\x02\xc0\x2f\x01\0`,
};

for (const [what, text] of Object.entries(REFUSED)) {
  Deno.test(`a request with ${what} is refused with an HTTP 400, and what follows it is not served`, async () => {
    await using it = setup();
    using client = await it.connect();
    await client.write(text);
    const answer = await client.until(/\r\n\r\n/);
    assert.match(answer, /^HTTP\/1\.1 400 /);
    assert.ok(!it.served.some((request) => request.includes("smuggled")), it.served.join());
    assert.doesNotMatch(answer, /u:p/);
  });
}

Deno.test("headers that are too long are refused with 431, and the rest of them is not kept", async () => {
  await using it = setup();
  using client = await it.connect();
  const sent = client.write(`GET / HTTP/1.1\r\nHost: a\r\nX: ${"a".repeat(1_000_000)}\r\n\r\n`).catch(() => {});
  assert.match(await client.until(/\r\n\r\n/), /^HTTP\/1\.1 431 /);
  await sent;
  assert.deepEqual(it.served, []);
});

Deno.test("methods that nobody needs are refused", async () => {
  await using it = setup();
  using client = await it.connect();
  await client.write("TRACE / HTTP/1.1\r\nHost: a\r\n\r\n");
  assert.match(await client.until(/\r\n\r\n/), /^HTTP\/1\.1 501 /);
});

Deno.test("without a handler for it CONNECT is refused", async () => {
  await using it = setup();
  using client = await it.connect();
  await client.write("CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n");
  assert.match(await client.untilEnd(), /^HTTP\/1\.1 405 /);
});

Deno.test("a request by URL is one for a proxy, whatever its Host says", async () => {
  await using it = setup();
  using client = await it.connect();
  await client.write("GET http://b:1/x?y HTTP/1.1\r\nHost: a\r\n\r\n");
  await client.until(/here/);
  assert.deepEqual(it.served, ["proxied GET http://b:1/x?y "]);
});

Deno.test("requests of one connection are answered in order, their bodies apart from each other", async () => {
  await using it = setup();
  using client = await it.connect();
  await client.write("POST /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\none");
  await client.until(/here/);
  await client.write("POST /2 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\ntwo\r\n0\r\n\r\n");
  await client.until(/here[^]*here/);
  assert.deepEqual(it.served, ["POST http://a/1 one", "POST http://a/2 two"]);
});

Deno.test("an upgrade is not made: the request is answered as it is without", async () => {
  await using it = setup();
  using client = await it.connect();
  await client.write("GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
  assert.match(await client.until(/here/), /^HTTP\/1\.1 200 /);
});

Deno.test("whatever bytes come, the server lives on", async () => {
  await using it = setup();
  const noise = fc.oneof(
    fc.uint8Array({ minLength: 1, maxLength: 2_000 }),
    fc.array(fc.constantFrom("GET ", "CONNECT ", "/", "a:1", " HTTP/1.1", "\r\n", "\n", "Host: a", ":", "chunked"))
      .map((parts) => new TextEncoder().encode(`${parts.join("")}\r\n`)),
  );
  await fc.assert(
    fc.asyncProperty(noise, async (bytes) => {
      using client = await it.connect();
      await client.write(bytes);
    }),
    { numRuns: 300 },
  );
  using client = await it.connect();
  await client.write("GET /alive HTTP/1.1\r\nHost: a\r\n\r\n");
  await client.until(/here/);
});
