import type { Pulled } from "./burst.ts";
import type { Scenario } from "./scenario.ts";
import type { SimCluster } from "./sim_cluster.ts";
import { megabits } from "./sim_net.ts";

/** What a run came to. Times are virtual, but for `wall_s`. */
export interface Figures {
  readonly scenario: string;
  readonly algorithm: string;
  readonly peers: number;
  readonly bytes: number;
  readonly bound_s: number;
  /** Which limit the bound is. */
  readonly bound: string;
  /** The bound as a part of what the last peer took. */
  readonly efficiency: number;
  readonly first_byte_ms: number;
  readonly p50_s: number;
  readonly p99_s: number;
  readonly last_s: number;
  /** Bytes as a multiple of all contents together. */
  readonly origin_copies: number;
  readonly origin_requests: number;
  readonly seed_copies: number;
  /** Of the locations with a line of their own, the one that took most over it; and the mean. */
  readonly cross_location_copies: number;
  readonly cross_location_copies_mean: number;
  /** How much of the upload lines of normal peers was used, from the first request to the last byte. */
  readonly peer_uplink_use: number;
  /** Pulls that a runtime had to begin again, and those that failed for good. */
  readonly repeated_pulls: number;
  readonly failed_pulls: number;
  readonly wall_s: number;
}

/** No distribution is faster than the slowest of these lets it be, in seconds. */
export function boundsOf({ setup, pulls }: Scenario): Record<string, number> {
  const { sizes, peers, seedPeers, peerLines, seedLines, originLines, siteLines } = setup;
  const bytes = sizes.reduce((sum, size) => sum + size, 0);
  const lineOf = (peer: number) => peerLines[peer % peerLines.length] ?? seedLines;
  const lines = Array.from({ length: peers }, (_, peer) => lineOf(peer));
  const slowest = Math.min(...lines.map(({ down }) => down));
  const allUp = lines.reduce((sum, { up }) => sum + up, seedPeers * seedLines.up);
  const seconds = (amount: number, mbits: number) => amount / megabits(mbits) / 1000;
  const lastStartMs = pulls.reduce((last, { atMs }) => Math.max(last, atMs), 0);
  return {
    "size / origin's line": seconds(bytes, originLines.up),
    ...(seedPeers > 0 && { "size / seed peers' lines": seconds(bytes, seedPeers * seedLines.up) }),
    "size / slowest line, after the last start": lastStartMs / 1000 + seconds(bytes, slowest),
    "all bytes / all lines": seconds(bytes * peers, seedPeers > 0 ? allUp : allUp + originLines.up),
    ...(siteLines !== undefined && { "size / line of a location": seconds(bytes, siteLines.down) }),
  };
}

/** The figures of a run that has ended. */
export function figuresOf(
  name: string,
  scenario: Scenario,
  cluster: SimCluster,
  pulled: readonly Pulled[],
  wallMs: number,
): Figures {
  const { setup } = scenario;
  const bytes = setup.sizes.reduce((sum, size) => sum + size, 0);
  const [bound, boundS] = Object.entries(boundsOf(scenario)).reduce((a, b) => b[1] > a[1] ? b : a);
  const hurt = new Set(
    scenario.faults.map((fault) => fault.kind === "slow_link" ? cluster.peers[fault.peer] : undefined),
  );
  const ends = endsOf(pulled.filter(({ peer }) => !hurt.has(peer)));
  const lastS = (ends.at(-1) ?? 0) / 1000;
  const part = (share: number) => (ends[Math.min(ends.length - 1, Math.floor(share * ends.length))] ?? 0) / 1000;
  const sum = (values: Iterable<number>) => [...values].reduce((total, value) => total + value, 0);
  const sent = (peers: SimCluster["peers"]) => sum(peers.map(({ node }) => cluster.net.flows.bytesOf(node.up)));
  const into = cluster.sites.map((site) => cluster.net.bytesInto(site) / bytes);
  const lines = sum(cluster.normalPeers.map(({ node }) => node.speeds.up));
  return {
    ...{ scenario: name, algorithm: setup.algorithm, peers: setup.peers, bytes },
    bound_s: rounded(boundS),
    bound,
    efficiency: rounded(boundS / lastS),
    first_byte_ms: Math.min(...pulled.map(({ firstByteMs = Infinity }) => firstByteMs)),
    p50_s: rounded(part(0.5)),
    p99_s: rounded(part(0.99)),
    last_s: rounded(lastS),
    origin_copies: rounded(sum(cluster.origin.given.values()) / bytes),
    origin_requests: sum(cluster.origin.requests.values()),
    seed_copies: rounded(sent(cluster.seedPeers) / bytes),
    cross_location_copies: rounded(Math.max(0, ...into)),
    cross_location_copies_mean: rounded(sum(into) / Math.max(1, into.length)),
    peer_uplink_use: rounded(sent(cluster.normalPeers) / (lines * lastS * 1000)),
    repeated_pulls: pulled.filter(({ failures, peer }) => failures > 0 && !peer.isDead).length,
    failed_pulls: pulled.filter(({ failure, peer }) => failure !== undefined && !peer.isDead).length,
    wall_s: rounded(wallMs / 1000),
  };
}

/** When each peer had all that it pulled, ascending; without those that died. */
function endsOf(pulled: readonly Pulled[]): number[] {
  const ends = new Map<unknown, number>();
  for (const { peer, endMs = 0, failure } of pulled) {
    if (failure === undefined) ends.set(peer, Math.max(ends.get(peer) ?? 0, endMs));
  }
  return [...ends.values()].sort((a, b) => a - b);
}

function rounded(value: number): number {
  return Number(value.toFixed(3));
}
