import assert from "node:assert/strict";
import { SharedCalls } from "./shared_calls.ts";

const never = new AbortController().signal;

Deno.test("who asks while a call runs gets what it gives, and who asks later begins another", async () => {
  const calls = new SharedCalls<number>();
  const begun: PromiseWithResolvers<number>[] = [];
  const call = () => {
    const result = Promise.withResolvers<number>();
    begun.push(result);
    return result.promise;
  };
  const both = Promise.all([calls.join("a", call, never), calls.join("a", call, never)]);
  const other = calls.join("b", call, never);
  assert.equal(begun.length, 2);
  begun[0]?.resolve(1);
  begun[1]?.resolve(2);
  assert.deepEqual([await both, await other], [[1, 1], 2]);
  const later = calls.join("a", call, never);
  begun[2]?.resolve(3);
  assert.equal(await later, 3);
});

Deno.test("a failure is everybody's, and is not remembered", async () => {
  const calls = new SharedCalls<number>();
  const fails = () => Promise.reject(new Error("no"));
  const both = await Promise.allSettled([calls.join("a", fails, never), calls.join("a", fails, never)]);
  assert.deepEqual(both.map(({ status }) => status), ["rejected", "rejected"]);
  assert.equal(await calls.join("a", () => Promise.resolve(1), never), 1);
});

Deno.test("who leaves does so alone; when all have left the call is given up, and the next one begins anew", async () => {
  const calls = new SharedCalls<number>();
  const signals: AbortSignal[] = [];
  const call = (signal: AbortSignal) => {
    signals.push(signal);
    return new Promise<number>((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
  };
  const [one, two] = [new AbortController(), new AbortController()];
  const first = calls.join("a", call, one.signal);
  const second = calls.join("a", call, two.signal);
  one.abort(new Error("one left"));
  await assert.rejects(first, /one left/);
  assert.equal(signals[0]?.aborted, false);
  two.abort(new Error("two left"));
  await assert.rejects(second, /two left/);
  assert.equal(signals[0]?.aborted, true);
  assert.equal(await calls.join("a", () => Promise.resolve(1), never), 1);
});
