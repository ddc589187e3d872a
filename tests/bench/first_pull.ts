/**
 * What a pull through us costs: time, first byte, processor time and memory of each process, beside the time of the same
 * blob straight from the registry in the same round. The reader hashes what comes, as a container runtime does; what it
 * uses for that says how fast the machine is just now.
 *
 *     deno task bench [--size MiB,…] [--rounds N] [--only pulls|pieces|records] [--traced] [--json]
 */
import { parseArgs } from "node:util";
import { digestOf } from "./blob_registry.ts";
import { startHealthProbe } from "./health_probe.ts";
import { median } from "./manager/load.ts";
import { type Row, tableOf } from "./manager/report.ts";
import { type Pull, pull, type Role } from "./one_pull.ts";
import { IP, type PeerName, PEERS, startStage } from "./pull_stage.ts";
import { measureRecords } from "./record_cost.ts";

const MIB = 1024 * 1024;
const GB = 1e9;
/** What costs per piece is seen where contents of one length are cut finely, and hardly at all. */
const PIECES_MIB = 128;
/** Undefined for our own rule, which cuts so much into pieces of 512 KiB. */
const PIECE_LENGTHS_MIB = [undefined, 4, 16] as const;

const { values: options } = parseArgs({
  options: {
    size: { type: "string", default: "64,1024" },
    rounds: { type: "string", default: "5" },
    only: { type: "string" },
    traced: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
  },
});

/** A way to pull, and what the roles of the peers are in it. */
interface Case {
  readonly title: string;
  readonly from: PeerName | "registry";
  /** Pulls with the same word are of the same blob. */
  readonly blob: string;
  /** What is to be reached, in seconds per GB, by whom. */
  readonly limits: Partial<Readonly<Record<Role, number | undefined>>>;
}

const CASES: readonly Case[] = [
  { title: "direct", from: "registry", blob: "lone", limits: { reader: undefined } },
  { title: "cold, peer alone", from: "alone", blob: "lone", limits: { alone: 1.7 } },
  { title: "local hit", from: "alone", blob: "lone", limits: { alone: 0.5 } },
  { title: "cold, seed and peer", from: "first", blob: "shared", limits: { seed: 1.7, first: undefined } },
  { title: "warm, from other peers", from: "second", blob: "shared", limits: { second: 1.7, seed: 0.4, first: 0.4 } },
];

/** Whom rows speak of. */
const NAMES = { reader: "the reader", alone: "the peer", seed: "the seed", first: "the peer", second: "the child" };

/** Every way to pull, with contents of one length. */
async function measurePulls(mib: number, rounds: number): Promise<Row[]> {
  const contentBytes = mib * MIB;
  await using stage = await startStage(contentBytes, { isTraced: options.traced });
  const idle = Math.max(...PEERS.map((name) => stage.peers[name].memoryMiB()));
  using probe = startHealthProbe(`http://${IP}:${stage.peers.alone.healthPort}/healthy`);
  const answers: number[] = [];
  const pulls = new Map<Case, Pull[]>();
  for (let round = 0; round <= rounds; round++) {
    for (const one of CASES) {
      const name = `${one.blob}-${round}`;
      await probe.takeTimes();
      const done = await pull(stage, one.from, name, digestOf(name, contentBytes));
      const times = await probe.takeTimes();
      if (round === 0) continue; // the first one warms up
      if (one.title === "cold, peer alone") answers.push(...times);
      pulls.set(one, [...pulls.get(one) ?? [], done]);
    }
  }
  const direct = median((pulls.get(CASES[0]!) ?? []).map(({ ms }) => ms));
  const rows = [...pulls].flatMap(([one, all]) => rowsOf(one, all, { mib, direct }));
  const p99 = answers.sort((a, b) => a - b)[Math.floor(answers.length * 0.99)] ?? 0;
  rows.push(
    { what: `${mib} MiB: health beside a cold pull, p99`, value: p99, unit: "ms", target: { atMost: 10 } },
    { what: `${mib} MiB: memory of a peer before, at most`, value: idle, unit: "MiB", target: { atMost: 100 } },
  );
  for (const name of PEERS) {
    rows.push({ what: `${mib} MiB: memory after, ${name}`, value: stage.peers[name].memoryMiB(), unit: "MiB" });
  }
  return rows;
}

function rowsOf(
  { title, limits }: Case,
  pulls: readonly Pull[],
  { mib, direct }: { mib: number; direct: number },
): Row[] {
  const ms = median(pulls.map((one) => one.ms));
  const gb = mib * MIB / GB;
  const what = `${mib} MiB: ${title}`;
  return [
    { what, value: gb * 1e6 / ms, unit: "MB/s", ratio: { value: direct / ms, to: "direct" } },
    { what: `${what}, first byte`, value: median(pulls.map(({ firstByteMs }) => firstByteMs)), unit: "ms" },
    ...Object.entries(limits).map(([role, limit]): Row => ({
      what: `${what}, ${NAMES[role as Role]}`,
      value: median(pulls.map(({ cpuSeconds }) => cpuSeconds[role as Role])) / gb,
      unit: "s/GB",
      ...(limit !== undefined && { target: { atMost: limit } }),
    })),
  ];
}

/** What a piece costs beyond its bytes: the slope of processor time over the number of pieces, at one content length. */
async function measurePieces(rounds: number): Promise<Row[]> {
  const contentBytes = PIECES_MIB * MIB;
  await using stage = await startStage(contentBytes, { isTraced: options.traced });
  const points = new Map<string, { readonly pieces: number; readonly ms: number }[]>();
  for (let round = 0; round <= rounds; round++) {
    for (const [index, length] of PIECE_LENGTHS_MIB.entries()) {
      const headers = length === undefined ? {} : { "x-dragonfly-piece-length": `${length}MiB` };
      const pieces = PIECES_MIB / (length ?? 0.5);
      for (const { title, from, blob, limits } of CASES.slice(1)) {
        const name = `${blob}-${round}-${index}`;
        const { cpuSeconds } = await pull(stage, from, name, digestOf(name, contentBytes), headers);
        if (round === 0) continue;
        for (const role of Object.keys(limits) as Role[]) {
          const what = `a piece, ${title}, ${NAMES[role]}${
            title.startsWith("warm") && role === "first" ? " before" : ""
          }`;
          points.set(what, [...points.get(what) ?? [], { pieces, ms: cpuSeconds[role] * 1000 }]);
        }
      }
    }
  }
  return [...points].map(([what, all]) => ({ what, value: slopeOf(all), unit: "ms", target: { atMost: 0.1 } }));
}

/** The slope of the line with the least squares. */
function slopeOf(points: readonly { readonly pieces: number; readonly ms: number }[]): number {
  const mean = (of: (point: typeof points[number]) => number) =>
    points.reduce((sum, p) => sum + of(p), 0) / points.length;
  const [x, y] = [mean(({ pieces }) => pieces), mean(({ ms }) => ms)];
  return mean(({ pieces, ms }) => (pieces - x) * (ms - y)) / mean(({ pieces }) => (pieces - x) ** 2);
}

const rounds = Number(options.rounds);
const rows: Row[] = [];
const isWanted = (part: string) => options.only === undefined || options.only === part;
if (isWanted("pulls")) {
  for (const mib of options.size.split(",")) rows.push(...await measurePulls(Number(mib), rounds));
}
if (isWanted("pieces")) rows.push(...await measurePieces(rounds));
if (isWanted("records")) rows.push(...await measureRecords(rounds));
console.log(options.json ? JSON.stringify(rows, undefined, 2) : tableOf(rows));
Deno.exit();
