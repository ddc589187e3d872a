/** The figures of a burst. */
import { median } from "../manager/load.ts";
import { boundSeconds, type Burst, directBoundSeconds } from "./bound.ts";
import type { BurstOutcome } from "./measure.ts";
import type { Contender } from "./options.ts";

/** One line of the table; times are from the beginning of each node's own pull. */
export interface Figures {
  readonly kind: Contender;
  readonly nodes: number;
  readonly mbit: number;
  /** Of the node that waited longest for its first byte of a layer. */
  readonly first_byte_ms: number;
  readonly p50_s: number;
  readonly last_s: number;
  /** Of the node that came farthest from it. */
  readonly bound_s: number;
  /** That bound as a part of the time. */
  readonly efficiency: number;
  /** Bytes that seeds sent to peers, in images. */
  readonly seed_copies: number;
  /** Bytes that the registry sent of the layers, in images. */
  readonly origin_copies: number;
  readonly origin_requests: number;
  /** Of all programs together. */
  readonly cpu_s: number;
  /** Of the peer or seed that had most. */
  readonly peak_rss_mib: number;
  /** The part of the time in which the processors were the limit. */
  readonly cpu_bound: number;
  /** Nodes that did not get the image, without those that were killed. */
  readonly failed: number;
}

/** What a registry sent of the layers of an image. */
export interface OriginCount {
  readonly bytes: number;
  readonly requests: number;
}

/** Makes the figures. `killed` names those who were. */
export function figuresOf(
  kind: Contender,
  burst: Burst,
  outcome: BurstOutcome,
  origin: OriginCount,
  killed: ReadonlySet<string>,
): Figures {
  const bound = kind === "direct" ? directBoundSeconds : boundSeconds;
  const pulls = [...outcome.pulls].map(([name, pull], number) => ({ name, pull, bound: bound(burst, number) }))
    .filter(({ name }) => !killed.has(name));
  const done = pulls.flatMap(({ pull, bound }) =>
    "failure" in pull ? [] : [{ ...pull, seconds: pull.ms / 1_000, bound, efficiency: bound * 1_000 / pull.ms }]
  );
  const worst = done.toSorted((a, b) => a.efficiency - b.efficiency)[0];
  const usage = [...outcome.usage];
  const peers = usage.filter(([name]) => /^(seed|peer)-/.test(name)).map(([, { peakRssMib }]) => peakRssMib);
  return {
    ...{ kind, nodes: burst.nodes, mbit: Math.round(burst.down * 8 / 1e6) },
    first_byte_ms: Math.round(Math.max(0, ...done.map(({ firstByteMs }) => firstByteMs))),
    p50_s: rounded(median(done.map(({ seconds }) => seconds))),
    last_s: rounded(Math.max(0, ...done.map(({ seconds }) => seconds))),
    bound_s: rounded(worst?.bound ?? 0),
    efficiency: rounded(worst?.efficiency ?? 0),
    seed_copies: rounded(fromSeeds(outcome) / burst.bytes),
    ...{ origin_copies: rounded(origin.bytes / burst.bytes, 3), origin_requests: origin.requests },
    cpu_s: rounded(usage.reduce((sum, [, { cpuSeconds }]) => sum + cpuSeconds, 0)),
    peak_rss_mib: Math.round(Math.max(0, ...peers)),
    cpu_bound: rounded(outcome.seconds === 0 ? 0 : Math.min(1, outcome.busySeconds / outcome.seconds)),
    failed: pulls.length - done.length,
  };
}

function fromSeeds({ received }: BurstOutcome): number {
  const toPeers = [...received].filter(([to]) => to.startsWith("peer-")).flatMap(([, got]) => [...got]);
  return toPeers.reduce((sum, [from, bytes]) => from.startsWith("seed-") ? sum + bytes : sum, 0);
}

/** The median of each figure over several rounds. Throws without one. */
export function medianOf(rounds: readonly Figures[]): Figures {
  const [first] = rounds;
  if (first === undefined) throw new Error("Cannot make a median of no rounds");
  const entries = Object.entries(first).map(([key, value]) => {
    if (typeof value !== "number") return [key, value];
    return [key, median(rounds.map((figures) => figures[key as keyof Figures] as number))];
  });
  return Object.fromEntries(entries) as Figures;
}

function rounded(value: number, digits = 2): number {
  return Number(value.toFixed(digits));
}
