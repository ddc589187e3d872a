/**
 * Runs small clusters by chance, with faults, and looks whether all is well:
 *
 *     deno task sim:random [--seeds 500] [--from 1] [--seed X] [--verbose]
 *
 * A run that fails is made as small as it can be and printed. `--seed` runs one; the same seed always runs the same.
 */
import { parseArgs } from "node:util";
import type { LineListener } from "../../src/testing/sim/quiet.ts";
import { randomScenario } from "../../src/testing/sim/random_scenario.ts";
import { type Outcome, runScenario } from "../../src/testing/sim/run.ts";
import type { Scenario } from "../../src/testing/sim/scenario.ts";
import { shrink } from "../../src/testing/sim/shrink.ts";

const OPTIONS = {
  seeds: { type: "string", default: "500" },
  from: { type: "string", default: "1" },
  seed: { type: "string" },
  verbose: { type: "boolean", default: false },
} as const;

/** What is wrong with a scenario; nothing when all is well. */
export async function wrongOf(scenario: Scenario, onLine?: LineListener): Promise<string | undefined> {
  return (await outcomeOf(scenario, onLine)).wrong;
}

/** Runs a scenario; what it throws is wrong too. */
export async function outcomeOf(scenario: Scenario, onLine?: LineListener): Promise<Pick<Outcome, "wrong">> {
  try {
    const listening = onLine === undefined ? {} : { onLine };
    return await runScenario(scenario, { wallMs: () => performance.now(), ...listening });
  } catch (error) {
    return { wrong: error instanceof Error ? error.stack ?? error.message : String(error) };
  }
}

/** A failing seed with what it takes to see it again. */
export async function reportOf(seed: number, wrong: string): Promise<string> {
  const smallest = await shrink(randomScenario(seed), async (smaller) => await wrongOf(smaller) !== undefined);
  const still = await wrongOf(smallest);
  return [
    `Seed ${seed}: ${wrong}`,
    `Again: deno task sim:random --seed ${seed} --verbose`,
    `As small as it gets (${still}): ${JSON.stringify(smallest)}`,
  ].join("\n");
}

async function main(): Promise<number> {
  const { values } = parseArgs({ options: OPTIONS });
  const first = Number(values.seed ?? values.from);
  const count = values.seed === undefined ? Number(values.seeds) : 1;
  const onLine: LineListener = (...line) => console.error(...line);
  let failed = 0;
  for (let seed = first; seed < first + count; seed++) {
    const scenario = randomScenario(seed);
    if (values.verbose) console.error(JSON.stringify(scenario));
    const wrong = await wrongOf(scenario, values.verbose ? onLine : undefined);
    if (wrong === undefined) continue;
    failed++;
    console.log(await reportOf(seed, wrong));
  }
  console.log(`${count - failed} of ${count} seeds are well`);
  return failed === 0 ? 0 : 1;
}

if (import.meta.main) Deno.exit(await main());
