/** A dfdaemon in earnest, whose port 4001 gets what no client sends: it goes on serving, and its memory is bounded. */
import assert from "node:assert/strict";
import { join } from "node:path";
import type { Random } from "../../src/runtime/random.ts";
import { realNet } from "../../src/runtime/real_net.ts";
import { RawClient } from "../../src/testing/raw_http.ts";
import { seededRandom } from "../../src/testing/seeded_random.ts";
import { reserveAddresses } from "./lib/addresses.ts";
import { type Peer, startPeer } from "./lib/components.ts";
import { residentBytes } from "./lib/metrics.ts";
import { Workspace } from "./lib/workspace.ts";

const MIB = 1024 * 1024;
const ROUNDS = 3;
/** Of one round, all open at once: about as many as the port takes. */
const CONNECTIONS = 1_000;
/** Half of what is sent. What all connections may hold at a time comes to about 400 MiB, more where V8 has no time. */
const RESIDENT_BYTES_MAX = 1_024 * MIB;
const HEAD = "GET / HTTP/1.1\r\nHost: a\r\n";

/** What is sent, as far as it is taken. */
const FLOODS: readonly Uint8Array[] = [
  `${HEAD}X: ${"a".repeat(60_000)}`,
  `${HEAD}X: ${"a".repeat(2 * MIB)}\r\n\r\n`,
  `${HEAD}${"a:b\r\n".repeat(20_000)}`,
  `${HEAD}\r\n`.repeat(2_000),
  `POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1;${"a".repeat(2 * MIB)}`,
  `PUT /v2/ HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000000\r\n\r\n${"a".repeat(2 * MIB)}`,
  "CONNECT 192.0.2.1:443 HTTP/1.1\r\nHost: 192.0.2.1:443\r\n\r\n",
  `\x16\x03\x01\x02\x00\x01\x00\x01\x7c\x03\x03${"\0".repeat(500)}`,
  `${HEAD}X: slow`,
].map((text) => new TextEncoder().encode(text));

async function round(peer: Peer, random: Random): Promise<void> {
  const net = realNet();
  const to = { hostname: peer.ip, port: 4001 };
  const clients = await Promise.all(Array.from({ length: CONNECTIONS }, async (_, n) => {
    const client = await RawClient.connect(net, to);
    const what = n % 10 === 9 ? random.bytes(2_000) : FLOODS[n % FLOODS.length] ?? "";
    // Who is refused, or has to make room, sees the end of the connection.
    return { client, sent: client.write(what).catch(() => {}) };
  }));
  const answer = await fetch(`${peer.mirrorUrl}/v3`);
  await answer.body?.cancel();
  assert.equal(answer.status, 404, "while all of them are open");
  for (const { client } of clients) client[Symbol.dispose]();
  await Promise.all(clients.map(({ sent }) => sent));
}

Deno.test("a dfdaemon that is flooded with what is no request serves on, and its memory stays bounded", async () => {
  await using workspace = await Workspace.create();
  await using addresses = await reserveAddresses();
  const place = { name: "dfdaemon", ip: addresses.ip(1), dir: join(workspace.dir, "dfdaemon") };
  await using peer = await startPeer(place, {});
  const random = seededRandom(1);
  for (let n = 0; n < ROUNDS; n++) {
    await round(peer, random);
    const resident = await residentBytes(`http://${peer.ip}:4002/metrics`);
    assert.ok(resident < RESIDENT_BYTES_MAX, `${resident} bytes after ${n + 1} rounds`);
  }
  assert.ok(peer.process.isAlive());
  assert.doesNotMatch(peer.process.log(), /"level":"error"/);
});
