import assert from "node:assert/strict";
import { seededRandom } from "../../testing/seeded_random.ts";
import { Swarm } from "../../testing/scheduler_swarm.ts";
import { seedFor } from "./seeds.ts";
import type { Settings } from "./settings.ts";
import type { Task } from "./state.ts";

const HOUR_MS = 3_600_000;

/** Two peers with the task: `near` is in the data centre of `child` and `other`, `far` is not. */
function twoHolders(settings: Partial<Settings> = {}): Swarm {
  const swarm = new Swarm(seededRandom(1), { candidateParentsMax: 1, ...settings });
  for (const name of ["near", "child"]) swarm.host(`${name}-host`, { idc: "fra" });
  swarm.host("other-host", { idc: "fra", isShared: false });
  for (const name of ["near", "far"]) {
    swarm.register(name, { needBackToSource: true });
    swarm.say(name, "back_to_source_started");
  }
  return swarm;
}

Deno.test("a host with a free upload slot is better than a nearer one without", () => {
  const swarm = twoHolders({ hostUploadsMax: 1 });
  swarm.register("other");
  swarm.register("child");
  assert.deepEqual([swarm.heard("other"), swarm.heard("child")], [["from near"], ["from far"]]);
});

Deno.test("a seed peer has the upload slots of a seed peer", () => {
  const swarm = twoHolders({ hostUploadsMax: 1, seedUploadsMax: 2 });
  swarm.host("near-host", { idc: "fra", isSeed: true });
  swarm.register("other");
  swarm.register("child");
  assert.deepEqual([swarm.heard("other"), swarm.heard("child")], [["from near"], ["from near"]]);
});

Deno.test("a peer whose last piece took far too long is behind one that is farther away", () => {
  const swarm = twoHolders();
  const took = (costMs: number) => {
    const piece = { number: 1, offset: 4 << 20, lengthBytes: 4 << 20, costMs, parentId: undefined };
    swarm.message("near", { type: "piece_finished", piece });
  };
  took(100);
  swarm.register("other");
  took(2_001);
  swarm.register("child");
  assert.deepEqual([swarm.heard("other"), swarm.heard("child")], [["from near"], ["from far"]]);
});

Deno.test("tasks spread over the seed peers, and a seed peer that joins takes only its own share", () => {
  const swarm = new Swarm(seededRandom(1));
  for (const id of ["s1", "s2", "s3"]) swarm.seed(id);
  const tasks = Array.from({ length: 120 }, (_, index) => ({ facts: { id: `task-${index}` } }) as Task);
  const chosen = () => tasks.map((task) => seedFor(swarm.state, task, 0)?.facts.id);
  const before = chosen();
  assert.deepEqual(chosen(), before);
  for (const id of ["s1-host", "s2-host", "s3-host"]) {
    const share = before.filter((chosen) => chosen === id).length;
    assert.ok(share >= 25 && share <= 55, `${id} has ${share} of 120`);
  }
  swarm.seed("s4");
  const moved = chosen().filter((id, index) => id !== before[index]);
  assert.ok(moved.length >= 15 && moved.length <= 45 && moved.every((id) => id === "s4-host"), `${moved.length} moved`);
});

Deno.test("a fetcher that is late is a failure: after the second in a row two go to the source", () => {
  const swarm = new Swarm(seededRandom(1), { sourceStartTimeoutMs: 2_000 });
  for (let index = 0; index < 8; index++) swarm.register(`p${index}`);
  swarm.wait(2_000);
  assert.deepEqual(swarm.told("back_to_source"), ["p0", "p1"]);
  swarm.wait(2_000);
  assert.deepEqual(swarm.told("back_to_source"), ["p0", "p1", "p2", "p3"]);
});

Deno.test("finished peers are forgotten after their time, and at once on hosts that share nothing", () => {
  const swarm = new Swarm(seededRandom(1));
  swarm.host("shy-host", { isShared: false });
  for (const name of ["holder", "shy"]) {
    swarm.register(name, { needBackToSource: true });
    swarm.say(name, "back_to_source_started", "back_to_source_finished");
  }
  const announced = (ms: number) => {
    const untilMs = swarm.nowMs + ms;
    for (; swarm.nowMs < untilMs; swarm.nowMs += 300_000) {
      for (const id of ["holder", "shy"]) swarm.host(`${id}-host`, { isShared: id === "holder" });
      swarm.apply({ type: "tick", nowMs: swarm.nowMs });
    }
  };
  announced(600_000);
  assert.deepEqual([...swarm.state.peers.keys()], ["holder"]);
  announced(23 * HOUR_MS);
  assert.deepEqual([...swarm.state.peers.keys()], ["holder"]);
  announced(2 * HOUR_MS);
  assert.deepEqual([...swarm.state.peers.keys()], []);
});

Deno.test("of very many finished peers those of seed peers stay, and those that give fast", () => {
  const swarm = new Swarm(seededRandom(1));
  swarm.seed();
  const names = ["seed", ...Array.from({ length: 400 }, (_, index) => `p${index}`)];
  for (const name of names) {
    swarm.register(name, { metadataOnly: true });
    swarm.say(name, "finished");
  }
  for (let index = 0; index < 400; index += 8) swarm.peer(`p${index}`).host.bytesPerMs = 1 + index;
  swarm.wait(60_000);
  assert.equal(swarm.state.peers.size, 300);
  assert.ok(swarm.state.peers.has("seed"));
  const fast = names.filter((name, index) => index % 8 === 1 && swarm.state.peers.has(name));
  assert.ok(fast.length >= 45, `${fast.length} of the 50 that give fast`);
  assert.ok(swarm.state.peers.has("p392"), "the fastest of all");
});

Deno.test("a peer that is cut off only from its own host is no sign of a split", () => {
  const swarm = new Swarm(seededRandom(1));
  swarm.register("coarse", { pieceLength: 64 << 20, needBackToSource: true }, { host: "a-host" });
  swarm.say("coarse", "back_to_source_started");
  swarm.register("fine", {}, { host: "a-host" });
  assert.deepEqual(swarm.heard("fine"), ["back_to_source"]);
});

Deno.test("a peer waits for one at the source that it learns to be of our make, and so cuts as asked", () => {
  const swarm = new Swarm(seededRandom(1));
  swarm.register("coarse", { pieceLength: 64 << 20 });
  swarm.host("coarse-host", { cutsAsAsked: true });
  swarm.register("fine");
  assert.deepEqual(swarm.heard("fine"), []);
});
