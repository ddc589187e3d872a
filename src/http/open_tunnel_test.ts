import assert from "node:assert/strict";
import { MemoryNet } from "../testing/memory_net.ts";
import { RawClient } from "../testing/raw_http.ts";
import { openTunnel } from "./open_tunnel.ts";

const TARGET = { hostname: "fd00::1", port: 443 };

/** A proxy at the other end of a connection. */
async function setup() {
  const net = new MemoryNet();
  using listener = net.listen({ hostname: "10.0.0.1", port: 3128 });
  const conn = await net.connect(listener, new AbortController().signal);
  for await (const far of listener) return { conn, proxy: new RawClient(far) };
  throw new Error("nobody connected");
}

Deno.test("a tunnel begins behind the answer, to the byte", async () => {
  const { conn, proxy } = await setup();
  const opened = openTunnel(conn, TARGET, "Basic eA==", new AbortController().signal);
  const asked = await proxy.until(/\r\n\r\n$/);
  assert.equal(
    asked,
    "CONNECT [fd00::1]:443 HTTP/1.1\r\nHost: [fd00::1]:443\r\nProxy-Authorization: Basic eA==\r\n\r\n",
  );
  await proxy.write("HTTP/1.0 200\r\nX: y\r\n\r\nfirst");
  await opened;
  const into = new Uint8Array(10);
  assert.equal(new TextDecoder().decode(into.subarray(0, await conn.read(into) ?? 0)), "first");
});

Deno.test("what is no tunnel is told: a refusal, an end, and an answer without one", async () => {
  const answers = [
    ["HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", /refused a tunnel: HTTP\/1\.1 407/],
    ["HTTP/1.1 2000 x\r\n\r\n", /refused a tunnel/],
    ["HTTP/1.1 200 OK\r\n", /ended the connection/],
    [`HTTP/1.1 200 OK\r\nX: ${"y".repeat(20_000)}`, /has no end/],
  ] as const;
  for (const [answer, message] of answers) {
    const { conn, proxy } = await setup();
    const opened = openTunnel(conn, TARGET, undefined, new AbortController().signal);
    await proxy.write(answer);
    proxy[Symbol.dispose]();
    await assert.rejects(opened, { code: "unavailable", message });
  }
});

Deno.test("who does not wait for a tunnel any more closes its connection", async () => {
  const { conn } = await setup();
  const left = new AbortController();
  const opened = openTunnel(conn, TARGET, undefined, left.signal);
  left.abort();
  await assert.rejects(opened);
});
