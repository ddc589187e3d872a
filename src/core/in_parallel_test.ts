import assert from "node:assert/strict";
import { inParallel } from "./in_parallel.ts";

Deno.test("every item is run, at most so many at a time, and results come as they are ready", async () => {
  let running = 0;
  let most = 0;
  const results: number[] = [];
  const items = Array.from({ length: 20 }, (_, number) => number);
  for await (
    const result of inParallel(items, 3, async (number) => {
      most = Math.max(most, ++running);
      for (let turn = 0; turn < 5 + 9 * (number % 4); turn++) await Promise.resolve();
      running -= 1;
      return number;
    })
  ) results.push(result);
  assert.equal(most, 3);
  assert.deepEqual(results.toSorted((a, b) => a - b), items);
  assert.notDeepEqual(results, items, "nobody waits for a slower one");
});

Deno.test("nothing is begun for a reader who does not read", async () => {
  const begun: number[] = [];
  const results = inParallel([1, 2, 3, 4, 5], 2, (number) => Promise.resolve(begun.push(number)));
  await results.next();
  for (let turn = 0; turn < 20; turn++) await Promise.resolve();
  assert.ok(begun.length <= 3, `${begun}`);
  await results.return();
});

Deno.test("the first failure ends it", async () => {
  const fail = async () => {
    for await (
      const _ of inParallel([1, 2, 3], 1, (n) => n === 2 ? Promise.reject(new Error("two")) : Promise.resolve())
    );
  };
  await assert.rejects(fail, /two/);
});

Deno.test("no items are no results", async () => {
  assert.deepEqual(await Array.fromAsync(inParallel([], 2, () => Promise.resolve(1))), []);
});
