import assert from "node:assert/strict";
import { isSlowPart, pullSentence, slowestOf, type ToldPull } from "./pull_words.ts";

function pull(facts: Partial<ToldPull> = {}): ToldPull {
  return { isRunning: false, durationMs: 5_000, error: "", cause: "nothing", lostMs: 0, reason: "", ...facts };
}

const slow = pull({
  cause: "stalled_parent",
  lostMs: 3_000,
  reason: "waited 3.0 s: parent 10.0.0.7 stalled, replaced",
});

Deno.test("the pull that is explained is one that failed, or else the one that lost most", () => {
  assert.equal(slowestOf([pull(), pull({ lostMs: 2 }), slow, pull({ lostMs: 1 })]), 2);
  assert.equal(slowestOf([slow, pull({ error: "HTTP 404" }), pull({ error: "HTTP 500" })]), 1);
  assert.equal(slowestOf([pull(), pull()]), 0);
});

Deno.test("a sentence says which content, and whether that is over", () => {
  assert.equal(pullSentence(slow, 2), "Content 2 waited 3.0 s: parent 10.0.0.7 stalled, replaced.");
  assert.equal(
    pullSentence({ ...slow, isRunning: true }, 1),
    "Content 1 has waited 3.0 s: parent 10.0.0.7 stalled, replaced.",
  );
  assert.equal(pullSentence({ ...slow, error: "HTTP 404" }, 1), "Content 1 failed: HTTP 404.");
  assert.match(pullSentence(pull(), 1), /^Nothing stood out/);
});

Deno.test("the slow part is a wait of half of what was lost, and a tenth of the pull at least", () => {
  assert.deepEqual([1_499, 1_500, 0].map((ms) => isSlowPart(ms, slow)), [false, true, false]);
  const long = { ...slow, durationMs: 20_000 };
  assert.deepEqual([1_999, 2_000].map((ms) => isSlowPart(ms, long)), [false, true]);
  assert.equal(isSlowPart(4_000, pull()), false);
});
