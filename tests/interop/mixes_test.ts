/** Every mix of manager, scheduler, seed peer and peers: whoever pulls first, the registry sends one copy. */
import type { PeerOptions } from "../e2e/lib/components.ts";
import { Cluster } from "./lib/cluster.ts";
import type { Kind } from "./lib/components.ts";
import { labTest } from "./lib/lab.ts";
import { named } from "./lib/sentences.ts";
import type { FreeStep } from "./lib/steps.ts";
import { together } from "./lib/together.ts";

const KINDS: readonly Kind[] = ["stock", "ours"];

/** The peers of each cluster: what tells one from another, and how a sentence names it. */
const PEERS = {
  stock: { kind: "stock", says: "a stock peer", options: {} },
  stock2: { kind: "stock", says: "another stock peer", options: {} },
  ours: { kind: "ours", says: "our peer", options: {} },
  ours2: { kind: "ours", says: "another of our peers", options: {} },
  dragonfly: { kind: "ours", says: "our peer with Dragonfly's piece rule", options: { pieceLength: "dragonfly" } },
  stockByUrl: { kind: "stock", says: "a stock peer with tasks by URL", options: { hasTasksByUrl: true } },
  oursByUrl: { kind: "ours", says: "our peer with tasks by URL", options: { hasTasksByUrl: true } },
} as const satisfies Record<string, { kind: Kind; says: string; options: PeerOptions }>;

type PeerName = keyof typeof PEERS;

/** Who pulls first, and who next. */
const PAIRS: readonly (readonly [PeerName, PeerName])[] = [
  ["stock", "stock2"],
  ["ours", "ours2"],
  ["stock", "ours"],
  ["ours", "stock"],
  ["stock", "dragonfly"],
  ["dragonfly", "stock"],
  ["stockByUrl", "oursByUrl"],
  ["oursByUrl", "stockByUrl"],
];

/** A blob is two tasks for them; a seed peer of ours keeps one copy for both. */
const PAIRS_OF_TWO_IDS: readonly (readonly [PeerName, PeerName])[] = [
  ["stock", "oursByUrl"],
  ["stockByUrl", "ours"],
];

/** Peers that share tasks, whatever their rule for pieces. */
const ALL_BY_DIGEST: readonly PeerName[] = ["stock", "ours", "dragonfly", "stock2", "ours2"];

labTest("a blob costs the registry one copy in every mix", async (lab, step) => {
  await using stack = new AsyncDisposableStack();
  const mixes = KINDS.flatMap((manager) => KINDS.map((scheduler) => ({ manager, scheduler })));
  await together(mixes.map(async ({ manager, scheduler }) => {
    const cluster = stack.use(new Cluster(lab, `${manager}-${scheduler}`));
    const mix = `${named(manager, "manager")}, ${named(scheduler, "scheduler")}`;
    await cluster.runManager(manager);
    await cluster.runScheduler(scheduler);
    await cluster.schedulerListed();
    await together(names().map((name) => cluster.runPeer(name, PEERS[name].kind, PEERS[name].options)));
    await pairsPull(cluster, PAIRS, `${mix}, no seed peer`, step);
    for (const kind of KINDS) await seedPulls(cluster, kind, `${mix}, ${named(kind, "seed peer")}`, step);
  }));
});

async function seedPulls(cluster: Cluster, kind: Kind, mix: string, step: FreeStep): Promise<void> {
  // An address for each: for a minute nobody can listen where a stock seed peer did.
  const seed = `seed-${kind}`;
  await cluster.runPeer(seed, kind, { isSeed: true });
  await step(`${mix}: the scheduler finds the seed peer`, () => cluster.seedKnown(seed, "stock"));
  await pairsPull(cluster, kind === "ours" ? [...PAIRS, ...PAIRS_OF_TWO_IDS] : PAIRS, mix, step);
  await step(`${mix}: all peers at once`, async () => {
    const image = await cluster.lab.images.fresh();
    await together(ALL_BY_DIGEST.map((name) => cluster.pull(image, name)));
    await cluster.lab.images.assertOneCopy(image, "after pulls at once");
  });
  await cluster.stopPeer(seed);
}

async function pairsPull(
  cluster: Cluster,
  pairs: readonly (readonly [PeerName, PeerName])[],
  mix: string,
  step: FreeStep,
): Promise<void> {
  for (const [first, next] of pairs) {
    await step(`${mix}: ${PEERS[first].says}, then ${PEERS[next].says}`, async () => {
      const image = await cluster.lab.images.fresh();
      await cluster.pull(image, first);
      await cluster.pull(image, next);
      await cluster.lab.images.assertOneCopy(image, "after two pulls");
    });
  }
}

function names(): PeerName[] {
  return Object.keys(PEERS) as PeerName[];
}
