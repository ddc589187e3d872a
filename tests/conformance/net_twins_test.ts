import assert from "node:assert/strict";
import { DamselflyError } from "../../src/core/error.ts";
import type { Conn, Listener, Net } from "../../src/runtime/net.ts";
import { realNet } from "../../src/runtime/real_net.ts";
import { MemoryNet } from "../../src/testing/memory_net.ts";

const nets: Record<string, () => Net> = { real: realNet, memory: () => new MemoryNet() };
const signal = new AbortController().signal;

function test(promise: string, run: (net: Net) => Promise<void>): void {
  for (const [kind, open] of Object.entries(nets)) Deno.test(`${kind} net: ${promise}`, () => run(open()));
}

async function accept(listener: Listener): Promise<Conn> {
  for await (const conn of listener) return conn;
  throw new Error("the listener ended");
}

async function pair(net: Net): Promise<{ client: Conn; server: Conn }> {
  using listener = net.listen({ hostname: "127.0.0.1", port: 0 });
  const accepted = accept(listener);
  const client = await net.connect({ hostname: "127.0.0.1", port: listener.port }, signal);
  return { client, server: await accepted };
}

test("what one side writes the other one reads, then the end", async (net) => {
  const { client, server } = await pair(net);
  using _client = client;
  using _server = server;
  await client.write(Uint8Array.of(1, 2, 3));
  await client.closeWrite();
  const buffer = new Uint8Array(8);
  assert.equal(await server.read(buffer), 3);
  assert.deepEqual([...buffer.subarray(0, 3)], [1, 2, 3]);
  assert.equal(await server.read(buffer), null);
  await server.write(Uint8Array.of(9));
  assert.equal(await client.read(buffer), 1);
});

test("a read into a small buffer leaves the rest for the next one", async (net) => {
  const { client, server } = await pair(net);
  using _client = client;
  using _server = server;
  await client.write(Uint8Array.of(1, 2, 3));
  const buffer = new Uint8Array(2);
  assert.equal(await server.read(buffer), 2);
  assert.equal(await server.read(buffer), 1);
  assert.equal(buffer[0], 3);
});

test("a writer waits for a reader who does not read", async (net) => {
  const { client, server } = await pair(net);
  using _server = server;
  let isDone = false;
  const writing = client.write(new Uint8Array(64 * 1024 * 1024)).then(() => isDone = true, () => {});
  const buffer = new Uint8Array(1024);
  for (let i = 0; i < 100; i++) assert.ok(await server.read(buffer));
  assert.equal(isDone, false);
  client.close();
  server.close();
  await writing;
});

test("a closed connection rejects the read that waits on it", async (net) => {
  const { client, server } = await pair(net);
  using _server = server;
  const reading = client.read(new Uint8Array(1));
  client.close();
  await assert.rejects(reading);
});

test("nobody listening is unavailable", async (net) => {
  const listener = net.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener;
  listener[Symbol.dispose]();
  await assert.rejects(
    net.connect({ hostname: "127.0.0.1", port }, signal),
    (error: unknown) => error instanceof DamselflyError && error.code === "unavailable",
  );
});

test("a port in use is already_exists, and the text names it", (net) => {
  using listener = net.listen({ hostname: "127.0.0.1", port: 0 });
  assert.throws(
    () => net.listen({ hostname: "127.0.0.1", port: listener.port }),
    (error: unknown) =>
      error instanceof DamselflyError && error.code === "already_exists" && error.message.includes(`:${listener.port}`),
  );
  return Promise.resolve();
});

test("disposing a listener ends its iteration", async (net) => {
  const listener = net.listen({ hostname: "127.0.0.1", port: 0 });
  const ended = accept(listener);
  listener[Symbol.dispose]();
  await assert.rejects(ended, /the listener ended/);
});

test("connecting with an aborted signal rejects with its reason", async (net) => {
  const reason = new Error("not wanted");
  await assert.rejects(net.connect({ hostname: "127.0.0.1", port: 1 }, AbortSignal.abort(reason)), reason);
});
