import assert from "node:assert/strict";
import type { Note } from "./facts.ts";
import { type Finding, judge, judgeFeature } from "./judge.ts";

/** Judges the things that `found` says something of. */
function judged(found: Record<string, Finding>, notes: readonly Note[] = []) {
  const things = Object.fromEntries(Object.keys(found).map((name) => [name, null]));
  return judge({ things, notes: [...notes] }, (name) => found[name] ?? { verdict: "no" });
}

Deno.test("without a note the code has the word", () => {
  const { judgements, faults } = judged({
    plain: { verdict: "yes" },
    other: { verdict: "differs", why: "default 1" },
    none: { verdict: "no", why: "it is ignored" },
  });
  assert.deepEqual(faults, []);
  assert.deepEqual(judgements, [
    { name: "plain", verdict: "yes", why: "" },
    { name: "other", verdict: "differs", why: "Default 1." },
    { name: "none", verdict: "no", why: "It is ignored." },
  ]);
});

Deno.test("what the code does not have needs a reason", () => {
  const { judgements, faults } = judged({ one: { verdict: "no" }, two: { verdict: "no" } });
  assert.deepEqual(judgements, []);
  assert.deepEqual(faults, ["the code does not have these, write notes that say why: one, two"]);
});

Deno.test("a note adds to what the code says", () => {
  const { judgements, faults } = judged(
    { a: { verdict: "yes" }, b: { verdict: "differs", why: "default 1" }, c: { verdict: "no" }, d: { verdict: "yes" } },
    [{ of: ["a", "b"], differs: "slower" }, { of: ["c"], no: "not yet" }, {
      of: ["d"],
      refused: "refused at the start",
    }],
  );
  assert.deepEqual(faults, []);
  assert.deepEqual(judgements.map(({ verdict, why }) => [verdict, why]), [
    ["differs", "Slower."],
    ["differs", "Default 1. Slower."],
    ["no", "Not yet."],
    ["no", "Refused at the start."],
  ]);
});

Deno.test("a note that the code belies is a fault", () => {
  const there: Finding = { verdict: "yes" };
  const gone: Finding = { verdict: "no", why: "ignored" };
  const no: Note = { of: ["a*"], no: "not yet" };
  assert.match(judged({ a1: there, a2: gone }, [no]).faults.join(), /^notes say no, but the code has these.*: a1$/);
  for (const note of [{ of: ["a"], differs: "slower" }, { of: ["a"], refused: "at the start" }]) {
    assert.match(judged({ a: gone }, [note]).faults.join(), /the code has, but it does not have these.*: a$/);
  }
});

Deno.test("a note that is for nothing, or always comes too late, is a fault", () => {
  const notes: Note[] = [{ of: ["a", "b"], no: "first" }, { of: ["a"], no: "second" }];
  const { judgements, faults } = judged({ a: { verdict: "no" } }, notes);
  assert.deepEqual(judgements, [{ name: "a", verdict: "no", why: "First." }]);
  assert.deepEqual(faults, ["no thing is left for these notes, remove them: b, a"]);
});

Deno.test("reasons become sentences, and names stay as they are", () => {
  const texts = ["dfget has none", "gRPC is slow", "`x` is read", "TLS.", "requests wait"];
  const { judgements } = judged(Object.fromEntries(texts.map((why) => [why, { verdict: "no", why }])));
  assert.deepEqual(judgements.map(({ why }) => why), [
    ...["dfget has none.", "gRPC is slow.", "`x` is read.", "TLS.", "Requests wait."],
  ]);
});

Deno.test("a feature is as good as all that it needs", () => {
  const yes = { name: "y", verdict: "yes", why: "" } as const;
  const differs = { name: "d", verdict: "differs", why: "D." } as const;
  const missing = ["A.", "B.", "A.", "C."].map((why) => ({ name: "n", verdict: "no", why }) as const);
  assert.deepEqual(judgeFeature("f", [yes], undefined), { name: "f", verdict: "yes", remark: "" });
  assert.deepEqual(judgeFeature("f", [yes, differs], undefined), { name: "f", verdict: "differs", remark: "D." });
  assert.deepEqual(judgeFeature("f", [differs, ...missing], undefined), {
    ...{ name: "f", verdict: "partly", remark: "A. B." },
  });
  assert.deepEqual(judgeFeature("f", missing, "Own words."), { name: "f", verdict: "no", remark: "Own words." });
});
