/// <reference lib="deno.ns" />
import assert from "node:assert/strict";
import { layered, SOURCE_Y, WIDTH } from "./layout.ts";

function numbers(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index);
}

Deno.test("at 8, 500 and 600 peers each is in the picture, below the source, and covers no other", () => {
  for (const sizes of [[1], [1, 7], [2, 60, 438], [600], [3, 0, 5], [100, 100, 100, 100, 100]]) {
    const { dots, radius, height } = layered(sizes.map(numbers));
    assert.equal(dots.length, sizes.reduce((sum, size) => sum + size, 0));
    assert.ok(radius >= 4, `a radius of ${radius} can be seen`);
    for (const { x, y } of dots) {
      assert.ok(x - radius >= 0 && x + radius <= WIDTH && y - radius > SOURCE_Y && y + radius <= height);
    }
    for (const [index, a] of dots.entries()) {
      for (const b of dots.slice(index + 1)) {
        assert.ok(Math.hypot(a.x - b.x, a.y - b.y) >= 2 * radius, `${sizes}: ${a.x},${a.y} and ${b.x},${b.y}`);
      }
    }
  }
});

Deno.test("whoever is in a later layer stands below all of the layers before", () => {
  const { dots } = layered([[1, 1], numbers(50).map(() => 2), [3]]);
  const lowest = (layer: number) => Math.max(...dots.filter(({ item }) => item === layer).map(({ y }) => y));
  const highest = (layer: number) => Math.min(...dots.filter(({ item }) => item === layer).map(({ y }) => y));
  assert.ok(lowest(1) < highest(2) && lowest(2) < highest(3));
});
