import assert from "node:assert/strict";
import { seededRandom } from "../../testing/seeded_random.ts";
import { Swarm } from "../../testing/scheduler_swarm.ts";
import { addCost, isOutlier, noCosts, scoreParent } from "./evaluate.ts";
import { nextPeerState, nextTaskState } from "./fsm.ts";
import { newReputation, type Reputation, speak } from "./reputation.ts";
import type { Host, HostFacts } from "./state.ts";

/** The scores of two hosts for the same child, which differ as said. */
function scores(a: { facts?: Partial<HostFacts>; host?: Partial<Host> }, b: typeof a): [number, number] {
  const swarm = new Swarm(seededRandom(1));
  swarm.host("child-host", { idc: "x", location: "eu|de|be" });
  for (const [name, { facts, host }] of [["a", a], ["b", b]] as const) {
    swarm.host(`${name}-host`, facts);
    swarm.register(name, { needBackToSource: true });
    swarm.say(name, "back_to_source_started", "back_to_source_finished");
    Object.assign(swarm.peer(name).host, host);
  }
  swarm.register("child", { range: { start: 0, length: 1 } });
  const child = swarm.peer("child");
  return [scoreParent(swarm.peer("a"), child, 0), scoreParent(swarm.peer("b"), child, 0)];
}

/** What so many hosts say for and against a host. */
function spokenOf(served: number, failed: number): Reputation {
  const reputation = newReputation();
  for (let index = 0; index < served; index++) speak(reputation.served, `s${index}`, 0);
  for (let index = 0; index < failed; index++) speak(reputation.failed, `f${index}`, 0);
  return reputation;
}

function assertFirstIsBetter([first, second]: [number, number]): void {
  assert.ok(first > second && first <= 1 && second >= 0, `${first} and ${second}`);
}

Deno.test("a parent is better when it is near, idle, reliable and has bandwidth", () => {
  assertFirstIsBetter(scores({ facts: { idc: "X" } }, { facts: { idc: "y" } }));
  assertFirstIsBetter(scores({ facts: { location: "eu|de|mu" } }, { facts: { location: "eu|fr|be" } }));
  assertFirstIsBetter(scores({ facts: { location: "EU|de|be" } }, { facts: { location: "eu|de|be|x" } }));
  assertFirstIsBetter(scores({}, { host: { uploads: 3 } }));
  assertFirstIsBetter(scores({}, { host: { txBitsPerSecond: 5e8 } }));
  assertFirstIsBetter(scores({}, { host: { uploadBytes: 1e9 } }));
  assertFirstIsBetter(scores({}, { facts: { txBitsPerSecondMax: 0 } }));
  assertFirstIsBetter(scores({ host: { reputation: spokenOf(10, 0) } }, { host: { reputation: spokenOf(10, 5) } }));
  assertFirstIsBetter(scores({ host: { reputation: spokenOf(10, 5) } }, { host: { reputation: spokenOf(0, 5) } }));
  assertFirstIsBetter(scores({}, { facts: { isSeed: true } }));
});

Deno.test("a last piece is an outlier at 20 times the mean, and after 2000 pieces at 3 deviations", () => {
  const costs = noCosts();
  addCost(costs, 100);
  assert.equal(isOutlier(costs), false);
  addCost(costs, 2_001);
  assert.equal(isOutlier(costs), true);
  addCost(costs, 100);
  assert.equal(isOutlier(costs), false);
  const many = noCosts();
  for (let i = 0; i < 2_000; i++) addCost(many, i % 2 === 0 ? 90 : 110);
  assert.equal(isOutlier(many), false);
  addCost(many, 140);
  assert.equal(isOutlier(many), true);
});

Deno.test("peers and tasks only take the steps that Dragonfly's state machines allow", () => {
  assert.equal(nextPeerState("Pending", "register"), "ReceivedNormal");
  assert.equal(nextPeerState("ReceivedNormal", "download"), "Running");
  assert.equal(nextPeerState("Running", "back_to_source"), "BackToSource");
  assert.equal(nextPeerState("Pending", "succeed"), undefined);
  assert.equal(nextPeerState("Succeeded", "download"), undefined);
  assert.equal(nextPeerState("Leave", "fail"), undefined);
  assert.equal(nextTaskState("Leave", "download"), "Running");
  assert.equal(nextTaskState("Running", "succeed"), "Succeeded");
  assert.equal(nextTaskState("Pending", "fail"), undefined);
});
