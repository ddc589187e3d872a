import assert from "node:assert/strict";
import { addCost, idcScore, isOutlier, locationScore, noCosts } from "./evaluate.ts";
import { nextPeerState, nextTaskState } from "./fsm.ts";

Deno.test("data centres and locations are compared without their case, and locations by leading elements", () => {
  assert.deepEqual([idcScore("x", "X"), idcScore("x", "y"), idcScore("", "")], [1, 0, 0]);
  assert.equal(locationScore("EU|de|be", "eu|DE|be"), 1);
  assert.equal(locationScore("eu|de|mu", "eu|de|be"), 2 / 5);
  assert.equal(locationScore("eu|de", "eu|de|be"), 2 / 5);
  assert.equal(locationScore("eu|de|be", "us|de|be"), 0);
  assert.equal(locationScore("a|b|c|d|e|f", "a|b|c|d|e|g"), 1);
  assert.deepEqual([locationScore("", "eu"), locationScore("eu", ""), locationScore("", "")], [0, 0, 0]);
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
