import assert from "node:assert/strict";
import { parseFeatures, parseSurface } from "./facts.ts";
import { type Kind, present } from "./kind.ts";
import { judgeSurface, writePage } from "./survey.ts";

/** Has `a`, and what begins with `own` besides at `here`. */
const KIND: Kind = {
  name: "rpcs",
  find: ({ at }, name) => present(at === "here" && name === "a"),
  alone: ({ at }, things) => at === "here" ? ["a", "own"].filter((name) => !things.includes(name)) : [],
};

const SURFACE = parseSurface(`
title: T
about: A
sections:
  one: { at: here, things: [b], notes: [{ of: [b], no: not yet }] }
  two: { at: here, things: [a] }
  elsewhere: { things: [a], notes: [{ of: [a], no: never }] }
`);

const features = (needs: string) => parseFeatures(`{ about: A, features: [{ name: F, needs: [${needs}] }] }`);

Deno.test("what is there alone is listed once, whichever section knows it", async () => {
  const { sections, faults } = await judgeSurface(KIND, SURFACE);
  assert.deepEqual(faults, []);
  assert.deepEqual(sections.map(({ name, ours }) => [name, ours]), [["one", ["own"]], ["two", []], ["elsewhere", []]]);
});

Deno.test("a section without a place of its own is its own place", async () => {
  const { sections } = await judgeSurface(KIND, SURFACE);
  assert.deepEqual(sections[2]?.judgements, [{ name: "a", verdict: "no", why: "Never." }]);
});

Deno.test("a feature follows from what it needs", async () => {
  const page = writePage(features("rpcs/one/*, rpcs/two/a"), [await judgeSurface(KIND, SURFACE)]);
  assert.match(page, /\| F \| partly \| Not yet\. \|/);
});

Deno.test("a feature that needs what nobody knows stops the page", async () => {
  const outcome = await judgeSurface(KIND, SURFACE);
  assert.throws(() => writePage(features("rpcs/one/nope"), [outcome]), /features: F: rpcs\/one\/nope names nothing/);
});

Deno.test("data that the code belies stops the page, with its place", async () => {
  const surface = parseSurface("{ title: T, about: A, sections: { here: { things: [a, b, c] } } }");
  const outcome = await judgeSurface(KIND, surface);
  assert.throws(() => writePage(features("rpcs/*"), [outcome]), {
    code: "failed_precondition",
    message: /do not agree:\n {2}rpcs: here: the code does not have these.*: b, c$/,
  });
});
