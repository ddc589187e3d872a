import assert from "node:assert/strict";
import { seededRandom } from "../../testing/seeded_random.ts";
import { Swarm } from "../../testing/scheduler_swarm.ts";
import { SEED_START_TIMEOUT_MS } from "./schedule.ts";
import { DEFAULT_SETTINGS } from "./settings.ts";

Deno.test("a triggered seed peer that comes after its replacement is no second one at the source", () => {
  const swarm = new Swarm(seededRandom(1));
  swarm.seed();
  swarm.register("a");
  swarm.register("b");
  swarm.wait(SEED_START_TIMEOUT_MS);
  assert.deepEqual(swarm.told("back_to_source"), ["a"]);
  swarm.register("seed", { needBackToSource: true });
  assert.deepEqual(swarm.heard("seed"), []);
  swarm.wait(1_000);
  assert.ok(swarm.nowMs < 5_000, "no peer waits longer for its decision");
  swarm.say("a", "back_to_source_started");
  assert.deepEqual(swarm.told("back_to_source"), ["a"]);
  for (const name of ["b", "seed"]) assert.match(swarm.heard(name).join(), /^from a/);
});

Deno.test("a triggered seed peer that comes after its replacement has ended is no second one at the source", () => {
  const swarm = new Swarm(seededRandom(1));
  swarm.seed();
  swarm.register("a");
  swarm.wait(SEED_START_TIMEOUT_MS);
  swarm.say("a", "back_to_source_started");
  swarm.say("a", "back_to_source_finished");
  swarm.register("seed", { needBackToSource: true });
  assert.deepEqual(swarm.heard("seed"), ["from a"]);
});

Deno.test("a triggered seed peer that comes after a replacement which never begins goes to the source itself", () => {
  const swarm = new Swarm(seededRandom(1));
  swarm.seed();
  swarm.register("a");
  swarm.wait(SEED_START_TIMEOUT_MS);
  swarm.register("seed", { needBackToSource: true });
  swarm.wait(DEFAULT_SETTINGS.sourceStartTimeoutMs);
  assert.deepEqual(swarm.told("back_to_source"), ["a", "seed"]);
});

Deno.test("a seed peer of our make registers when its source has answered, and is a parent at once", () => {
  const swarm = new Swarm(seededRandom(1));
  swarm.host("seed-host", { isSeed: true, cutsAsAsked: true });
  swarm.register("a");
  swarm.register("seed", { needBackToSource: true });
  assert.deepEqual(swarm.heard("a"), ["from seed"]);
  swarm.say("seed", "back_to_source_started", "back_to_source_finished");
  assert.deepEqual(swarm.heard("seed"), ["back_to_source", "closed"]);
});

Deno.test("a seed peer of another make, and a peer that is none, are parents once they say that they have begun", () => {
  for (const facts of [{ isSeed: true, cutsAsAsked: false }, { isSeed: false, cutsAsAsked: true }]) {
    const swarm = new Swarm(seededRandom(1));
    swarm.host("first-host", facts);
    swarm.register("first", { needBackToSource: true });
    swarm.register("a");
    assert.deepEqual(swarm.heard("a"), []);
    swarm.say("first", "back_to_source_started");
    assert.deepEqual(swarm.heard("a"), ["from first"]);
  }
});
