import assert from "node:assert/strict";
import { beginRound, goOn, isOver } from "./rounds.ts";
import type { Round } from "./state.ts";

Deno.test("a round looks at all once, so many in a step, and another one begins only when it is over", () => {
  const all = Array.from({ length: 2_500 }, (_, index) => index);
  const round: Round<number> = { left: undefined, begunAtMs: 0 };
  const seen: number[] = [];
  const steps: number[] = [];
  beginRound(round, all.values(), 7);
  while (!isOver(round)) {
    const before = seen.length;
    goOn(round, (item) => {
      seen.push(item);
      return 1;
    });
    steps.push(seen.length - before);
    if (!isOver(round)) beginRound(round, all.values(), 8);
  }
  assert.deepEqual(seen, all);
  assert.deepEqual(steps, [1_000, 1_000, 500]);
  assert.equal(round.begunAtMs, 7);
});

Deno.test("what costs more takes the place of several looks", () => {
  const round: Round<number> = { left: [1, 2, 3, 4, 5].values(), begunAtMs: 0 };
  const seen: number[] = [];
  goOn(round, (item) => {
    seen.push(item);
    return 400;
  });
  assert.deepEqual(seen, [1, 2, 3]);
});
