import assert from "node:assert/strict";
import { VirtualClock } from "../../testing/virtual_clock.ts";
import { Remembered } from "./remembered.ts";

Deno.test("what was found out is told to all who ask meanwhile, and found out again when it is old", async () => {
  const clock = new VirtualClock();
  let reads = 0;
  const remembered = new Remembered(clock, 100, () => Promise.resolve(++reads));
  assert.deepEqual(await Promise.all([remembered.get(), remembered.get()]), [1, 1]);
  await clock.advance(99);
  assert.equal(await remembered.get(), 1);
  await clock.advance(1);
  assert.equal(await remembered.get(), 2);
});

Deno.test("what takes longer than it is remembered is found out once at a time", async () => {
  const clock = new VirtualClock();
  const reads: PromiseWithResolvers<string>[] = [];
  const remembered = new Remembered(clock, 100, () => {
    const read = Promise.withResolvers<string>();
    reads.push(read);
    return read.promise;
  });
  const first = remembered.get();
  await clock.advance(1_000);
  const second = remembered.get();
  assert.equal(reads.length, 1);
  reads[0]?.resolve("a");
  assert.deepEqual(await Promise.all([first, second]), ["a", "a"]);
  void remembered.get();
  assert.equal(reads.length, 2, "it was old when it came");
});

Deno.test("a failure is told to those who wait for it, and to nobody after them", async () => {
  let reads = 0;
  const remembered = new Remembered(new VirtualClock(), 100, () => {
    return ++reads === 1 ? Promise.reject(new Error("gone")) : Promise.resolve(reads);
  });
  const both = await Promise.allSettled([remembered.get(), remembered.get()]);
  assert.deepEqual(both.map(({ status }) => status), ["rejected", "rejected"]);
  assert.equal(await remembered.get(), 2);
});
