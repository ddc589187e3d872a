import assert from "node:assert/strict";
import { VirtualClock } from "../virtual_clock.ts";
import { SimNet } from "./sim_net.ts";

const NEVER = new AbortController().signal;

Deno.test("connections of a host that break end its transfers and no others, and it can begin new ones", async () => {
  const clock = new VirtualClock({ grainMs: 1 });
  using net = new SimNet(clock, { nearMs: 1, farMs: 5 }, 1);
  const [a, b, c] = ["a", "b", "c"].map((name) => net.add(`10.0.0.${name}`, name, { up: 100, down: 100 }));
  assert.ok(a !== undefined && b !== undefined && c !== undefined);
  const [broken, other] = [net.start(a, b, 1_000), net.start(b, c, 1_000)];
  const ends: string[] = [];
  for (const [name, flow] of Object.entries({ broken, other })) {
    net.moved(flow, 1_000, 1_000, NEVER).then(() => ends.push(`${name} came`), () => ends.push(`${name} broke`));
  }
  await clock.advance(2);
  net.breakConnections(a);
  await clock.advance(100);
  assert.deepEqual(ends, ["broken broke", "other came"]);
  const again = net.start(a, b, 1_000);
  net.moved(again, 1_000, 1_000, NEVER).then(() => ends.push("again came"));
  await clock.advance(100);
  assert.equal(ends.at(-1), "again came");
});
