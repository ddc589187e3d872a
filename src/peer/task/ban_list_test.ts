import assert from "node:assert/strict";
import { testRuntime } from "../../testing/test_runtime.ts";
import { VirtualClock } from "../../testing/virtual_clock.ts";
import { BanList, hostIdOfPeer } from "./ban_list.ts";

const UUID = "6f1c2d3e-0000-4000-8000-123456789abc";

Deno.test("a ban is of the host, whatever its next peer id is, and ends after its time", async () => {
  const clock = new VirtualClock();
  const bans = new BanList(testRuntime({ clock }));
  bans.ban(`10.0.0.1-node-a-${UUID}`, "t");
  assert.equal(bans.has("10.0.0.1-node-a"), true);
  assert.equal(bans.has("10.0.0.1-node-b"), false);
  await clock.advance(60 * 60_000);
  assert.equal(bans.has("10.0.0.1-node-a"), false);
});

Deno.test("the list of bans is bounded: the oldest makes way", () => {
  const bans = new BanList(testRuntime({ clock: new VirtualClock() }));
  for (let i = 0; i <= 1_024; i++) bans.ban(`10.0.0.1-node-${i}-${UUID}`, "t");
  assert.equal(bans.has("10.0.0.1-node-0"), false);
  assert.equal(bans.has("10.0.0.1-node-1"), true);
  assert.equal(bans.has("10.0.0.1-node-1024"), true);
});

Deno.test("the host of a seed's peer is the seed", () => {
  assert.equal(hostIdOfPeer(`10.0.0.1-node-a-${UUID}-seed`), "10.0.0.1-node-a-seed");
  assert.equal(hostIdOfPeer("strange"), "strange");
});
