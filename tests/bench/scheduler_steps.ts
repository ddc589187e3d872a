/**
 * What one step of the scheduler costs, by the kind of event and the number of peers in one task; a step that grows with
 * that number is a fault. The tasks go through all that happens to a task, see `scheduler_scenes.ts`. It is the time of
 * the processor that is measured, of all threads, so that what else the machine does counts little.
 *
 *     deno task bench:scheduler [--json] [peers ...]
 */
import process from "node:process";
import { SchedulerScenes } from "../../src/testing/scheduler_scenes.ts";

const sizes = Deno.args.filter((arg) => /^\d+$/.test(arg)).map(Number);
const PEERS = sizes.length > 0 ? sizes : [100, 1_000, 10_000, 50_000, 100_000];
/** The first events of a process run before its code is compiled for good. */
const WARM_UP_PEERS = 2_000;

/** Steps of one kind, in microseconds; `per_second` is how many one core would do, by the mean. */
interface Cost {
  readonly peers: number;
  readonly step: string;
  readonly count: number;
  readonly mean_us: number;
  readonly p50_us: number;
  readonly p99_us: number;
  readonly worst_us: number;
  readonly per_second: number;
}

function measure(peers: number): Cost[] {
  const times = new Map<string, number[]>();
  const scenes = new SchedulerScenes(peers, (kind, run) => {
    const before = process.cpuUsage();
    run();
    const { user, system } = process.cpuUsage(before);
    const us = user + system;
    const list = times.get(kind);
    if (list === undefined) times.set(kind, [us]);
    else list.push(us);
  });
  scenes.play();
  return [...times].map(([step, list]) => cost(peers, step, list));
}

function cost(peers: number, step: string, times: number[]): Cost {
  const sorted = times.toSorted((a, b) => a - b);
  const mean = sorted.reduce((sum, us) => sum + us, 0) / sorted.length;
  const at = (part: number) => sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))] ?? 0;
  return {
    ...{ peers, step, count: sorted.length, mean_us: Math.round(mean * 10) / 10, p50_us: at(0.5) },
    ...{ p99_us: at(0.99), worst_us: at(1), per_second: Math.round(1e6 / mean) },
  };
}

measure(WARM_UP_PEERS);
const costs = PEERS.flatMap(measure);
if (Deno.args.includes("--json")) console.log(JSON.stringify(costs));
else for (const peers of PEERS) console.table(costs.filter((row) => row.peers === peers));
