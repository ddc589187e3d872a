import assert from "node:assert/strict";
import { seededRandom } from "../../testing/seeded_random.ts";
import { hostFacts, Swarm } from "../../testing/scheduler_swarm.ts";
import { addSpeed, swarmScore } from "./algorithm_swarm.ts";
import { newReputation, type Reputation, speak } from "./reputation.ts";
import type { Host, HostFacts, Peer } from "./state.ts";

/** What so many hosts say for and against a host. */
function spokenOf(served: number, failed: number): Reputation {
  const reputation = newReputation();
  for (let index = 0; index < served; index++) speak(reputation, "served", `s${index}`, 0);
  for (let index = 0; index < failed; index++) speak(reputation, "failed", `f${index}`, 0);
  return reputation;
}

function score(host: Partial<Host>, facts: Partial<HostFacts> = {}): number {
  const none = { uploads: 0, bytesPerMs: 0, reputation: newReputation() };
  const parent = { state: "Running", host: { ...none, ...host, facts: hostFacts("a", facts) } } as Peer;
  return swarmScore(parent, { speed: 1_000, nowMs: 0 });
}

Deno.test("a parent is better when it has fewer children, is fast, is praised, and is a seed peer that has all", () => {
  const better: [number, number][] = [
    [score({}), score({ uploads: 1 })],
    [score({ bytesPerMs: 2_000 }), score({ bytesPerMs: 1_000 })],
    [score({ bytesPerMs: 2_000 }), score({})],
    [score({}), score({ bytesPerMs: 500 })],
    [score({ reputation: spokenOf(10, 0) }), score({ reputation: spokenOf(10, 5) })],
    [score({ reputation: spokenOf(10, 5) }), score({ reputation: spokenOf(0, 5) })],
    [score({}, { isSeed: true }), score({})],
  ];
  for (const [first, second] of better) assert.ok(first > second && second > 0 && first < 1, `${first} and ${second}`);
});

Deno.test("what a link is called counts for nothing", () => {
  assert.equal(score({}, { txBitsPerSecondMax: 1e12 }), score({}, { txBitsPerSecondMax: 0 }));
});

Deno.test("the speed of a host follows what its children measure, and a piece without a cost says nothing", () => {
  const host = { bytesPerMs: 0 } as Host;
  addSpeed(host, { lengthBytes: 1_000, costMs: 0 });
  assert.equal(host.bytesPerMs, 0);
  addSpeed(host, { lengthBytes: 1_000, costMs: 1 });
  assert.equal(host.bytesPerMs, 1_000);
  for (let index = 0; index < 30; index++) addSpeed(host, { lengthBytes: 1_000, costMs: 10 });
  assert.ok(host.bytesPerMs > 100 && host.bytesPerMs < 102);
});

Deno.test("a host that is measured to be fast gets more children than one with a slow link, whatever it is called", () => {
  const swarm = new Swarm(seededRandom(1), { candidateParentsMax: 1 });
  for (const [name, costMs] of [["fast", 10], ["slow", 250]] as const) {
    swarm.host(`${name}-host`, { txBitsPerSecondMax: name === "fast" ? 1e9 : 1e10 });
    swarm.register(name, { needBackToSource: true });
    swarm.say(name, "back_to_source_started");
    swarm.host(`probe-${name}-host`, { isShared: false });
    swarm.register(`probe-${name}`);
    const [parent] = swarm.peer(`probe-${name}`).parents;
    const piece = { number: 1, offset: 4 << 20, lengthBytes: 4 << 20, costMs, parentId: parent?.id };
    swarm.message(`probe-${name}`, { type: "piece_finished", piece });
  }
  for (let index = 0; index < 40; index++) {
    swarm.host(`c${index}-host`, { isShared: false });
    swarm.register(`c${index}`);
  }
  const [fast, slow] = [swarm.peer("fast").host.uploads, swarm.peer("slow").host.uploads];
  assert.ok(fast >= 3 * slow, `${fast} and ${slow}`);
});

