import assert from "node:assert/strict";
import { inParallel, mergeInParallel } from "./in_parallel.ts";

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

/** Results that wait for a promise each. */
async function* results(name: string, waits: readonly Promise<void>[], ended: string[]) {
  try {
    for (const [number, wait] of waits.entries()) {
      await wait;
      yield `${name}${number}`;
    }
  } finally {
    ended.push(name);
  }
}

Deno.test("results of several iterations come as they are ready, so many iterations at a time", async () => {
  const slow = Promise.withResolvers<void>();
  const now = Promise.resolve();
  const ended: string[] = [];
  const begun: string[] = [];
  const seen: string[] = [];
  const waits: Record<string, Promise<void>[]> = { a: [now, slow.promise], b: [now, now], c: [now] };
  const run = (name: string) => {
    begun.push(name);
    return results(name, waits[name] ?? [], ended);
  };
  for await (const result of mergeInParallel(["a", "b", "c"], 2, run)) {
    if (seen.length === 0) assert.deepEqual(begun, ["a", "b"]);
    seen.push(result);
    if (result === "c0") slow.resolve();
  }
  assert.deepEqual(seen.toSorted(), ["a0", "a1", "b0", "b1", "c0"]);
  assert.equal(seen.at(-1), "a1", "nobody waits for a slower one");
  assert.deepEqual(ended, ["b", "c", "a"]);
});

Deno.test("an iteration goes on when its result was taken, and ends when the reader leaves", async () => {
  const ended: string[] = [];
  let given = 0;
  const endless = async function* (name: string) {
    try {
      while (true) yield given++;
    } finally {
      ended.push(name);
    }
  };
  const merged = mergeInParallel(["a", "b"], 2, endless);
  await merged.next();
  for (let turn = 0; turn < 50; turn++) await Promise.resolve();
  assert.ok(given <= 4, String(given));
  await merged.return();
  for (let turn = 0; turn < 50; turn++) await Promise.resolve();
  assert.deepEqual(ended.toSorted(), ["a", "b"]);
});
