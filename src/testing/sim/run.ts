import { startPulls } from "./burst.ts";
import { wrongByte, wrongNow } from "./checks.ts";
import { scheduleFaults } from "./faults.ts";
import { boundsOf, type Figures, figuresOf } from "./figures.ts";
import type { LineListener } from "./quiet.ts";
import type { Scenario } from "./scenario.ts";
import { SimCluster } from "./sim_cluster.ts";

/** Between two looks at whether all is well. */
const LOOK_MS = 250;
/** Whatever goes wrong, a download may take so many times its bound, and so much besides for each fault. */
const BOUND_FACTOR = 40;
const PER_FAULT_MS = 60_000;
const BESIDES_MS = 60_000;

/** How a run ended. */
export interface Outcome {
  readonly figures: Figures;
  /** What must not be; undefined when all is well. */
  readonly wrong: string | undefined;
  /** What was said, by level and text, and how often. */
  readonly said: ReadonlyMap<string, number>;
  /** The same for two runs that went the same way. */
  readonly fingerprint: string;
}

/** What a run is told besides its scenario. */
export interface RunOptions {
  readonly name?: string;
  /** The time of the machine, for `wall_s`. */
  readonly wallMs: () => number;
  readonly onLine?: LineListener;
}

/** Runs a scenario to its end, looking all the time whether all is well. */
export async function runScenario(scenario: Scenario, options: RunOptions): Promise<Outcome> {
  const begunAt = options.wallMs();
  const cluster = await SimCluster.start(scenario.setup);
  try {
    cluster.log.onLine = options.onLine;
    const pulled = startPulls(cluster, scenario.pulls);
    scheduleFaults(cluster, scenario.faults);
    const limitMs = limitOf(scenario);
    let wrong: string | undefined;
    using _look = cluster.clock.every(LOOK_MS, () => wrong ??= wrongNow(cluster));
    const isOver = () => pulled.every(({ endMs }) => endMs !== undefined);
    const ended = await cluster.run(limitMs, () => wrong !== undefined || isOver());
    if (!ended) wrong = `a pull has not ended after ${limitMs} ms`;
    const failed = pulled.find(({ failure, peer }) => failure !== undefined && !peer.isDead);
    if (failed !== undefined) wrong ??= `${failed.peer.node.name} failed: ${failed.failure}`;
    wrong ??= await wrongByte(cluster);
    const figures = figuresOf(options.name ?? "", scenario, cluster, pulled, options.wallMs() - begunAt);
    wrong ??= tooManyCopies(scenario, figures);
    const ends = pulled.map(({ endMs, failure }) => `${endMs} ${failure ?? ""}`);
    return { figures, wrong, said: cluster.log.counts, fingerprint: ends.join() };
  } finally {
    await cluster[Symbol.asyncDispose]();
  }
}

function limitOf(scenario: Scenario): number {
  const boundMs = 1000 * Math.max(...Object.values(boundsOf(scenario)));
  const faultsMs = scenario.faults.reduce((sum, fault) => {
    return sum + PER_FAULT_MS + ("forMs" in fault ? fault.forMs : 0);
  }, 0);
  return Math.ceil(BOUND_FACTOR * boundMs + faultsMs + BESIDES_MS);
}

/** One copy, and for each fault what it may cost. Without a scheduler everybody goes to the source. */
function tooManyCopies({ setup, faults }: Scenario, { origin_copies: copies }: Figures): string | undefined {
  const isSplit = faults.some(({ kind }) => ["scheduler_restart", "partition", "lying_peer", "origin"].includes(kind));
  const allowed = isSplit ? setup.peers + setup.seedPeers + 1 : 1.02 + faults.length;
  return copies > allowed ? `the origin gave ${copies} copies, more than ${allowed}` : undefined;
}
