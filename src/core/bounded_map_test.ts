import assert from "node:assert/strict";
import { BoundedMap } from "./bounded_map.ts";

function kept(map: BoundedMap<number>): string {
  return ["a", "b", "c", "d"].filter((key) => map.get(key) !== undefined).join("");
}

Deno.test("a bounded map keeps what fits, and forgets all when one more does not", () => {
  const map = new BoundedMap<number>(10, (_, size) => size);
  map.add("a", 4);
  map.add("b", 6);
  assert.equal(kept(map), "ab");
  map.add("c", 1);
  assert.equal(kept(map), "c");
  map.add("d", 9);
  assert.equal(kept(map), "cd");
});

Deno.test("what is larger than a bounded map is not kept, and nothing is forgotten for it", () => {
  const map = new BoundedMap<number>(10, (key, size) => key.length + size);
  map.add("a", 9);
  map.add("b", 10);
  assert.equal(kept(map), "a");
});

Deno.test("a bounded map that was cleared has room again", () => {
  const map = new BoundedMap<number>(10, (_, size) => size);
  map.add("a", 10);
  map.clear();
  map.add("b", 5);
  map.add("c", 5);
  assert.equal(kept(map), "bc");
});
