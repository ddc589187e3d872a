import assert from "node:assert/strict";
import { realClock } from "../runtime/clock.ts";
import { realNet } from "../runtime/real_net.ts";
import { type HttpHandler, startHttpServer } from "./serve.ts";

function start(handler: HttpHandler, drainTimeoutMs?: number) {
  const server = startHttpServer({
    listen: { hostname: "127.0.0.1", port: 0 },
    handler,
    onError: (error) => assert.fail(String(error)),
    clock: realClock(),
    net: realNet(),
    ...(drainTimeoutMs === undefined ? {} : { drainTimeoutMs }),
  });
  return { server, url: `http://127.0.0.1:${server.port}/` };
}

/** A body of two parts, of which the second one comes when `until` resolves. */
function twoParts(until: Promise<unknown>): ReadableStream<Uint8Array<ArrayBuffer>> {
  let parts = 0;
  return new ReadableStream({
    async pull(controller) {
      parts += 1;
      if (parts === 2) await until;
      if (parts === 3) return controller.close();
      controller.enqueue(new Uint8Array(1000));
    },
  }, { highWaterMark: 0 });
}

Deno.test("a server that stops lets a running answer finish, and takes nobody else meanwhile", async () => {
  const more = Promise.withResolvers<void>();
  const { server, url } = start(() => new Response(twoParts(more.promise)));
  const running = await fetch(url);
  const stopped = server[Symbol.asyncDispose]();
  await assert.rejects(fetch(url));
  more.resolve();
  assert.equal((await running.bytes()).length, 2000);
  await stopped;
});

Deno.test("a server that stops ends an answer that takes too long, and the process lives on", async () => {
  const { server, url } = start(() => new Response(twoParts(new Promise(() => {}))), 50);
  const running = await fetch(url);
  const broken = assert.rejects(running.bytes());
  await server[Symbol.asyncDispose]();
  await broken;
});

Deno.test("a server that stops tells handlers that still work on an answer to give up", async () => {
  const began = Promise.withResolvers<void>();
  const gaveUp = Promise.withResolvers<void>();
  const { server, url } = start((_request, { signal }) => {
    began.resolve();
    signal.addEventListener("abort", () => gaveUp.resolve());
    return new Promise(() => {});
  }, 50);
  const broken = assert.rejects(fetch(url));
  await began.promise;
  await server[Symbol.asyncDispose]();
  await Promise.all([gaveUp.promise, broken]);
});

Deno.test("an idle connection does not keep a server from stopping", async () => {
  const { server, url } = start(() => new Response("here"), 60_000);
  assert.equal(await (await fetch(url)).text(), "here");
  await server[Symbol.asyncDispose]();
});

Deno.test("a port that is in use is named", async () => {
  const { server } = start(() => new Response());
  await using _server = server;
  const listen = { hostname: "127.0.0.1", port: server.port };
  const again = { listen, handler: () => new Response(), onError() {}, clock: realClock(), net: realNet() };
  assert.throws(() => startHttpServer(again), { code: "already_exists", message: new RegExp(`:${server.port}`) });
});

Deno.test("a TLS ClientHello is answered with an HTTP 400, so that containerd falls back to plain HTTP", async () => {
  const { server } = start(() => new Response("plain"));
  using client = await Deno.connect({ hostname: server.hostname, port: server.port });
  // Record header (handshake, TLS 1.0, 45 bytes), ClientHello of 41 bytes: version, random, no session, one cipher.
  await client.write(
    new Uint8Array([22, 3, 1, 0, 45, 1, 0, 0, 41, 3, 3, ...new Uint8Array(32), 0, 0, 2, 0xc0, 0x2f, 1, 0]),
  );
  const answer = new Uint8Array(100);
  const length = await client.read(answer);
  assert.match(new TextDecoder().decode(answer.subarray(0, length ?? 0)), /^HTTP\/1\.1 400 /);
  await server[Symbol.asyncDispose]();
});

Deno.test("what a handler throws goes to its owner, and the requester learns nothing of it", async () => {
  const errors: unknown[] = [];
  await using server = startHttpServer({
    listen: { hostname: "127.0.0.1", port: 0 },
    handler: () => Promise.reject(new Error("secret")),
    onError: (error) => errors.push(error),
    clock: realClock(),
    net: realNet(),
  });
  const response = await fetch(`http://127.0.0.1:${server.port}/`);
  assert.deepEqual([response.status, await response.text()], [500, ""]);
  assert.deepEqual(errors.map(String), ["Error: secret"]);
});
