/// <reference lib="deno.ns" />
import assert from "node:assert/strict";
import { highest, segmentsOf, unitOf } from "./stacked.ts";

const KEYS = ["origin", "peer"] as const;
const BARS = [
  { name: "a", values: { origin: 1, peer: 4 } },
  { name: "b", values: { origin: 0, peer: 0 } },
  { name: "c", values: { origin: 0, peer: 3 } },
];

Deno.test("the parts of a bar stand one upon the other, and what is nothing is not drawn", () => {
  assert.deepEqual(segmentsOf(BARS, KEYS), [
    { key: "origin", bar: 0, from: 0, to: 1 },
    { key: "peer", bar: 0, from: 1, to: 5 },
    { key: "peer", bar: 2, from: 0, to: 3 },
  ]);
  assert.equal(highest(BARS, KEYS), 5);
  assert.equal(highest([], KEYS), 0);
});

Deno.test("the unit is the largest of which there is one, from KiB to TiB", () => {
  const names = [0, 1023, 2 ** 20 - 1, 2 ** 20, 2 ** 30, 2 ** 40, 2 ** 55].map((bytes) => unitOf(bytes).name);
  assert.deepEqual(names, ["KiB", "KiB", "KiB", "MiB", "GiB", "TiB", "TiB"]);
  assert.equal(unitOf(2 ** 31).bytes, 2 ** 30);
});
