/**
 * Simulates clusters in virtual time and prints how near they come to what their lines allow:
 *
 *     deno task sim --peers 10,100 --size 1GiB --scenario cold --seed 1 [--algorithm swarm,default] [--json] [--svg FILE]
 *
 * With several values each combination is run; `--list` names the scenarios, `--verbose` prints what the parts say.
 * `--scenario faults` runs all scenarios with a fault, each of them without it too, and says how much longer the last
 * peer takes for it (`times_without_fault`).
 */
import { parseArgs } from "node:util";
import { parseSize } from "../../src/config/sizes.ts";
import type { AlgorithmName } from "../../src/scheduler/core/settings.ts";
import type { Figures } from "../../src/testing/sim/figures.ts";
import type { LineListener } from "../../src/testing/sim/quiet.ts";
import { type Outcome, runScenario } from "../../src/testing/sim/run.ts";
import { type Scenario, SCENARIOS } from "../../src/testing/sim/scenario.ts";
import { PLAIN_SETUP, type SimSetup } from "../../src/testing/sim/sim_cluster.ts";
import { curves } from "./svg.ts";

const OPTIONS = {
  peers: { type: "string", default: "10" },
  size: { type: "string", default: "1GiB" },
  scenario: { type: "string", default: "cold" },
  seed: { type: "string", default: "1" },
  algorithm: { type: "string", default: "swarm" },
  /** Bytes of a piece, where it is not left to the rule. */
  "piece-length": { type: "string" },
  /** What hosts say that their lines carry; virtual interfaces often say 10000. */
  "announced-mbits": { type: "string" },
  "turn-ms": { type: "string", default: "1" },
  svg: { type: "string" },
  json: { type: "boolean", default: false },
  list: { type: "boolean", default: false },
  verbose: { type: "boolean", default: false },
} as const;

/** The name for all scenarios with a fault. */
const FAULTS = "faults";

const COLUMNS = [
  ...["scenario", "algorithm", "peers", "bound_s", "efficiency", "first_byte_ms", "p50_s", "p99_s", "last_s"],
  ...["origin_copies", "seed_copies", "cross_location_copies", "peer_uplink_use", "repeated_pulls", "wall_s"],
  "times_without_fault",
] as const satisfies readonly (keyof Row)[];

/** The figures of a run, and how many times as long the last peer took as without the faults, where that was asked for. */
type Row = Figures & { readonly times_without_fault?: number };

type Values = ReturnType<typeof parseArgs<{ options: typeof OPTIONS }>>["values"];

async function main(): Promise<number> {
  const { values } = parseArgs({ options: OPTIONS });
  if (values.list) {
    console.log(Object.keys(SCENARIOS).join("\n"));
    return 0;
  }
  const rows: Row[] = [];
  let isAllWell = true;
  for (const { name, setup } of setupsOf(values)) {
    const scenario = SCENARIOS[name]?.(setup);
    if (scenario === undefined) throw new Error(`There is no scenario ${name}; --list names them`);
    const { figures, wrong } = await run(name, scenario, values.verbose);
    rows.push({ ...figures, ...(values.scenario === FAULTS && await slowdownOf(name, scenario, figures)) });
    if (values.json) console.log(JSON.stringify(rows.at(-1)));
    else printRow(rows);
    if (wrong === undefined) continue;
    console.error(`WRONG: ${wrong}`);
    isAllWell = false;
  }
  if (values.svg !== undefined) await Deno.writeTextFile(values.svg, curves(rows));
  return isAllWell ? 0 : 1;
}

function run(name: string, scenario: Scenario, isVerbose: boolean): Promise<Outcome> {
  const onLine: LineListener = (...line) => console.error(...line);
  return runScenario(scenario, { name, wallMs: () => performance.now(), ...(isVerbose && { onLine }) });
}

/** When the last peer has everything without the faults, by cluster and pulls. */
const faultless = new Map<string, number>();

async function slowdownOf(name: string, scenario: Scenario, { last_s: lastS }: Figures): Promise<Partial<Row>> {
  const without = { ...scenario, faults: [] };
  const key = JSON.stringify(without);
  const lastWithoutS = faultless.get(key) ?? (await run(name, without, false)).figures.last_s;
  faultless.set(key, lastWithoutS);
  return { times_without_fault: Number((lastS / lastWithoutS).toFixed(3)) };
}

/** The scenarios that are named; {@link FAULTS} stands for all with a fault. */
function namesOf({ scenario }: Values): string[] {
  if (scenario !== FAULTS) return scenario.split(",");
  return Object.keys(SCENARIOS).filter((name) => (SCENARIOS[name]?.(PLAIN_SETUP).faults.length ?? 0) > 0);
}

function* setupsOf(values: Values): Generator<{ name: string; setup: SimSetup }> {
  const { "piece-length": pieceLength, "announced-mbits": announced } = values;
  for (const name of namesOf(values)) {
    for (const algorithm of values.algorithm.split(",")) {
      for (const peers of values.peers.split(",")) {
        const setup = {
          ...PLAIN_SETUP,
          ...{ seed: Number(values.seed), peers: Number(peers), algorithm: algorithm as AlgorithmName },
          ...{ sizes: [parseSize(values.size)], turnMs: Number(values["turn-ms"]) },
          pieceLength: pieceLength === undefined ? undefined : parseSize(pieceLength),
          announcedMbits: announced === undefined ? undefined : Number(announced),
        };
        yield { name, setup };
      }
    }
  }
}

function printRow(rows: readonly Row[]): void {
  const last = rows.at(-1);
  if (last === undefined) return;
  if (rows.length === 1) console.log(COLUMNS.map(cell).join(" "));
  console.log(COLUMNS.map((column) => cell(String(last[column] ?? ""), COLUMNS.indexOf(column))).join(" "));
}

function cell(text: string, index: number): string {
  return text.padEnd(Math.max(8, COLUMNS[index]?.length ?? 0, index === 0 ? 24 : 0));
}

if (import.meta.main) Deno.exit(await main());
