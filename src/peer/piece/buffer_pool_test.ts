import assert from "node:assert/strict";
import { BufferPool } from "./buffer_pool.ts";

const never = new AbortController().signal;

Deno.test("a buffer goes to who waits longest, and is made only when all are out", async () => {
  const pool = new BufferPool(8, 2);
  const [first, second] = [await pool.take(never), await pool.take(never)];
  const order: string[] = [];
  const [third, fourth] = [pool.take(never), pool.take(never)];
  third.then(() => order.push("third"));
  fourth.then(() => order.push("fourth"));
  const { bytes } = first;
  first[Symbol.dispose]();
  assert.equal((await third).bytes, bytes);
  second[Symbol.dispose]();
  await fourth;
  assert.deepEqual(order, ["third", "fourth"]);
});

Deno.test("a buffer is not given to who gave up waiting", async () => {
  const pool = new BufferPool(8, 1);
  const loan = await pool.take(never);
  const abort = new AbortController();
  const waiting = assert.rejects(pool.take(abort.signal), { message: "gone" });
  abort.abort(new Error("gone"));
  await waiting;
  loan[Symbol.dispose]();
  using again = await pool.take(never);
  assert.equal(again.bytes, loan.bytes);
  await assert.rejects(pool.take(abort.signal), { message: "gone" });
});
