import assert from "node:assert/strict";
import { CLOCK_SKEW_MS_MAX, type ClockReading, judgeClock } from "./clock.ts";

/** The clock of somebody, which this host is `ms` ahead of. */
function reading(of: string, ms: number): ClockReading {
  return { of, dateMs: 1_000_000, wallMs: 1_000_000 + ms };
}

function judged(registries: readonly number[], manager?: number): [id: string, what: string][] {
  const facts = {
    registries: registries.map((ms) => reading("reg.corp", ms)),
    manager: manager === undefined ? undefined : reading("the manager", manager),
  };
  return judgeClock(facts).map(({ id, what }) => [id, what]);
}

Deno.test("a clock that agrees with nobody's is told, by whom it agrees with best", () => {
  const [ahead] = judged([CLOCK_SKEW_MS_MAX + 1_000, 700_000]);
  assert.equal(ahead?.[0], "doctor.clock.skew");
  assert.match(ahead?.[1] ?? "", /61 s ahead of reg\.corp/);
  assert.match(judged([-90_000])[0]?.[1] ?? "", /90 s behind reg\.corp/);
});

Deno.test("one registry that agrees is enough, for another's clock may be wrong", () => {
  assert.deepEqual(judged([700_000, CLOCK_SKEW_MS_MAX]), [["doctor.clock", "agrees with reg.corp to 60 s"]]);
  assert.deepEqual(judged([-90_000, 5_000]), [["doctor.clock", "agrees with reg.corp to 5 s"]]);
});

Deno.test("without a registry that answers the manager's clock counts", () => {
  assert.deepEqual(judged([], 2_000), [["doctor.clock", "agrees with the manager to 2 s"]]);
  assert.deepEqual(judged([], 61_000).map(([id]) => id), ["doctor.clock.skew"]);
  assert.deepEqual(judged([]), []);
});

Deno.test("where only the manager's clock is another one, it is the manager's that is told", () => {
  const [told] = judged([1_000], -120_000);
  assert.equal(told?.[0], "doctor.clock.manager_skew");
  assert.match(told?.[1] ?? "", /this host is 120 s behind it, and agrees with reg\.corp to 1 s/);
  assert.deepEqual(judged([700_000], 1_000).map(([id]) => id), ["doctor.clock"]);
  assert.deepEqual(judged([700_000], 120_000).map(([id]) => id), ["doctor.clock.skew"]);
});
