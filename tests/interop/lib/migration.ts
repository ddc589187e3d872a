/** An operator exchanges Dragonfly for Damselfly, member by member, and goes back, while users go on pulling. */
import assert from "node:assert/strict";
import { CONTAINERD_PROGRAMS } from "../../e2e/lib/containerd.ts";
import { Cluster } from "./cluster.ts";
import type { Kind } from "./components.ts";
import { type Lab, labTest } from "./lab.ts";
import { containerdNode, lightNode } from "./nodes.ts";
import { named } from "./sentences.ts";
import { SteadyPulls } from "./steady_pulls.ts";
import type { FreeStep } from "./steps.ts";
import { together } from "./together.ts";

const NODES = ["node-1", "node-2", "node-3", "node-4", "node-5", "node-6"] as const;
const CONTAINERD_NODES = new Set<string>(["node-1", "node-4"]);
const SEED = "seed";
const IMAGES_IN_USE = 3;
/** What docs/migration.md tells operators to set: a stock scheduler that restarts forgets its hosts until then. */
const OPTIONS = { announceInterval: "10s" };
/**
 * A stock scheduler may not find a parent for a stock peer, seven times in a row, though a stock seed peer and the others
 * have the content, and sends it to the source. An image of which its log says so is no proof; one of so many has to be.
 */
const STOCK_ATTEMPTS = 3;

type Member = "manager" | "scheduler" | typeof SEED | typeof NODES[number];

/** What is exchanged at once: one member, or two nodes. */
type Exchange = { readonly says: string; readonly members: readonly Member[] };

const CONTROL_PLANE: readonly Exchange[] = [
  { says: "manager", members: ["manager"] },
  { says: "scheduler", members: ["scheduler"] },
  { says: "seed peer", members: [SEED] },
];
const ALL_NODES: readonly Exchange[] = [
  { says: "peers on nodes 1 and 2", members: ["node-1", "node-2"] },
  { says: "peers on nodes 3 and 4", members: ["node-3", "node-4"] },
  { says: "peers on nodes 5 and 6", members: ["node-5", "node-6"] },
];
export const CONTROL_PLANE_FIRST = [...CONTROL_PLANE, ...ALL_NODES];
export const CONTROL_PLANE_LAST = [...ALL_NODES, ...CONTROL_PLANE.toReversed()];

/** Registers a migration: exchanges in this order, and goes back in that one; each new state has to hold. */
export function migrationTest(title: string, there: readonly Exchange[], back: readonly Exchange[]): void {
  labTest(title, (lab, step) => migrate(lab, step, there, back), CONTAINERD_PROGRAMS);
}

async function migrate(
  lab: Lab,
  step: FreeStep,
  there: readonly Exchange[],
  back: readonly Exchange[],
): Promise<void> {
  await using cluster = new Cluster(lab, "cluster");
  await using stack = new AsyncDisposableStack();
  const kinds = new Map<Member, Kind>();
  for (const { members } of CONTROL_PLANE_FIRST) await exchange(cluster, kinds, members, "stock");

  const nodes = await together(NODES.map(async (name) => {
    return CONTAINERD_NODES.has(name) ? stack.use(await containerdNode(cluster, name)) : lightNode(cluster, name);
  }));
  const images = await together(Array.from({ length: IMAGES_IN_USE }, () => lab.images.fresh()));
  await using pulls = new SteadyPulls(nodes, images);
  await step("all stock", () => settled(cluster, kinds));
  for (const [exchanges, kind] of [[there, "ours"], [back, "stock"]] as const) {
    for (const { says, members } of exchanges) {
      const sentence = named(kind, says);
      await step(sentence, async () => {
        pulls.during(sentence);
        await exchange(cluster, kinds, members, kind);
        await settled(cluster, kinds);
      });
    }
  }
  await step("a pull every second, and none of them failed", async () => {
    const { failures, ...summary } = await pulls.stop();
    console.log(JSON.stringify(summary));
    assert.deepEqual(failures, []);
    assert(summary.pulls > there.length + back.length, `only ${summary.pulls} pulls`);
  });
}

async function exchange(
  cluster: Cluster,
  kinds: Map<Member, Kind>,
  members: readonly Member[],
  kind: Kind,
): Promise<void> {
  for (const member of members) kinds.set(member, kind);
  await together(members.map(async (member) => {
    if (member === "manager") await cluster.runManager(kind);
    else if (member !== "scheduler") await cluster.runPeer(member, kind, { ...OPTIONS, isSeed: member === SEED });
  }));
  const scheduler = kinds.get("scheduler");
  const isControlPlane = members.some((member) => member === "manager" || member === "scheduler");
  if (scheduler === undefined || !isControlPlane) return;
  // With a new manager too: a stock scheduler makes itself known when it starts, and never again.
  await cluster.runScheduler(scheduler);
  await cluster.schedulerListed();
}

/** A state that lasts: everybody is known, and all nodes pull a new image at once. */
async function settled(cluster: Cluster, kinds: ReadonlyMap<Member, Kind>): Promise<void> {
  for (const name of [SEED, ...NODES]) await cluster.known(name);
  await cluster.seedKnown(SEED, NODES[0]);
  const isStock = kinds.get("scheduler") === "stock" && kinds.get(SEED) === "stock";
  await oneCopy(cluster, isStock ? STOCK_ATTEMPTS : 1);
}

async function oneCopy(cluster: Cluster, attempts: number): Promise<void> {
  const { images } = cluster.lab;
  const image = await images.fresh();
  await together(NODES.map((name) => cluster.pull(image, name)));
  try {
    await images.assertOneCopy(image, "after pulls on all nodes at once");
  } catch (error) {
    const refused = attempts > 1 ? await cluster.stockWithoutParents(image) : [];
    if (refused.length === 0) throw error;
    console.log(`The stock scheduler found no parents for stock peers:\n${refused.join("\n")}`);
    await oneCopy(cluster, attempts - 1);
  }
}
