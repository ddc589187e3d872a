import assert from "node:assert/strict";
import { settle, VirtualClock } from "../../testing/virtual_clock.ts";
import { Rounds } from "./rounds.ts";

Deno.test("a round that lasts leaves others out, and is waited for at the end, which it is told of", async () => {
  const clock = new VirtualClock();
  const ends: (() => void)[] = [];
  const rounds = new Rounds(clock, 1_000, () => new Promise((resolve) => ends.push(resolve)));
  await clock.advance(3_000);
  assert.equal(ends.length, 1);
  ends[0]?.();
  await clock.advance(1_000);
  assert.equal(ends.length, 2);
  let isDisposed = false;
  const disposed = rounds[Symbol.asyncDispose]().then(() => isDisposed = true);
  await settle();
  assert.deepEqual([rounds.signal.aborted, isDisposed], [true, false]);
  ends[1]?.();
  await disposed;
  await clock.advance(5_000);
  assert.equal(ends.length, 2);
});
