import assert from "node:assert/strict";
import { seededRandom } from "../../testing/seeded_random.ts";
import { hostFacts, Swarm } from "../../testing/scheduler_swarm.ts";
import { defaultScore } from "./algorithm_default.ts";
import type { Host, HostFacts, Peer } from "./state.ts";

const MIB = 1 << 20;

/** What Dragonfly's algorithm gives for a parent that differs from an idle normal host as said. */
function score(
  facts: Partial<HostFacts>,
  host: Partial<Host> = {},
  { state = "Succeeded", type = 0 }: { state?: Peer["state"]; type?: number } = {},
): number {
  const none = { txBitsPerSecond: 0, uploadBytes: 0, uploadPieces: 0 };
  const parent = { state, host: { ...none, ...host, facts: hostFacts("a", facts) } } as Peer;
  const child = {
    host: { facts: hostFacts("b", { idc: "x", location: "eu|de|be" }) },
    task: { facts: { type } },
  } as Peer;
  return defaultScore(parent, child);
}

function assertNear(actual: number, expected: number): void {
  assert.ok(Math.abs(actual - expected) < 1e-9, `${actual} is not ${expected}`);
}

Deno.test("the score of an idle host is the whole load and half of the type of host", () => {
  assertNear(score({}), 0.6 + 0.05);
  assertNear(score({ idc: "X", location: "EU|de|be" }), 0.95);
  assertNear(score({ location: "eu|de|mu" }), 0.65 + 0.04);
});

Deno.test("the load is bandwidth promised, bytes promised and pieces at a time, and nothing without a known bandwidth", () => {
  const bits = 128 * MIB * 8;
  const facts = { txBitsPerSecondMax: bits };
  assertNear(score(facts, { txBitsPerSecond: bits / 2 }), 0.65 - 0.6 * 0.5 * 0.5);
  assertNear(score(facts, { txBitsPerSecond: bits * 2 }), 0.65 - 0.6 * 0.5);
  assertNear(score(facts, { uploadBytes: 30 * 128 * MIB }), 0.65 - 0.6 * 0.3 * 0.5);
  assertNear(score(facts, { uploadBytes: 90 * 128 * MIB }), 0.65 - 0.6 * 0.3);
  assertNear(score(facts, { uploadPieces: 8 }), 0.65);
  assertNear(score(facts, { uploadPieces: 32 }), 0.65 - 0.6 * 0.2 * 0.75);
  assertNear(score({ txBitsPerSecondMax: 16 * MIB * 8 }), 0.65 - 0.6 * 0.2);
  assertNear(score({ txBitsPerSecondMax: 0 }), 0.05);
});

Deno.test("a seed peer counts fully while it downloads from others, and not otherwise", () => {
  assertNear(score({ isSeed: true }, {}, { state: "Running" }), 0.7);
  assertNear(score({ isSeed: true }, {}, { state: "ReceivedNormal" }), 0.7);
  assertNear(score({ isSeed: true }, {}, { state: "BackToSource" }), 0.6);
});

Deno.test("of tasks without a source only data centre and location count", () => {
  assertNear(score({ idc: "x", isSeed: true }, {}, { type: 2 }), 0.7);
  assertNear(score({ location: "eu|de|be" }, {}, { type: 1 }), 0.3);
});

Deno.test("candidates are taken by chance, wherever they are", () => {
  const swarm = new Swarm(seededRandom(1), { algorithm: "default", candidateParentsMax: 1, filterParentsMax: 10 });
  swarm.host("root-host", { idc: "fra" });
  swarm.register("root", { needBackToSource: true });
  swarm.say("root", "back_to_source_started");
  for (let index = 0; index < 200; index++) swarm.register(`p${index}`);
  for (let index = 0; index < 30; index++) {
    swarm.host(`child${index}-host`, { idc: "fra", isShared: false });
    swarm.register(`child${index}`);
  }
  const near = Array.from({ length: 30 }, (_, index) => swarm.heard(`child${index}`)[0]).filter((heard) => {
    return heard === "from root";
  });
  assert.ok(near.length < 10, `${near.length} of 30 found the only one that is near`);
});

Deno.test("full hosts and accused ones are parents like others, and one in trouble is none", () => {
  const swarm = new Swarm(seededRandom(1), { algorithm: "default", candidateParentsMax: 1, hostUploadsMax: 1 });
  for (const name of ["near", "child"]) swarm.host(`${name}-host`, { idc: "fra" });
  swarm.host("other-host", { idc: "fra", isShared: false });
  for (const name of ["near", "far"]) {
    swarm.register(name, { needBackToSource: true });
    swarm.say(name, "back_to_source_started");
  }
  swarm.register("other");
  swarm.register("child");
  assert.deepEqual([swarm.heard("other"), swarm.heard("child")], [["from near"], ["from near"]]);
  for (const costMs of [100, 2_001]) {
    const piece = { number: 1, offset: 4 << 20, lengthBytes: 4 << 20, costMs, parentId: undefined };
    swarm.message("near", { type: "piece_finished", piece });
  }
  swarm.message("child", { type: "reschedule", failedParentIds: [] });
  assert.deepEqual(swarm.heard("child").at(-1), "from far");
});

Deno.test("a peer finds the only root among very many that it has blocked", () => {
  const swarm = new Swarm(seededRandom(1), { algorithm: "default", filterParentsMax: 1, sourcePeersMax: 1 });
  swarm.register("root", { needBackToSource: true });
  swarm.say("root", "back_to_source_started");
  const others = Array.from({ length: 40 }, (_, index) => `p${index}`);
  for (const id of [...others, "child"]) swarm.register(id);
  swarm.message("child", { type: "reschedule", failedParentIds: others });
  assert.equal(swarm.heard("child").at(-1), "from root");
});
