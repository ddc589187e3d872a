import type { Fault } from "./scenario.ts";
import type { SimCluster } from "./sim_cluster.ts";

/** Makes faults happen at their times, from now on. */
export function scheduleFaults(cluster: SimCluster, faults: readonly Fault[]): void {
  for (const fault of faults) cluster.clock.after(fault.atMs, () => happen(cluster, fault));
}

function happen(cluster: SimCluster, fault: Fault): void {
  const { clock, net, origin, scheduler } = cluster;
  switch (fault.kind) {
    case "scheduler_restart":
      cluster.beside(scheduler.crash());
      return void clock.after(fault.downMs, () => cluster.beside(scheduler.start()));
    case "peer_crash":
    case "peer_vanish":
      return cluster.beside(peerOf(cluster, fault.peer).die(fault.kind === "peer_vanish"));
    case "peer_leave":
      return cluster.beside(peerOf(cluster, fault.peer)[Symbol.asyncDispose]());
    case "connections_break":
      return net.breakConnections(peerOf(cluster, fault.peer).node);
    case "slow_link": {
      const { node } = peerOf(cluster, fault.peer);
      net.slow(node, fault.factor);
      return void clock.after(fault.forMs, () => net.slow(node, 1));
    }
    case "lying_peer":
      peerOf(cluster, fault.peer).lie = (_, bytes) => bytes[0] = 1 + (bytes[0] ?? 0);
      return;
    case "origin":
      origin.mood = fault.mood;
      return void clock.after(fault.forMs, () => origin.recover());
    case "slow_origin":
      net.slow(origin.node, fault.factor);
      return void clock.after(fault.forMs, () => net.slow(origin.node, 1));
    case "partition":
      net.part(new Set(cluster.peers.slice(fault.fromPeer).map(({ node }) => node)));
      return void clock.after(fault.forMs, () => net.part(new Set()));
    case "clock_jump":
      return clock.jump(fault.ms);
    default:
      return fault satisfies never;
  }
}

function peerOf({ peers }: SimCluster, index: number) {
  const peer = peers[index];
  if (peer === undefined) throw new Error(`There is no peer ${index}`);
  return peer;
}
