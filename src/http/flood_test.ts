/** Requesters who send far more than a request has, or than they ever finish. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { DamselflyError } from "../core/error.ts";
import { MemoryNet } from "../testing/memory_net.ts";
import { RawClient } from "../testing/raw_http.ts";
import { VirtualClock } from "../testing/virtual_clock.ts";
import { startHttpServer } from "./serve.ts";

const GOOD = "GET /alive HTTP/1.1\r\nHost: a\r\n\r\n";
const CHUNKED = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
const CONNECTIONS_MAX = 20;
const PART = "a".repeat(16 * 1024);
/** Far more than any limit of a head. */
const PARTS = 64;

function setup() {
  const [net, clock, asked, connected] = [new MemoryNet(), new VirtualClock(), [] as string[], [] as string[]];
  const server = startHttpServer({
    listen: { hostname: "10.0.0.1", port: 80 },
    handler: async (request) => {
      asked.push(new URL(request.url).pathname);
      await request.text().catch(() => "");
      return new Response("here");
    },
    onConnect: ({ target: { hostname, port } }) => {
      connected.push(`${hostname}:${port}`);
      return Promise.reject(new DamselflyError("unavailable", "Nobody is there"));
    },
    // What a handler throws is told; of what requesters do nothing is.
    onError: (error) => assert.ok(error instanceof DamselflyError && error.code === "unavailable", String(error)),
    connectionsMax: CONNECTIONS_MAX,
    ...{ net, clock },
  });
  const connect = () => RawClient.connect(net, server);
  return {
    ...{ clock, asked, connected, connect },
    /** Whether the server still answers who asks it something sensible. */
    async answers() {
      using client = await connect();
      await client.write(GOOD);
      await client.until(/^HTTP\/1\.1 200 [^]*here/);
    },
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

/** Sends a beginning, and then parts without an end, as long as anybody takes them. */
async function flood(client: RawClient, begin: string, part: string): Promise<void> {
  try {
    await client.write(begin);
    for (let n = 0; n < PARTS; n++) await client.write(part);
  } catch {
    // The server has closed the connection.
  }
}

for (
  const [what, begin, part] of [
    ["a request line", "GET /", PART],
    ["a header", "GET / HTTP/1.1\r\nHost: a\r\nX: ", PART],
    ["headers", "GET / HTTP/1.1\r\nHost: a\r\n", `X: ${PART}\r\n`],
    ["very small headers", "GET / HTTP/1.1\r\nHost: a\r\n", "a:b\r\n".repeat(3_000)],
    ["headers behind the chunks", `${CHUNKED}0\r\n`, `X: ${PART}\r\n`],
  ] as const
) {
  Deno.test(`${what} without an end is refused, and others are served meanwhile`, async () => {
    await using it = setup();
    using client = await it.connect();
    const sending = flood(client, begin, part);
    await it.answers();
    assert.match(await client.until(/\r\n\r\n/), /^HTTP\/1\.1 4(?:00|13|31) /);
    await sending;
    await it.answers();
  });
}

Deno.test("what stands behind the length of a chunk is dropped as it comes, and goes with its connection", async () => {
  await using it = setup();
  for (const [begin, part] of [[`${CHUNKED}1;`, PART], [CHUNKED, `1;${PART}\r\na\r\n`]] as const) {
    using client = await it.connect();
    await flood(client, begin, part);
    await it.answers();
    await client.closeWrite();
    await client.untilEnd();
  }
  await it.answers();
});

Deno.test("many who never finish their headers do not keep a good request waiting", async () => {
  await using it = setup();
  const slow: RawClient[] = [];
  for (let n = 0; n < 10 * CONNECTIONS_MAX; n++) {
    const client = await it.connect();
    await client.write(`GET /${n} HTTP/1.1\r\nHost: a\r\nX: `).catch(() => {});
    slow.push(client);
  }
  await it.answers();
  assert.deepEqual(it.asked, ["/alive"]);
  for (const client of slow) client[Symbol.dispose]();
  await it.answers();
});

Deno.test("requests without an end are cut off, and each is answered at most once", async () => {
  await using it = setup();
  using client = await it.connect();
  await flood(client, "", "GET /many HTTP/1.1\r\nHost: a\r\n\r\n".repeat(400));
  await it.answers();
  assert.ok(it.asked.length < 400, `${it.asked.length} were served`);
});

Deno.test("CONNECT to what is no host and port is refused, and nobody is connected", async () => {
  await using it = setup();
  const targets = [
    "/",
    "a",
    "a:",
    ":443",
    "a:0",
    "a:65536",
    "a:-1",
    "a:443:443",
    "a:443/x",
    "u@a:443",
    "[::1",
    "[a]:443",
  ];
  for (const target of [...targets, "http://a:443", "a:443?x", "a:443#x", "*", `${"a".repeat(300)}:443`, "a b:443"]) {
    using client = await it.connect();
    await client.write(`CONNECT ${target} HTTP/1.1\r\nHost: a\r\n\r\n`);
    assert.match(await client.until(/\r\n\r\n/), /^HTTP\/1\.1 400 /, target);
  }
  assert.deepEqual(it.connected, []);
  await it.answers();
});

Deno.test("whatever a CONNECT names, who is asked to connect gets a host and a port", async () => {
  await using it = setup();
  const target = fc.array(fc.constantFrom("a", "1", ":", ".", "[", "]", "%", "@", "/", "-", "443", "é", "\x7f", "::1"));
  await fc.assert(
    fc.asyncProperty(target, async (parts) => {
      using client = await it.connect();
      await client.write(`CONNECT ${parts.join("")} HTTP/1.1\r\nHost: a\r\n\r\n`);
      await client.until(/^HTTP\/1\.1 \d+ [^]*\r\n\r\n/);
    }),
    { numRuns: 300 },
  );
  for (const place of it.connected) assert.match(place, /^[\w.:-]+:\d{1,5}$/);
  await it.answers();
});

/** A request that is understood, in pieces that can be changed. */
const REQUEST = [
  ...["POST ", "/path", " HTTP/1.1", "\r\n", "Host: ", "a", "\r\n", "Content-Length: ", "4", "\r\n"],
  ...["Transfer-Encoding: ", "chunked", "\r\n", "Connection: keep-alive", "\r\n", "\r\n", "4\r\nbody\r\n0\r\n\r\n"],
];
const NOISE = [
  "\r",
  "\n",
  "\0",
  " ",
  "\t",
  ":",
  "\x80",
  "\xff",
  "0",
  "-1",
  "GET / HTTP/1.1\r\n",
  "chunked",
  ";",
  "\r\n\r\n",
];

Deno.test("a request with anything left out, doubled or put in leaves the server able to serve", async () => {
  await using it = setup();
  const edit = fc.record({
    at: fc.nat(REQUEST.length - 1),
    put: fc.option(fc.constantFrom(...NOISE)),
    isDoubled: fc.boolean(),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(edit, { minLength: 1, maxLength: 5 }), async (edits) => {
      const parts = [...REQUEST];
      for (const { at, put, isDoubled } of edits) {
        parts[at] = put === null ? isDoubled ? `${parts[at]}${parts[at]}` : "" : `${parts[at]}${put}`;
      }
      const before = it.asked.length;
      using client = await it.connect();
      await client.write(parts.join("") + GOOD).catch(() => {});
      await client.closeWrite();
      await client.untilEnd();
      // At most what was changed, what was put in, and the good one behind it.
      assert.ok(it.asked.length - before <= 2 + edits.length);
    }),
    { numRuns: 300 },
  );
  await it.answers();
});
