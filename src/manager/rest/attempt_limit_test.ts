import assert from "node:assert/strict";
import { VirtualClock } from "../../testing/virtual_clock.ts";
import { AttemptLimit } from "./attempt_limit.ts";

const OPTIONS = { attemptsMax: 2, windowMs: 1_000, keysMax: 3 };

Deno.test("attempts beyond the limit wait for the end of the window that began with the first", async () => {
  const clock = new VirtualClock();
  const limit = new AttemptLimit(OPTIONS, clock);
  assert.equal(limit.take("a"), undefined);
  await clock.advance(400);
  assert.equal(limit.take("a"), undefined);
  assert.equal(limit.take("a"), 600);
  assert.equal(limit.take("b"), undefined);
  await clock.advance(600);
  assert.equal(limit.take("a"), undefined);
});

Deno.test("an attempt that is given back does not count", () => {
  const limit = new AttemptLimit(OPTIONS, new VirtualClock());
  for (let count = 0; count < 10; count++) {
    assert.equal(limit.take("a"), undefined);
    limit.giveBack("a");
  }
  limit.giveBack("never taken");
  limit.take("a");
  limit.take("a");
  assert.equal(limit.take("a"), 1_000);
});

Deno.test("with too many keys the oldest is forgotten, and only that one", () => {
  const limit = new AttemptLimit(OPTIONS, new VirtualClock());
  for (const key of ["a", "a", "b", "b", "c", "c"]) limit.take(key);
  limit.take("d");
  assert.equal(limit.take("c"), 1_000);
  assert.equal(limit.take("a"), undefined, "it was forgotten");
});
