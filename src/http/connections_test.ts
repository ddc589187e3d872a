import assert from "node:assert/strict";
import { MemoryNet } from "../testing/memory_net.ts";
import { RawClient } from "../testing/raw_http.ts";
import { VirtualClock } from "../testing/virtual_clock.ts";
import { type HttpHandler, startHttpServer } from "./serve.ts";

/** Turns of the clock that a test waits for what passes beside it. */
const TURNS_MAX = 1_000;
const REQUEST = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

function setup(handler: HttpHandler = () => new Response("here"), connectionsMax = 10) {
  const [net, clock] = [new MemoryNet(), new VirtualClock()];
  const server = startHttpServer({
    listen: { hostname: "10.0.0.1", port: 80 },
    onError: (error) => assert.fail(String(error)),
    ...{ handler, connectionsMax, net, clock },
  });
  return {
    clock,
    connect: () => RawClient.connect(net, server),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

Deno.test("headers that come too slowly are refused after ten seconds", async () => {
  await using it = setup();
  using client = await it.connect();
  await client.write("GET / HT");
  await it.clock.advance(9_000);
  await client.write("TP/1.1\r\n");
  let said: string | undefined;
  void client.untilEnd().then((text) => said = text);
  // Bytes pass in turns of their own, which a clock does not wait for.
  for (let turns = 0; said === undefined && turns < TURNS_MAX; turns++) await it.clock.advance(1_000);
  assert.match(said ?? "", /^HTTP\/1\.1 408 /);
});

Deno.test("who was refused and goes on sending is cut off after a second", async () => {
  await using it = setup();
  using client = await it.connect();
  await client.write("nonsense\r\n\r\n");
  await client.until(/400/);
  await client.write("more");
  await it.clock.advance(3_000);
  await assert.rejects(async () => {
    for (;;) await client.write("more");
  });
});

Deno.test("a connection without a request is kept for two minutes, also after one was answered", async () => {
  await using it = setup();
  using client = await it.connect();
  await it.clock.advance(119_000);
  await client.write(REQUEST);
  await client.until(/here/);
  await it.clock.advance(119_000);
  await client.write(REQUEST);
  await client.until(/here[^]*here/);
  await it.clock.advance(123_000);
  assert.match(await client.untilEnd(), /here\r\n0\r\n\r\n$/);
});

Deno.test("an answer that takes long is waited for, one that does not move for ten minutes is not", async () => {
  const answer = Promise.withResolvers<Response>();
  const asked = Promise.withResolvers<AbortSignal>();
  await using it = setup((_request, { signal }) => {
    asked.resolve(signal);
    return answer.promise;
  });
  using client = await it.connect();
  await client.write(REQUEST);
  const signal = await asked.promise;
  await it.clock.advance(599_000);
  assert.equal(signal.aborted, false);
  await it.clock.advance(3_000);
  assert.equal(await client.untilEnd(), "");
  assert.equal(signal.aborted, true);
  answer.resolve(new Response());
});

Deno.test("one connection too many takes the place of the one that is idle longest", async () => {
  await using it = setup(undefined, 2);
  using first = await it.connect();
  await it.clock.advance(1);
  using second = await it.connect();
  await it.clock.advance(1);
  using third = await it.connect();
  assert.equal(await first.untilEnd(), "");
  for (const client of [second, third]) {
    await client.write(REQUEST);
    await client.until(/here/);
  }
});

Deno.test("one connection too many waits while all the others are busy", async () => {
  const answers = [Promise.withResolvers<Response>(), Promise.withResolvers<Response>()];
  let asked = 0;
  await using it = setup(() => answers[asked++]?.promise ?? new Response("third"), 2);
  using first = await it.connect();
  using second = await it.connect();
  for (const client of [first, second]) await client.write(REQUEST);
  await it.clock.advance(0);
  using third = await it.connect();
  await third.write(REQUEST);
  await it.clock.advance(1_000);
  assert.equal(asked, 2);
  for (const answer of answers) answer.resolve(new Response(null, { headers: { connection: "close" } }));
  assert.match(await third.until(/third/), /200/);
});

Deno.test("who sends many requests ahead is cut off", async () => {
  const left: Promise<void>[] = [];
  await using it = setup(async (_request, { signal }) => {
    left.push(new Promise((resolve) => signal.addEventListener("abort", () => resolve(), { once: true })));
    await left.at(-1);
    return new Response();
  });
  using client = await it.connect();
  await client.write(REQUEST.repeat(200)).catch(() => {});
  assert.equal(await client.untilEnd(), "");
  assert.equal(left.length, 8);
  await Promise.all(left);
});

Deno.test("a requester who leaves ends the wait of the handler, and the body of an answer", async () => {
  const asked = Promise.withResolvers<AbortSignal>();
  const cancelled = Promise.withResolvers<unknown>();
  await using it = setup((request, { signal }) => {
    if (new URL(request.url).pathname === "/") return new Response(endless(cancelled.resolve));
    asked.resolve(signal);
    return new Promise<Response>((resolve) => signal.addEventListener("abort", () => resolve(new Response())));
  });
  {
    using client = await it.connect();
    await client.write(REQUEST);
    await client.until(/aaaa/);
  }
  await cancelled.promise;
  {
    using client = await it.connect();
    await client.write(REQUEST.replace("/", "/wait"));
    await asked.promise;
  }
  const signal = await asked.promise;
  await new Promise<void>((resolve) => signal.aborted ? resolve() : signal.addEventListener("abort", () => resolve()));
});

Deno.test("a body is only taken as fast as the requester reads it", async () => {
  let given = 0;
  await using it = setup(() => new Response(endless(() => {}, () => given += 1)));
  using client = await it.connect();
  await client.write(REQUEST);
  await client.until(/aaaa/);
  await it.clock.advance(5_000);
  assert.ok(given < 150, `${given} KiB`); // what the stream and the pipe in memory hold
});

Deno.test("a body that fails, or is shorter than it was said to be, ends the connection", async () => {
  const failing = () => new ReadableStream({ pull: () => Promise.reject(new Error("gone")) }, { highWaterMark: 0 });
  for (const body of [failing, () => "short"]) {
    await using it = setup(() => new Response(body(), { headers: { "content-length": "1000" } }));
    using client = await it.connect();
    await client.write(REQUEST);
    assert.match(await client.untilEnd(), /^HTTP\/1\.1 200 OK\r\n[^]*\r\n\r\n(short)?$/);
  }
});

Deno.test("the answer to HEAD says how long the body is and has none", async () => {
  await using it = setup(() => new Response("here", { headers: { "content-length": "4" } }));
  using client = await it.connect();
  await client.write(REQUEST.replace("GET", "HEAD"));
  const answer = await client.until(/\r\n\r\n/);
  assert.match(answer, /content-length: 4/i);
  assert.doesNotMatch(answer, /here/);
});

/** Bytes without an end, a KiB at a time. */
function endless(onCancel: (reason: unknown) => void, onPull = () => {}): ReadableStream<Uint8Array<ArrayBuffer>> {
  return new ReadableStream({
    pull(controller) {
      onPull();
      controller.enqueue(new Uint8Array(1024).fill(97));
    },
    cancel: onCancel,
  }, { highWaterMark: 0 });
}
