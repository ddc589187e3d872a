import assert from "node:assert/strict";
import { BoundedLabels } from "./bounded_labels.ts";

Deno.test("labels from outside make a bounded number of series, and those that were there first stay apart", () => {
  const bounded = new BoundedLabels();
  const first = { version: "1", commit: "a" };
  assert.deepEqual(bounded.of(first), first);
  const series = new Set<string>();
  for (let index = 0; index < 1_000; index++) {
    series.add(JSON.stringify(bounded.of({ version: `2.${index}`, commit: "b" })));
  }
  assert.equal(series.size, 50);
  assert.deepEqual(bounded.of(first), first);
  assert.deepEqual(bounded.of({ version: "late", commit: "c" }), { version: "other", commit: "other" });
});

Deno.test("a label that is too long is counted as another", () => {
  const bounded = new BoundedLabels();
  assert.deepEqual(bounded.of({ version: "v".repeat(1_000) }), { version: "other" });
});
