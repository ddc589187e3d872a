import assert from "node:assert/strict";
import { Entries } from "./entries.ts";

const entry = (text: string) => ({ text });
/** Characters of an entry besides its text. */
const FRAME = JSON.stringify(entry("")).length;

Deno.test("entries are kept as far as there is room, and all are counted", () => {
  const entries = new Entries(2 * FRAME + 10);
  entries.add(entry("12345"));
  assert.equal(entries.isFull, false);
  entries.add(entry("12345"));
  assert.deepEqual([entries.first(1_000), entries.isFull], [[entry("12345"), entry("12345")], false]);
  entries.add(entry("1"));
  assert.deepEqual([entries.first(1_000).length, entries.count, entries.isFull], [2, 3, true]);
});

Deno.test("after the first entry that had no room none is kept, so that the list has no holes", () => {
  const entries = new Entries(2 * FRAME + 10);
  entries.add(entry("1"));
  entries.add(entry("1".repeat(50)));
  entries.add(entry("2"));
  assert.deepEqual([entries.first(1_000), entries.count], [[entry("1")], 3]);
});

Deno.test("the first entries are given that so many characters hold", () => {
  const entries = new Entries(1_000);
  for (const text of ["1", "2", "3"]) entries.add(entry(text));
  const length = FRAME + 1;
  assert.deepEqual([0, length - 1, length, 3 * length - 1, 3 * length].map((max) => entries.first(max).length), [
    ...[0, 0, 1, 2, 3],
  ]);
});
