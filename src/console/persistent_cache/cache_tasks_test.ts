/// <reference lib="deno.ns" />
import assert from "node:assert/strict";
import { portionsOf } from "./cache_tasks.ts";

Deno.test("tasks are added up by application or tag, those with the most bytes first", () => {
  const shares = [
    { application: "train", tag: "a", count: 2, content_length: 10 },
    { application: "", tag: "a", count: 1, content_length: 30 },
    { application: "train", tag: "", count: 3, content_length: 25 },
  ];
  assert.deepEqual(portionsOf(shares, "application"), [
    { name: "train", count: 5, bytes: 35 },
    { name: "-", count: 1, bytes: 30 },
  ]);
  assert.deepEqual(portionsOf(shares, "tag").map(({ name, bytes }) => [name, bytes]), [["a", 40], ["-", 25]]);
});
