import assert from "node:assert/strict";
import { settle, VirtualClock } from "../../testing/virtual_clock.ts";
import { RequestRate } from "./request_rate.ts";

const never = new AbortController().signal;

Deno.test("requests of a second begin at once, those above it in their turn, and who would wait too long is refused", async () => {
  const clock = new VirtualClock();
  const rate = new RequestRate(2, clock);
  const begun: number[] = [];
  let refused = 0;
  for (let request = 0; request < 10; request++) {
    rate.turn(never).then(() => begun.push(request), () => refused += 1);
  }
  await settle();
  assert.deepEqual([begun, refused], [[0, 1, 2], 3]);
  await clock.advance(1_000);
  assert.deepEqual(begun, [0, 1, 2, 3, 4]);
  await clock.advance(1_000);
  assert.deepEqual(begun, [0, 1, 2, 3, 4, 5, 6]);
  await assert.doesNotReject(async () => await Promise.all([rate.turn(never), clock.advance(500)]));
});

Deno.test("what was not used for long is not saved up, and who leaves waits no longer", async () => {
  const clock = new VirtualClock();
  const rate = new RequestRate(1, clock);
  await clock.advance(3_600_000);
  await rate.turn(never);
  await rate.turn(never);
  const leaving = new AbortController();
  const third = rate.turn(leaving.signal);
  leaving.abort(new Error("gone"));
  await assert.rejects(third, /gone/);
});
