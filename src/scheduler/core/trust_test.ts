import assert from "node:assert/strict";
import { seededRandom } from "../../testing/seeded_random.ts";
import { Swarm } from "../../testing/scheduler_swarm.ts";
import { isUnreliable, sumOf } from "./reputation.ts";
import { DEFAULT_LIMITS, type Limits } from "./state.ts";

/** A swarm in which `victim` has the task, so that it is the parent of whoever comes. */
function swarmWithRoot(limits: Partial<Limits> = {}): Swarm {
  const swarm = new Swarm(seededRandom(1), { candidateParentsMax: 20 }, { ...DEFAULT_LIMITS, ...limits });
  swarm.register("victim", { needBackToSource: true });
  swarm.say("victim", "back_to_source_started", "back_to_source_finished");
  return swarm;
}

function accuse(swarm: Swarm, peerId: string): void {
  swarm.message(peerId, { type: "piece_failed", parentId: "victim", temporary: true });
}

function voices(swarm: Swarm, of: "served" | "failed"): number {
  return Math.round(sumOf(swarm.peer("victim").host.reputation[of], swarm.nowMs));
}

/** A peer gets a piece of the victim and finishes. */
function getServed(swarm: Swarm, peerId: string): void {
  const piece = { number: 1, offset: 1, lengthBytes: 1, costMs: 1, parentId: "victim" };
  swarm.message(peerId, { type: "piece_finished", piece });
  swarm.say(peerId, "started", "finished");
}

Deno.test("a host that invents peers has one voice, and makes nobody unreliable", () => {
  const swarm = swarmWithRoot();
  for (let index = 0; index < 20; index++) {
    swarm.register(`invented${index}`, {}, { host: "liar-host" });
    accuse(swarm, `invented${index}`);
  }
  assert.equal(voices(swarm, "failed"), 1);
  assert.equal(isUnreliable(swarm.peer("victim").host.reputation, swarm.nowMs), false);
});

Deno.test("only a parent that a peer was given can be accused or praised by it", () => {
  const swarm = swarmWithRoot();
  for (const name of ["a", "b", "c", "d"]) {
    swarm.register(name, { needBackToSource: true });
    accuse(swarm, name);
    getServed(swarm, name);
  }
  assert.deepEqual([voices(swarm, "failed"), voices(swarm, "served")], [0, 0]);
  swarm.register("e");
  swarm.message("e", { type: "reschedule", failedParentIds: [] });
  accuse(swarm, "e");
  assert.equal(voices(swarm, "failed"), 1);
});

Deno.test("an accusation for good, or of a parent that was given up before, is no further voice", () => {
  const swarm = swarmWithRoot();
  swarm.register("a");
  swarm.message("a", { type: "piece_failed", parentId: "victim", temporary: false });
  assert.equal(voices(swarm, "failed"), 0);
  swarm.message("a", { type: "reschedule", failedParentIds: ["victim"] });
  accuse(swarm, "a");
  assert.equal(voices(swarm, "failed"), 0);
});

Deno.test("a host clears its name by serving, and only whoever got pieces of it speaks for it", () => {
  const swarm = swarmWithRoot();
  for (const name of ["a", "b", "c"]) {
    swarm.register(name);
    accuse(swarm, name);
  }
  const { reputation } = swarm.peer("victim").host;
  assert.equal(isUnreliable(reputation, swarm.nowMs), true);
  swarm.register("idle");
  swarm.say("idle", "started", "finished");
  assert.equal(voices(swarm, "served"), 0);
  for (const name of ["d", "e", "f"]) {
    swarm.register(name);
    getServed(swarm, name);
  }
  assert.equal(voices(swarm, "served"), 3);
  assert.equal(isUnreliable(reputation, swarm.nowMs), false);
});

Deno.test("a host that several others accuse is behind one that is farther away", () => {
  const swarm = new Swarm(seededRandom(1), { candidateParentsMax: 2 });
  for (const name of ["victim", "child"]) swarm.host(`${name}-host`, { idc: "fra" });
  for (const name of ["victim", "far"]) {
    swarm.register(name, { needBackToSource: true });
    swarm.say(name, "back_to_source_started");
  }
  for (const name of ["a", "b", "c"]) {
    swarm.register(name);
    accuse(swarm, name);
    swarm.say(name, "failed");
  }
  for (let index = 0; index < 8; index++) {
    swarm.register(`served${index}`, { disableBackToSource: true }, { host: "child-host" });
    getServed(swarm, `served${index}`);
  }
  swarm.settings({ candidateParentsMax: 1 });
  swarm.register("child");
  assert.deepEqual(swarm.heard("child"), ["from far"]);
});

Deno.test("one host gets no more streams, peers and tasks than its share, and others get theirs", () => {
  const swarm = swarmWithRoot({ streamsPerHostMax: 2, tasksPerHostMax: 3, peersPerHostMax: 4 });
  const tryTo = (peerId: string, task: string) => {
    swarm.register(peerId, { metadataOnly: true }, { task, host: "greedy-host" });
    return swarm.log.at(-1);
  };
  const end = (...peerIds: string[]) => peerIds.forEach((peerId) => swarm.say(peerId, "finished"));
  assert.equal(tryTo("a", "t1"), "a: metadata_only");
  assert.equal(tryTo("b", "t2"), "b: metadata_only");
  assert.equal(tryTo("c", "t3"), "c: resource_exhausted", "two streams are open");
  end("a", "b");
  assert.equal(tryTo("c", "t3"), "c: metadata_only");
  end("c");
  assert.equal(tryTo("d", "t4"), "d: resource_exhausted", "three tasks");
  assert.equal(tryTo("d", "t3"), "d: metadata_only");
  end("d");
  assert.equal(tryTo("e", "t3"), "e: resource_exhausted", "four peers");
  swarm.register("other", { metadataOnly: true }, { task: "t4" });
  assert.equal(swarm.log.at(-1), "other: metadata_only");
});