/** A burst of `perRack` peers on each of `racks`, in random order; gives for each rack the edges that lead into it. */
function burst(racks: number, perRack: number, placeOf: (rack: number) => Partial<HostFacts>): number[] {
  const swarm = new Swarm(seededRandom(1));
  const chance = seededRandom(2);
  const left = Array.from({ length: racks * perRack }, (_, index) => index);
  swarm.host("seed-host", { isSeed: true, idc: "core", location: "core" });
  swarm.register("seed", { needBackToSource: true });
  swarm.say("seed", "back_to_source_started");
  while (left.length > 0) {
    const [index = 0] = left.splice(chance.below(left.length), 1);
    swarm.host(`p${index}-host`, placeOf(index % racks));
    swarm.register(`p${index}`);
    swarm.say(`p${index}`, "started");
  }
  const crossing = Array.from({ length: racks }, () => 0);
  for (const { host, parents, id } of swarm.state.peers.values()) {
    const rack = Number(id.slice(1)) % racks;
    for (const parent of parents) {
      if (parent.host.places[0] !== host.places[0]) crossing[rack] = (crossing[rack] ?? 0) + 1;
    }
  }
  return crossing;
}

Deno.test("of a burst over 20 racks only the first peer of each rack has parents outside of it", () => {
  for (const crossing of [burst(20, 50, (rack) => ({ idc: "fra", location: `eu|fra|r${rack}` }))]) {
    assert.ok(crossing.every((edges) => edges >= 1 && edges <= 3), crossing.join(" "));
  }
  const centers = burst(20, 50, (rack) => ({ idc: `dc${rack}` }));
  assert.ok(centers.every((edges) => edges >= 1 && edges <= 3), centers.join(" "));
});

Deno.test("a host that does not say where it is may be near: it is not left out, but comes after those that are", () => {
  const swarm = new Swarm(seededRandom(1), { candidateParentsMax: 2 });
  for (const [name, facts] of [["seed", { isSeed: true }], ["far", { idc: "muc" }], ["a", { idc: "fra" }]] as const) {
    swarm.host(`${name}-host`, facts);
    swarm.register(name, { metadataOnly: true });
  }
  for (const name of ["b", "c"]) {
    swarm.host(`${name}-host`, { idc: "fra" });
    swarm.register(name);
  }
  assert.deepEqual([swarm.heard("b"), swarm.heard("c")], [["from a seed"], ["from a b"]]);
});

Deno.test("a host that says it has moved is near to others from then on", () => {
  const swarm = new Swarm(seededRandom(1), { candidateParentsMax: 1 });
  for (const [name, idc] of [["here", "fra"], ["there", "muc"]] as const) {
    swarm.host(`${name}-host`, { idc });
    swarm.register(name, { needBackToSource: true });
    swarm.say(name, "back_to_source_started");
  }
  swarm.host("here-host", { idc: "muc" });
  swarm.host("there-host", { idc: "fra" });
  swarm.host("child-host", { idc: "fra" });
  swarm.register("child");
  assert.deepEqual(swarm.heard("child"), ["from there"]);
});

Deno.test("whoever finds nobody near takes the next wider place, and anybody when there is none", () => {
  const swarm = new Swarm(seededRandom(1), { candidateParentsMax: 1 });
  for (const [name, location] of [["far", "us"], ["country", "eu|de|mu"], ["town", "eu|de|be|r1"]] as const) {
    swarm.host(`${name}-host`, { location });
    swarm.register(name, { needBackToSource: true });
    swarm.say(name, "back_to_source_started");
  }
  const parentOf = (name: string, location: string) => {
    swarm.host(`${name}-host`, { location, isShared: false });
    swarm.register(name);
    return swarm.heard(name)[0];
  };
  assert.equal(parentOf("a", "EU|de|be|r2"), "from town");
  assert.equal(parentOf("b", "eu|de|hh"), "from country");
  assert.equal(parentOf("c", "us|ny"), "from far");
  assert.match(parentOf("d", "asia") ?? "", /^from /);
});
