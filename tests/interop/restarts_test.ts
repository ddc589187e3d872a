/** Members that end in the middle of pulls, in an orderly way or not, in every mix: no pull fails. */
import type { RunningProcess } from "../e2e/lib/process.ts";
import { waitFor } from "../e2e/lib/wait.ts";
import { Cluster } from "./lib/cluster.ts";
import type { Kind } from "./lib/components.ts";
import { beginPulls } from "./lib/held_pull.ts";
import { labTest } from "./lib/lab.ts";
import { named } from "./lib/sentences.ts";
import type { FreeStep } from "./lib/steps.ts";
import { together } from "./lib/together.ts";

/** How soon peers share again when a scheduler is back; a stock one takes its time to be ready. */
const SHARING_AGAIN_MS = 30_000;
const KINDS: readonly Kind[] = ["stock", "ours"];
const ENDS = ["SIGTERM", "SIGKILL"] as const;

type End = typeof ENDS[number];

labTest("members end in the middle of pulls, in every mix", async (lab, step) => {
  await using stack = new AsyncDisposableStack();
  const mixes = KINDS.flatMap((manager) => KINDS.map((scheduler) => ({ manager, scheduler })));
  await together(mixes.map(async ({ manager, scheduler }, number) => {
    const cluster = stack.use(new Cluster(lab, `${manager}-${scheduler}`));
    const mix = `${named(manager, "manager")}, ${named(scheduler, "scheduler")}`;
    await cluster.runManager(manager);
    await cluster.runScheduler(scheduler);
    await cluster.schedulerListed();
    for (const kind of KINDS) {
      for (const name of [kind, `${kind}-2`]) await cluster.runPeer(name, kind);
    }
    for (const how of ENDS) {
      for (const kind of KINDS) await parentEnds(cluster, kind, how, mix, step);
    }
    for (const how of ENDS) await schedulerEnds(cluster, scheduler, how, mix, step);
    for (const how of ENDS) await managerEnds(cluster, manager, how, mix, step);
    // Each kind of seed peer ends in either way in two of the four mixes: a stock scheduler takes 30 s to know one.
    for (const [i, kind] of KINDS.entries()) {
      await seedEnds(cluster, kind, ENDS[(i + number) % 2] ?? "SIGTERM", mix, step);
    }
  }));
});

async function parentEnds(cluster: Cluster, kind: Kind, how: End, mix: string, step: FreeStep): Promise<void> {
  await step(`${mix}: ${named(kind, "peer")} ends as a parent, by ${how}`, async () => {
    const parent = `parent-${kind}-${how}`;
    await cluster.runPeer(parent, kind);
    await using pulls = await beginPulls(cluster, parent, KINDS);
    await together([end(cluster.peer(parent).process, how), pulls.finish(KINDS)]);
    await cluster.stopPeer(parent);
  });
}

async function schedulerEnds(cluster: Cluster, kind: Kind, how: End, mix: string, step: FreeStep): Promise<void> {
  await step(`${mix}: the scheduler ends by ${how}`, async () => {
    await using pulls = await beginPulls(cluster, "stock-2", KINDS);
    await together([end(cluster.scheduler.process, how), pulls.finish(["stock-2", ...KINDS])]);
    const image = await cluster.lab.images.fresh();
    for (const name of KINDS) await cluster.pull(image, name);
  });
  await cluster.runScheduler(kind);
  // A stock scheduler knows stock peers again with their next announcement, after up to five minutes.
  const pairs = kind === "stock" ? [["ours", "ours-2"]] : [["stock", "stock-2"], ["ours", "ours-2"]];
  await step(`${mix}: ${SHARING_AGAIN_MS / 1000} s after the scheduler's return from ${how}, peers share`, async () => {
    await together(pairs.map((pair) => shareAgain(cluster, pair)));
  });
}

/** Resolves when what the first peer pulls costs the registry one copy, with what the next one pulls. */
async function shareAgain(cluster: Cluster, pair: readonly string[]): Promise<void> {
  // An attempt that begins in time may end later, on a busy machine.
  await waitFor(`the sharing of ${pair.join(" and ")}`, SHARING_AGAIN_MS, async () => {
    const image = await cluster.lab.images.fresh();
    for (const name of pair) await cluster.pull(image, name);
    return cluster.lab.images.copies(image).every((copies) => copies === 1) || undefined;
  });
}

async function managerEnds(cluster: Cluster, kind: Kind, how: End, mix: string, step: FreeStep): Promise<void> {
  await step(`${mix}: the manager ends by ${how}, and peers share without it`, async () => {
    await using pulls = await beginPulls(cluster, "stock-2", KINDS);
    await together([end(cluster.manager.process, how), pulls.finish(["stock-2", ...KINDS])]);
    const image = await cluster.lab.images.fresh();
    for (const name of ["ours", "ours-2"]) await cluster.pull(image, name);
    await cluster.lab.images.assertOneCopy(image, "without a manager");
  });
  await step(`${mix}: after the manager's return from ${how} it lists the scheduler`, async () => {
    await cluster.runManager(kind);
    await cluster.schedulerListed();
  });
}

async function seedEnds(cluster: Cluster, kind: Kind, how: End, mix: string, step: FreeStep): Promise<void> {
  await step(`${mix}: ${named(kind, "seed peer")} ends by ${how}`, async () => {
    const seed = `seed-${kind}`;
    await cluster.runPeer(seed, kind, { isSeed: true });
    await cluster.seedKnown(seed, "ours");
    await using pulls = await beginPulls(cluster, "stock", ["ours"]);
    await together([end(cluster.peer(seed).process, how), pulls.finish(KINDS)]);
    await cluster.stopPeer(seed);
  });
}

async function end(process: RunningProcess, how: End): Promise<void> {
  if (how === "SIGTERM") await process.stop();
  else await process.kill();
}
