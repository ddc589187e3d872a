import assert from "node:assert/strict";
import type { Conn } from "../runtime/net.ts";
import { MemoryNet } from "../testing/memory_net.ts";
import { RawClient } from "../testing/raw_http.ts";
import { VirtualClock } from "../testing/virtual_clock.ts";
import { startHttpServer } from "./serve.ts";

/** A server that takes tunnels to a far end, which the test holds. */
async function setup() {
  const [net, clock] = [new MemoryNet(), new VirtualClock()];
  const listener = net.listen({ hostname: "10.0.0.2", port: 443 });
  const server = startHttpServer({
    listen: { hostname: "10.0.0.1", port: 80 },
    handler: () => new Response("no tunnel"),
    onConnect: ({ target }, { signal }) => net.connect(target, signal),
    onError: () => {},
    ...{ net, clock },
  });
  const client = await RawClient.connect(net, server);
  /** Opens the tunnel, whose first bytes come along with the request. */
  const open = async (early = ""): Promise<Conn> => {
    await client.write(`CONNECT 10.0.0.2:443 HTTP/1.1\r\nHost: x\r\n\r\n${early}`);
    for await (const far of listener) {
      await client.until(/^HTTP\/1\.1 200 Connection Established\r\n\r\n/);
      return far;
    }
    throw new Error("nobody connected");
  };
  return {
    client,
    clock,
    open,
    stop: () => server[Symbol.asyncDispose](),
    async [Symbol.asyncDispose]() {
      client[Symbol.dispose]();
      listener[Symbol.dispose]();
      await server[Symbol.asyncDispose]();
    },
  };
}

async function read(conn: Conn): Promise<string | null> {
  const buffer = new Uint8Array(1_000);
  const count = await conn.read(buffer);
  return count === null ? null : new TextDecoder().decode(buffer.subarray(0, count));
}

const write = (conn: Conn, text: string) => conn.write(new TextEncoder().encode(text));

Deno.test("a tunnel passes bytes both ways, those that came with the request first", async () => {
  await using it = await setup();
  using far = await it.open("early");
  assert.equal(await read(far), "early");
  await it.client.write("late");
  assert.equal(await read(far), "late");
  await write(far, "answer");
  await it.client.until(/answer/);
});

Deno.test("the end of one direction of a tunnel leaves the other one open", async () => {
  await using it = await setup();
  using far = await it.open();
  await it.client.write("question");
  await it.client.closeWrite();
  assert.equal(await read(far), "question");
  assert.equal(await read(far), null);
  await write(far, "the answer comes all the same");
  await far.closeWrite();
  assert.match(await it.client.untilEnd(), /the answer comes all the same$/);
});

Deno.test("the far end of a tunnel may end first, and still be told more", async () => {
  await using it = await setup();
  using far = await it.open();
  await far.closeWrite();
  await it.client.untilEnd();
  await it.client.write("more");
  assert.equal(await read(far), "more");
});

Deno.test("when one side of a tunnel is gone the other one is closed", async () => {
  for (const side of ["near", "far"] as const) {
    await using it = await setup();
    using far = await it.open();
    if (side === "near") it.client[Symbol.dispose]();
    else far.close();
    if (side === "near") assert.equal(await read(far), null);
    else await it.client.untilEnd();
  }
});

Deno.test("a tunnel ends with its server", async () => {
  await using it = await setup();
  using far = await it.open();
  const stopped = it.stop();
  await it.clock.advance(5_000);
  assert.equal(await read(far), null);
  await stopped;
});

Deno.test("a tunnel in which nothing moves for ten minutes ends", async () => {
  await using it = await setup();
  using far = await it.open();
  await it.clock.advance(599_000);
  await write(far, "still here");
  await it.client.until(/still here/);
  await it.clock.advance(599_000);
  await it.client.write("and here");
  assert.equal(await read(far), "and here");
  await it.clock.advance(603_000);
  assert.equal(await read(far), null);
});

Deno.test("a tunnel takes no more than its slow side reads", async () => {
  await using it = await setup();
  using far = await it.open();
  let written = 0;
  const block = new Uint8Array(64 * 1024);
  const writing = (async () => {
    for (;;) {
      await far.write(block);
      written += block.length;
    }
  })().catch(() => {});
  await it.clock.advance(1_000);
  assert.ok(written <= 4 * block.length, `${written}`);
  it.client[Symbol.dispose]();
  await writing;
});

Deno.test("CONNECT to what is no host and port is refused", async () => {
  for (const target of ["a", "a:", "a:0", "a:70000", "http://a:1/", "u@a:1", "a b:1", "[::1:1", ":1"]) {
    await using it = await setup();
    await it.client.write(`CONNECT ${target} HTTP/1.1\r\nHost: x\r\n\r\n`);
    assert.match(await it.client.untilEnd(), /^HTTP\/1\.1 400 /, target);
  }
});
