import assert from "node:assert/strict";
import { isUnreliable, newReputation, reliability, speak, sumOf, VOICE_HALF_LIFE_MS } from "./reputation.ts";

/** A reputation against which so many hosts have spoken, at time 0. */
function accused(hosts: number) {
  const reputation = newReputation();
  for (let index = 0; index < hosts; index++) speak(reputation, "failed", `h${index}`, 0);
  return reputation;
}

Deno.test("three hosts make another one unreliable, and one alone does not however often it speaks", () => {
  assert.equal(isUnreliable(accused(2), 0), false);
  assert.equal(isUnreliable(accused(3), 0), true);
  const one = newReputation();
  for (let ms = 0; ms < 100 * VOICE_HALF_LIFE_MS; ms += VOICE_HALF_LIFE_MS / 10) {
    speak(one, "failed", "liar", ms);
    assert.ok(Math.abs(sumOf(one.failed, ms) - 1) < 1e-9);
  }
});

Deno.test("what was said counts half after each half-life", () => {
  const { failed } = accused(8);
  assert.equal(sumOf(failed, VOICE_HALF_LIFE_MS), 4);
  assert.equal(sumOf(failed, 3 * VOICE_HALF_LIFE_MS), 1);
  assert.equal(isUnreliable(accused(4), VOICE_HALF_LIFE_MS), false);
});

Deno.test("a host clears its name by serving more hosts than it failed", () => {
  const reputation = accused(4);
  for (let index = 0; index < 4; index++) {
    assert.equal(isUnreliable(reputation, 0), true);
    speak(reputation, "served", `child${index}`, 0);
  }
  assert.equal(isUnreliable(reputation, 0), false);
});

Deno.test("reliability is the part of those who speak for a host", () => {
  assert.equal(reliability(newReputation(), 0), 1);
  assert.equal(reliability(accused(3), 0), 1 / 4);
  const mixed = accused(2);
  for (let index = 0; index < 5; index++) speak(mixed, "served", `child${index}`, 0);
  assert.equal(reliability(mixed, 0), 6 / 8);
});

Deno.test("however many hosts speak, only so many are remembered", () => {
  const { failed } = accused(1_000);
  assert.equal(failed.spokenAtMs.size, 64);
  assert.ok(failed.spokenAtMs.has("h999"));
});
