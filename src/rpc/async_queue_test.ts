import assert from "node:assert/strict";
import { AsyncQueue } from "./async_queue.ts";

const signal = new AbortController().signal;

Deno.test("items come out in order, and closing ends the loop after them", async () => {
  const queue = new AsyncQueue<number>(3);
  for (const item of [1, 2, 3]) assert.ok(queue.tryPush(item));
  queue.close();
  assert.deepEqual(await Array.fromAsync(queue), [1, 2, 3]);
});

Deno.test("a full queue takes nothing more until something was taken", async () => {
  const queue = new AsyncQueue<number>(1);
  assert.ok(queue.tryPush(1));
  assert.equal(queue.tryPush(2), false);
  const pushed = queue.push(2, signal).then(() => queue.close());
  assert.deepEqual(await Array.fromAsync(queue), [1, 2]);
  await pushed;
});

Deno.test("a failure comes after the items that were there", async () => {
  const queue = new AsyncQueue<number>(2);
  queue.tryPush(1);
  queue.fail(new Error("broken"));
  const items = queue[Symbol.asyncIterator]();
  assert.deepEqual(await items.next(), { done: false, value: 1 });
  await assert.rejects(items.next(), /broken/);
});

Deno.test("who waits for room is released by his signal, and by the consumer who leaves", async () => {
  const queue = new AsyncQueue<number>(1);
  queue.tryPush(1);
  const abort = new AbortController();
  const aborted = assert.rejects(queue.push(2, abort.signal), /enough/);
  abort.abort(new Error("enough"));
  await aborted;
  const pushed = [queue.push(2, signal), queue.push(3, signal)];
  for await (const _ of queue) break;
  assert.deepEqual((await Promise.allSettled(pushed)).map(({ status }) => status), ["rejected", "rejected"]);
  await assert.rejects(queue.push(4, signal), { code: "cancelled" });
  assert.equal(queue.tryPush(4), false);
});
