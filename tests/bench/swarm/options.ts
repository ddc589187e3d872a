/** The command line of the swarm's bench. */
import { parseArgs } from "node:util";
import { BIN_DIR_VARIABLE, missingStock } from "../../interop/lib/stock_programs.ts";

const NODES_MAX = 200;
const MBIT_MAX = 100_000;
const MB = 1e6;

/** Whose programs are measured; `direct` is a pull without any. */
export type Contender = "ours" | "stock" | "direct";

/** A program that is killed so many seconds after the first pull began. */
export interface Kill {
  /** `seed-1`, `peer-2`, `scheduler` or `manager`. */
  readonly name: string;
  readonly atSeconds: number;
}

/** What is measured. */
export interface SwarmOptions {
  readonly contenders: readonly Contender[];
  readonly nodes: number;
  readonly seeds: number;
  /** Bytes of each layer. */
  readonly layerBytes: readonly number[];
  /** Of a node, in Mbit/s: what it may take, and what it may send. */
  readonly downMbit: number;
  readonly upMbit: number;
  /** Of the registry, both ways. */
  readonly registryMbit: number;
  /** Whether the seeds have the image before the nodes begin. */
  readonly isWarm: boolean;
  /** Between the beginnings of two nodes' pulls. */
  readonly staggerSeconds: number;
  readonly kills: readonly Kill[];
  /** The median of so many is told, of each contender. */
  readonly rounds: number;
  /** The checkout that ours are started from; left out, this one. */
  readonly checkout: string | undefined;
  readonly isJson: boolean;
}

export const USAGE = `Usage: deno task bench:swarm [options]

Pulls one image on all nodes, each with a shaped link and a network namespace of its own. Linux and root only.

  --nodes N              peers, 1 to ${NODES_MAX} (4)
  --seeds N              seed peers (1)
  --image MB,MB,...      sizes of the layers in 10^6 bytes (95,116,58)
  --rate MBIT            link of a peer and of a seed, each way (200)
  --up MBIT              what a peer or seed may send, where that is another rate
  --registry-rate MBIT   link of the registry (twice --rate)
  --warm                 the seeds have the image before the peers begin
  --stagger SECONDS      between the beginnings of two peers' pulls (0)
  --kill NAME@SECONDS    ends seed-1, peer-2, scheduler ... then; may be given several times
  --kind KIND            ours, stock or both (ours); stock needs ${BIN_DIR_VARIABLE}
  --checkout DIR         starts ours from another checkout
  --no-direct            leaves out the pull without peers
  --rounds N             medians of so many (1)
  --json                 prints one object`;

const OPTIONS = {
  nodes: { type: "string", default: "4" },
  seeds: { type: "string", default: "1" },
  image: { type: "string", default: "95,116,58" },
  rate: { type: "string", default: "200" },
  up: { type: "string" },
  "registry-rate": { type: "string" },
  warm: { type: "boolean", default: false },
  stagger: { type: "string", default: "0" },
  kill: { type: "string", multiple: true, default: [] as string[] },
  kind: { type: "string", default: "ours" },
  checkout: { type: "string" },
  "no-direct": { type: "boolean", default: false },
  rounds: { type: "string", default: "1" },
  json: { type: "boolean", default: false },
} as const;

const KINDS: Readonly<Record<string, readonly Contender[]>> = {
  ours: ["ours"],
  stock: ["stock"],
  both: ["ours", "stock"],
};

/** Parses a command line. Throws an error with a sentence for what it does not understand. */
export function parseOptions(args: readonly string[]): SwarmOptions {
  const { values } = parseArgs({ args: [...args], options: OPTIONS });
  const kinds = KINDS[values.kind];
  if (kinds === undefined) throw new Error(`Cannot use --kind ${values.kind}: it is ours, stock or both`);
  const rate = numberOf("rate", values.rate, 1, MBIT_MAX);
  const nodes = numberOf("nodes", values.nodes, 1, NODES_MAX);
  const seeds = numberOf("seeds", values.seeds, 0, NODES_MAX - nodes);
  const kills = values.kill.map((text) => killOf(text, nodes, seeds));
  if (values.warm && seeds === 0) throw new Error("Cannot use --warm without seeds: nobody has the image before");
  return {
    contenders: [...(values["no-direct"] ? [] : ["direct"] as const), ...kinds],
    ...{ nodes, seeds, kills, downMbit: rate },
    layerBytes: values.image.split(",").map((size) => numberOf("image", size, 1, 4_000) * MB),
    upMbit: values.up === undefined ? rate : numberOf("up", values.up, 1, MBIT_MAX),
    registryMbit: numberOf("registry-rate", values["registry-rate"] ?? String(2 * rate), 1, MBIT_MAX),
    isWarm: values.warm,
    staggerSeconds: numberOf("stagger", values.stagger, 0, 600),
    rounds: numberOf("rounds", values.rounds, 1, 100),
    checkout: values.checkout,
    isJson: values.json,
  };
}

function numberOf(option: string, text: string, least: number, most: number): number {
  const value = text.trim() === "" ? NaN : Number(text);
  if (value >= least && value <= most) return value;
  throw new Error(`Cannot use --${option} ${text}: it takes numbers from ${least} to ${most}`);
}

function killOf(text: string, nodes: number, seeds: number): Kill {
  const [name = "", seconds = ""] = text.split("@");
  const [, role, number] = /^(seed|peer)-(\d+)$/.exec(name) ?? [];
  const isThere = role === undefined
    ? name === "scheduler" || name === "manager"
    : Number(number) >= 1 && Number(number) <= (role === "seed" ? seeds : nodes);
  if (!isThere) throw new Error(`Cannot use --kill ${text}: there is no ${name}`);
  return { name, atSeconds: numberOf("kill", seconds, 0, 600) };
}

/** Why this cannot be measured here, in words; empty when it can. */
export function missingHere(
  { contenders }: SwarmOptions,
  machine: { readonly os: string; readonly uid: number | null; readonly stockDir: string | undefined },
  hasProgram: (name: string) => boolean,
): string[] {
  if (machine.os !== "linux") return ["Linux, for network namespaces"];
  return [
    ...machine.uid === 0 ? [] : ["root, for network namespaces"],
    ...PROGRAMS.filter((name) => !hasProgram(name)).map((name) => `the program ${name}`),
    ...contenders.includes("stock") ? missingStock(machine.stockDir, ["scheduler", "dfdaemon"]) : [],
  ];
}

/** Of util-linux, iproute2, iptables and the registry. */
const PROGRAMS = ["unshare", "nsenter", "ip", "tc", "iptables", "iptables-save", "docker-registry"] as const;
