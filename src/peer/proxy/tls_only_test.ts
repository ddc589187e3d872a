import assert from "node:assert/strict";
import { MemoryNet } from "../../testing/memory_net.ts";
import { tlsOnly } from "./tls_only.ts";

async function setup() {
  const net = new MemoryNet();
  using listener = net.listen({ hostname: "10.0.0.1", port: 443 });
  const conn = tlsOnly(await net.connect(listener, new AbortController().signal));
  for await (const far of listener) return { conn, far };
  throw new Error("nobody connected");
}

const HELLO = Uint8Array.of(22, 3, 1);

Deno.test("what begins as TLS passes, and is answered", async () => {
  const { conn, far } = await setup();
  await conn.write(HELLO);
  await conn.write(Uint8Array.of(1));
  const into = new Uint8Array(10);
  assert.deepEqual([await far.read(into), into[0]], [3, 22]);
  await far.write(HELLO);
  assert.equal(await conn.read(into), 3);
});

Deno.test("what does not begin as TLS is refused before a byte of it has passed", async () => {
  const { conn, far } = await setup();
  await assert.rejects(conn.write(new TextEncoder().encode("GET /")), { code: "invalid_argument" });
  conn.close();
  assert.equal(await far.read(new Uint8Array(1)), null);
});

Deno.test("the far end is not heard before the near one has begun", async () => {
  const { conn, far } = await setup();
  await far.write(new TextEncoder().encode("220 mail"));
  const into = new Uint8Array(10);
  let isRead = false;
  const reading = conn.read(into).then((count) => {
    isRead = true;
    return count;
  });
  for (let turn = 0; turn < 10; turn++) await Promise.resolve();
  assert.equal(isRead, false);
  await conn.write(HELLO);
  assert.equal(await reading, 8);
});

Deno.test("who waits for the far end learns that the tunnel is closed", async () => {
  const { conn } = await setup();
  const reading = conn.read(new Uint8Array(1));
  conn.close();
  assert.equal(await reading, null);
});
