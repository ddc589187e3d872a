import assert from "node:assert/strict";
import { ExpiringMap } from "./expiring_map.ts";

function setup(sizeMax = 10, sizeOf?: (key: string, value: number) => number) {
  const time = { now: 0 };
  const map = new ExpiringMap<number>({ now: () => time.now, sizeMax, ...(sizeOf !== undefined && { sizeOf }) });
  const kept = () => ["a", "b", "c", "d"].filter((key) => map.has(key)).join("");
  return { time, map, kept };
}

Deno.test("an entry counts until its end, and not at it", () => {
  const { time, map } = setup();
  map.set("a", 0, 5);
  time.now = 4;
  assert.equal(map.get("a"), 0);
  time.now = 5;
  assert.equal(map.get("a"), undefined);
  assert.equal(map.has("a"), false);
  map.set("a", 1, 9);
  map.set("a", 2, 6);
  assert.equal(map.get("a"), 2);
  time.now = 6;
  assert.equal(map.get("a"), undefined, "the last end counts");
  assert.equal(map.get("b"), undefined);
});

Deno.test("of more entries than there is room for, those go that were set longest ago", () => {
  const { map, kept } = setup(2);
  for (const key of ["a", "b", "a", "c"]) map.set(key, 1, 5);
  assert.equal(kept(), "ac");
});

Deno.test("what has ended before it is set takes no room, and what it replaces is gone", () => {
  const { map, kept } = setup(2);
  for (const key of ["a", "b"]) map.set(key, 1, 5);
  map.set("c", 1, 0);
  assert.equal(kept(), "ab");
  map.set("b", 1, 0);
  assert.equal(kept(), "a");
});

Deno.test("entries have sizes, which are free again when they go", () => {
  const { time, map, kept } = setup(10, (key, size) => key.length + size);
  map.set("a", 3, 5);
  map.set("b", 3, 9);
  map.set("c", 9, 9);
  assert.equal(kept(), "c", "one that takes all the room");
  map.set("d", 10, 9);
  assert.equal(kept(), "c", "one that has no room at all");
  map.delete("c");
  map.set("a", 3, 5);
  time.now = 5;
  assert.equal(kept(), "");
  for (const key of ["b", "c"]) map.set(key, 4, 9);
  map.set("b", 4, 9);
  assert.equal(kept(), "bc");
});
