/** What holds in every simulated cluster at every moment. Each check gives what is wrong; nothing when all is well. */
import { WAIT_TIMEOUT_MS } from "../../scheduler/core/schedule.ts";
import type { Peer, State } from "../../scheduler/core/state.ts";
import { GRAIN_BYTES } from "./content.ts";
import type { SimCluster } from "./sim_cluster.ts";

/** The scheduler looks at its limits so often, and a message may be on its way. */
const WAIT_SLACK_MS = 1_000;
/** Calls, transfers and timers that one host may have at a time, for each content. */
const PER_HOST = { calls: 60, flows: 24, timers: 300 };

/** What is wrong at this moment. */
export function wrongNow(cluster: SimCluster): string | undefined {
  const { scheduler: { state }, clock } = cluster;
  return (state && (longWaiter(state, clock.now()) ?? cycle(state))) ?? overflow(cluster);
}

function longWaiter(state: State, nowMs: number): string | undefined {
  for (const task of state.waitingTasks) {
    for (const { id, waitingSinceMs = nowMs } of task.waiters) {
      const waitedMs = nowMs - waitingSinceMs;
      if (waitedMs > WAIT_TIMEOUT_MS + WAIT_SLACK_MS) return `peer ${id} waits for an answer since ${waitedMs} ms`;
    }
  }
  return undefined;
}

/** A peer that is its own ancestor waits for itself. */
function cycle(state: State): string | undefined {
  const done = new Set<Peer>();
  const path = new Set<Peer>();
  const visit = (peer: Peer): Peer | undefined => {
    if (path.has(peer)) return peer;
    if (done.has(peer)) return undefined;
    path.add(peer);
    for (const parent of peer.parents) {
      const found = visit(parent);
      if (found !== undefined) return found;
    }
    path.delete(peer);
    done.add(peer);
    return undefined;
  };
  for (const peer of state.peers.values()) {
    const found = visit(peer);
    if (found !== undefined) return `peer ${found.id} is its own ancestor`;
  }
  return undefined;
}

function overflow({ net, clock, peers, contents }: SimCluster): string | undefined {
  const counts = { calls: net.rpc.callCount, flows: net.flows.flowCount, timers: clock.pendingTimers };
  for (const [what, count] of Object.entries(counts)) {
    const limit = PER_HOST[what as keyof typeof PER_HOST] * (peers.length + 1) * (contents.length + 1);
    if (count > limit) return `there are ${count} ${what}, more than ${limit}`;
  }
  return undefined;
}

/** A task that counts as complete on some peer but holds a wrong byte. Virtual time need not go on. */
export async function wrongByte({ peers, contents }: SimCluster): Promise<string | undefined> {
  const buffer = new Uint8Array(64 * GRAIN_BYTES);
  for (const { storage, node, isDead } of peers) {
    if (isDead) continue;
    for (const content of contents) {
      const task = storage.find(content.digest.hex);
      if (task === undefined || !task.record.isSealed) continue;
      for (let at = 0; at < content.length; at += buffer.length) {
        const count = await task.read(buffer, at);
        if (!content.isAt(at, buffer.subarray(0, count))) return `${node.name} has a wrong byte at ${at}`;
      }
    }
  }
  return undefined;
}
