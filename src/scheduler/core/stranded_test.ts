import assert from "node:assert/strict";
import { seededRandom } from "../../testing/seeded_random.ts";
import { Swarm } from "../../testing/scheduler_swarm.ts";

const COARSE = { pieceLength: 64 << 20 };

/** A root that cuts as nobody else, so that there is one left; the peers of `names` are below `root`, which is dead. */
function swarmWithoutRoot(...names: string[]): Swarm {
  const swarm = new Swarm(seededRandom(1));
  swarm.register("elsewhere", { ...COARSE, needBackToSource: true });
  swarm.register("root", { needBackToSource: true });
  swarm.say("elsewhere", "back_to_source_started");
  swarm.say("root", "back_to_source_started");
  for (const name of names) {
    swarm.register(name);
    swarm.say(name, "started");
  }
  swarm.say("root", "stream_closed");
  return swarm;
}

function isSupplier(swarm: Swarm, name: string): boolean {
  return swarm.peer(name).task.suppliers.has(swarm.peer(name));
}

Deno.test("peers below a dead root are no parents, also when another root lives, and are not looked at again", () => {
  const swarm = swarmWithoutRoot("a", "b", "c");
  swarm.register("late");
  assert.deepEqual(swarm.heard("late"), ["split", "back_to_source"]);
  assert.deepEqual(["b", "c"].map((name) => isSupplier(swarm, name)), [false, false]);
});

Deno.test("a stranded peer is a parent again with the next piece that it gets", () => {
  const swarm = swarmWithoutRoot("a", "b", "c");
  swarm.register("late");
  swarm.say("late", "back_to_source_started");
  const piece = { number: 1, offset: 4 << 20, lengthBytes: 4 << 20, costMs: 1, parentId: "b" };
  swarm.message("c", { type: "piece_finished", piece });
  assert.deepEqual(["b", "c"].map((name) => isSupplier(swarm, name)), [false, true]);
});

Deno.test("a stranded peer is a parent again with new parents, and when it goes to the source itself", () => {
  const swarm = swarmWithoutRoot("a", "b", "c");
  swarm.register("late");
  swarm.message("b", { type: "reschedule", failedParentIds: ["root", "a"] });
  assert.equal(swarm.peer("b").waitingSinceMs, 0);
  swarm.say("late", "back_to_source_started");
  assert.deepEqual(swarm.heard("b").at(-1), "from late");
  assert.equal(isSupplier(swarm, "b"), true);
  swarm.say("c", "back_to_source_started");
  assert.equal(isSupplier(swarm, "c"), true);
  assert.equal(swarm.peer("c").isStranded, false);
});

Deno.test("a peer that has lost the parent by which it was supplied is not taken for supplied", () => {
  const swarm = new Swarm(seededRandom(1));
  for (const name of ["elsewhere", "a", "b"]) {
    swarm.register(name, { needBackToSource: true, ...(name === "elsewhere" ? COARSE : {}) });
  }
  swarm.say("elsewhere", "back_to_source_started");
  swarm.say("b", "back_to_source_started");
  swarm.register("y");
  swarm.say("a", "back_to_source_started");
  swarm.register("x");
  assert.deepEqual([swarm.heard("y"), swarm.heard("x")], [["from b"], ["from a b y"]]);
  swarm.say("b", "stream_closed");
  swarm.register("looks");
  assert.deepEqual(swarm.heard("looks"), ["from a x"]);
  swarm.say("looks", "failed");
  swarm.say("a", "stream_closed");
  swarm.register("late");
  assert.deepEqual(swarm.heard("late"), ["split", "back_to_source"]);
});

Deno.test("among very many stranded peers the root that lives is found, and so are those below it", () => {
  const swarm = swarmWithoutRoot(...Array.from({ length: 40 }, (_, index) => `p${index}`));
  swarm.register("new root", { needBackToSource: true });
  swarm.say("new root", "back_to_source_started");
  for (let index = 0; index < 3; index++) {
    swarm.register(`late${index}`);
    assert.match(swarm.heard(`late${index}`).join(), /^from (late\d )*new root$/);
  }
  swarm.message("late2", { type: "reschedule", failedParentIds: ["new root"] });
  assert.deepEqual(swarm.heard("late2").at(-1), "from late0 late1");
});
