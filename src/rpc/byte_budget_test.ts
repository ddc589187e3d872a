import assert from "node:assert/strict";
import { ByteBudget } from "./byte_budget.ts";

const EXHAUSTED = { code: "resource_exhausted" };

Deno.test("as much can be held as there is, and what was given back can be held again", () => {
  const budget = new ByteBudget(10);
  budget.take(4);
  budget.take(6);
  assert.throws(() => budget.take(1), EXHAUSTED);
  budget.give(6);
  budget.take(6);
  assert.equal(budget.held, 10);
});

Deno.test("one that is a part leaves something for the others, and of what is refused nothing counts anywhere", () => {
  const whole = new ByteBudget(15);
  const [one, other] = [new ByteBudget(10, whole), new ByteBudget(10, whole)];
  assert.throws(() => one.take(11), EXHAUSTED);
  one.take(10);
  assert.throws(() => other.take(6), EXHAUSTED);
  assert.deepEqual([one.held, other.held, whole.held], [10, 0, 10]);
  other.take(5);
  one.give(10);
  assert.deepEqual([one.held, other.held, whole.held], [0, 5, 5]);
});
