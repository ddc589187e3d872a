import assert from "node:assert/strict";
import { matches, parseSurface } from "./facts.ts";

Deno.test("a glob means whole names, and * any text", () => {
  assert.ok(matches("a.*", "a.b.c"));
  assert.ok(matches("*Task", "StatTask"));
  assert.ok(matches("*", ""));
  assert.ok(!matches("a.*", "axb"));
  assert.ok(!matches("Task", "StatTask"));
  assert.ok(!matches("a+", "aa"));
});

Deno.test("things are a list of names, or names with what is known of them", () => {
  const { sections } = parseSurface(`
title: T
about: A
sections:
  one: { things: [a, b] }
  two: { at: here, things: { a: 1, b: } , notes: [{ of: [a], no: because }] }
`);
  assert.deepEqual(sections["one"]?.things, { a: null, b: null });
  assert.deepEqual(sections["two"]?.things, { a: 1, b: null });
});

Deno.test("a note says one thing, and keys that nobody knows are refused", () => {
  const withNote = (note: string) => `{ title: T, about: A, sections: { s: { things: [a], notes: [${note}] } } }`;
  assert.throws(() => parseSurface(withNote("{ of: [a], no: x, differs: y }")));
  assert.throws(() => parseSurface(withNote("{ of: [a] }")));
  assert.throws(() => parseSurface("{ title: T, about: A, sections: {}, more: 1 }"));
});
