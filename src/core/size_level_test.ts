import assert from "node:assert/strict";
import { sizeLevel } from "./size_level.ts";

Deno.test("sizes are told by levels, each up to twice the one before", () => {
  const mib = 1024 * 1024;
  const sizes = [undefined, 0, mib, mib + 1, 2 * mib, 4 * mib, 2 ** 50];
  assert.deepEqual(sizes.map(sizeLevel), [0, 1, 1, 2, 2, 3, 20]);
});
