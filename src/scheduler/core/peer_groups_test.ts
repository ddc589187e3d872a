import assert from "node:assert/strict";
import { seededRandom } from "../../testing/seeded_random.ts";
import { Swarm } from "../../testing/scheduler_swarm.ts";

/** Peers that say all kinds of things about the content, and behind them one that says what most say. */
function disputedSwarm(liars: number): Swarm {
  const swarm = new Swarm(seededRandom(1));
  for (let index = 0; index < liars; index++) {
    swarm.register(`liar${index}`, { pieceLength: (index + 1) << 10, needBackToSource: true });
    swarm.say(`liar${index}`, "back_to_source_started");
  }
  swarm.register("honest", { needBackToSource: true });
  swarm.say("honest", "back_to_source_started");
  return swarm;
}

Deno.test("peers of the same cut find each other behind very many that cut otherwise", () => {
  const swarm = disputedSwarm(150);
  swarm.register("child");
  assert.deepEqual(swarm.heard("child"), ["from honest"]);
});

Deno.test("of very many kinds of offers only some are looked at for a child", () => {
  const swarm = disputedSwarm(150);
  swarm.register("child");
  const { task } = swarm.peer("child");
  const groups = task.suppliers.of(swarm.peer("child"));
  assert.ok(groups.length >= 2 && groups.length <= 50, `${groups.length} groups`);
});

Deno.test("whoever wants a range finds those that have it or all, and nobody else finds those that have it", () => {
  const swarm = disputedSwarm(0);
  const ranged = (start: number) => ({ range: { start, length: 10 }, needBackToSource: true });
  for (const start of [0, 10]) {
    swarm.register(`part${start}`, ranged(start));
    swarm.say(`part${start}`, "back_to_source_started");
  }
  swarm.register("part child", { range: { start: 10, length: 10 } });
  swarm.register("child", {}, { host: "honest-host" });
  assert.deepEqual(swarm.heard("part child"), ["from honest part10"]);
  assert.deepEqual(swarm.heard("child"), ["back_to_source"]);
});
