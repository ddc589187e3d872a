/// <reference lib="deno.ns" />
import assert from "node:assert/strict";
import { en } from "../text/en.ts";
import { isBelow, sectionsOf } from "./sections.ts";

Deno.test("the navigation leads to what the rights open, and to nothing else", () => {
  const labels = (may: Parameters<typeof sectionsOf>[1]) => {
    return sectionsOf(en, may).flatMap(({ entries }) => entries.map(({ label }) => label));
  };
  assert.deepEqual(labels(() => false), []);
  assert.deepEqual(labels((object) => object === "clusters"), [
    ...[en.navigation.overview, en.navigation.swarms, en.navigation.pulls, en.navigation.clusters, en.navigation.match],
    en.navigation.savings,
  ]);
});

Deno.test("a page below an entry's belongs to it, and one whose path only begins alike does not", () => {
  assert.deepEqual(["/users", "/users/1", "/users2", "/"].map((path) => isBelow(path, "/users")), [
    ...[true, true, false, false],
  ]);
  assert.deepEqual(["/", "/users"].map((path) => isBelow(path, "/")), [true, false]);
});
