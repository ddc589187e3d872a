/// <reference lib="deno.ns" />
import assert from "node:assert/strict";
import { shownPages } from "./shown_pages.ts";

Deno.test("a list of one page has nothing to choose, but who is behind its end gets back", () => {
  assert.deepEqual([shownPages(1, 0), shownPages(1, 1), shownPages(1, 2)], [0, 0, 2]);
  assert.deepEqual([shownPages(2, 0), shownPages(2, 1), shownPages(9, 3)], [1, 1, 3]);
});
