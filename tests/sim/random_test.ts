import assert from "node:assert/strict";
import { randomScenario } from "../../src/testing/sim/random_scenario.ts";
import { runScenario } from "../../src/testing/sim/run.ts";
import type { Scenario } from "../../src/testing/sim/scenario.ts";
import { shrink } from "../../src/testing/sim/shrink.ts";
import { reportOf, wrongOf } from "./random.ts";

/** More of them are behind `deno task sim:random`. */
const SEEDS = 40;

Deno.test("small clusters by chance are well, whatever goes wrong", async () => {
  for (let seed = 1; seed <= SEEDS; seed++) {
    const wrong = await wrongOf(randomScenario(seed));
    if (wrong !== undefined) assert.fail(await reportOf(seed, wrong));
  }
});

Deno.test("the same seed runs the same, to the millisecond", async () => {
  for (const seed of [3, 11, 14, 26]) {
    const runs = await Promise.all([1, 2].map(() => runScenario(randomScenario(seed), { wallMs: () => 0 })));
    const [first, second] = runs.map(({ figures, fingerprint, said }) => ({ figures, fingerprint, said }));
    assert.deepEqual(first, second, `seed ${seed}`);
  }
});

Deno.test("a scenario that fails shrinks to what makes it fail", async () => {
  const isWrong = ({ faults, pulls }: Scenario) => {
    return Promise.resolve(faults.some(({ kind }) => kind === "partition") && pulls.some(({ peer }) => peer === 1));
  };
  const seeds = Array.from({ length: 300 }, (_, index) => index + 1);
  const failing = await Promise.all(seeds.map((seed) => isWrong(randomScenario(seed))));
  const scenario = randomScenario(1 + failing.indexOf(true));
  const smallest = await shrink(scenario, isWrong);
  assert.deepEqual([smallest.faults.length, smallest.pulls.length, smallest.setup.sizes], [1, 1, [1]]);
});
