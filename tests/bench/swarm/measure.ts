/** One burst: everybody pulls, somebody may be killed, and what came of it. */
import { realClock } from "../../../src/runtime/clock.ts";
import type { NetNode } from "../../e2e/lib/bridge.ts";
import type { RunningProcess } from "../../e2e/lib/process.ts";
import type { Network } from "./network.ts";
import { type NodePull, prepareNodePull, type PullOrder, type PullOutcome } from "./node_pull.ts";
import type { Kill } from "./options.ts";
import { receivedSince } from "./received.ts";
import { busyShare, machineTicks, type Usage, usageOf } from "./usage.ts";

const SAMPLE_INTERVAL_MS = 1_000;
/** From here on a second is one in which the processors were the limit. */
const BUSY_SHARE = 0.95;

/** What everybody does. */
export interface BurstPlan {
  readonly network: Network;
  readonly nodes: readonly NetNode[];
  /** Seeds and nodes: whose bytes are counted. */
  readonly counted: readonly NetNode[];
  readonly orderFor: (node: NetNode) => PullOrder;
  readonly processes: ReadonlyMap<string, RunningProcess>;
  readonly staggerSeconds: number;
  readonly kills: readonly Kill[];
}

/** What came of it. */
export interface BurstOutcome {
  /** By the name of the node, in the order of their beginnings. */
  readonly pulls: ReadonlyMap<string, PullOutcome>;
  /** Bytes that each counted node got from each other. */
  readonly received: ReadonlyMap<string, ReadonlyMap<string, number>>;
  /** What each program used for it; its most memory so far. */
  readonly usage: ReadonlyMap<string, Usage>;
  /** Seconds of which the processors were the limit, and all. */
  readonly busySeconds: number;
  readonly seconds: number;
}

/** Runs it. */
export async function runBurst(plan: BurstPlan): Promise<BurstOutcome> {
  const clock = realClock();
  await using stack = new AsyncDisposableStack();
  const prepared = await Promise.all(
    plan.nodes.map(async (node) =>
      [node.name, stack.use(await prepareNodePull(node.netns, plan.orderFor(node)))] as const
    ),
  );
  const receivedBefore = await receivedBy(plan);
  const usedBefore = usedBy(plan);
  const ended = new AbortController();
  const startedAt = clock.now();
  const busy = countBusySeconds(ended.signal);
  const kills = plan.kills.map(({ name, atSeconds }) =>
    clock.sleep(atSeconds * 1_000, ended.signal).then(() => plan.processes.get(name)?.kill(), () => {})
  );
  const pulls = await pullAll(prepared, plan.staggerSeconds);
  const seconds = (clock.now() - startedAt) / 1_000;
  ended.abort();
  await Promise.all(kills);
  const usage = [...usedBy(plan)].map(([name, used]) => [name, usedSince(usedBefore.get(name), used)] as const);
  const received = [...await receivedBy(plan)].map(([name, got]) =>
    [name, receivedSince(receivedBefore.get(name) ?? new Map(), got)] as const
  );
  return { pulls, received: new Map(received), usage: new Map(usage), busySeconds: await busy, seconds };
}

async function pullAll(
  prepared: readonly (readonly [string, NodePull])[],
  staggerSeconds: number,
): Promise<Map<string, PullOutcome>> {
  const clock = realClock();
  const never = new AbortController().signal;
  const all = prepared.map(async ([name, pull], number) => {
    if (number > 0 && staggerSeconds > 0) await clock.sleep(number * staggerSeconds * 1_000, never);
    return [name, await pull.begin()] as const;
  });
  return new Map(await Promise.all(all));
}

async function countBusySeconds(signal: AbortSignal): Promise<number> {
  const clock = realClock();
  let busy = 0;
  let before = machineTicks();
  while (!signal.aborted) {
    await clock.sleep(SAMPLE_INTERVAL_MS, signal).catch(() => {});
    const now = machineTicks();
    if (!signal.aborted && busyShare(before, now) >= BUSY_SHARE) busy += SAMPLE_INTERVAL_MS / 1_000;
    before = now;
  }
  return busy;
}

async function receivedBy({ network, counted }: BurstPlan): Promise<Map<string, Map<string, number>>> {
  return new Map(await Promise.all(counted.map(async (node) => [node.name, await network.received(node)] as const)));
}

function usedBy({ processes }: BurstPlan): Map<string, Usage> {
  return new Map([...processes].map(([name, { pid }]) => [name, usageOf(pid)]));
}

/** A program that was killed has used what it had before, as far as anybody knows. */
function usedSince(before: Usage | undefined, { cpuSeconds, peakRssMib }: Usage): Usage {
  return { cpuSeconds: Math.max(0, cpuSeconds - (before?.cpuSeconds ?? 0)), peakRssMib };
}
