/** How clusters are, and what somebody should look at. */
import { BUILD_PLATFORM } from "../../core/version.ts";
import type { Cluster } from "../store/clusters.ts";
import { isLive, servesPeers } from "../store/liveness.ts";
import type { PeerCount } from "../store/peers.ts";
import type { SchedulerRecord, SeedPeerRecord } from "../store/services.ts";

/** Names in a finding; there is a page that has all of them. */
const NAMES_MAX = 5;

/** What there is, as its owners said last. */
export interface Installation {
  readonly nowMs: number;
  /** The release of the manager. */
  readonly version: string;
  readonly clusters: readonly Cluster[];
  readonly schedulers: readonly SchedulerRecord[];
  readonly seedPeers: readonly SeedPeerRecord[];
  readonly peers: readonly PeerCount[];
  /** Of the last day. */
  readonly failedPreheats: number;
  /** Whether root has the password that everybody knows. */
  readonly hasDefaultPassword: boolean;
}

/** How many there are, and how many of them are live. */
export interface Presence {
  readonly total: number;
  readonly active: number;
}

/** `down` where no scheduler serves peers, `degraded` where a scheduler or seed peer is away. */
export type Health = "good" | "degraded" | "down";

/** How a cluster is. */
export interface ClusterHealth {
  readonly id: number;
  readonly name: string;
  readonly isDefault: boolean;
  readonly health: Health;
  readonly schedulers: Presence;
  readonly seedPeers: Presence;
  readonly peers: Presence;
  /** Active peers of another make. */
  readonly stockPeers: number;
}

/** What can be wrong, the worst first. */
export const FINDING_KINDS = [
  "default_password",
  "no_live_scheduler",
  "inactive_schedulers",
  "inactive_seed_peers",
  "failed_preheats",
  "version_skew",
] as const;

/** One thing that somebody should look at. */
export interface Finding {
  readonly kind: typeof FINDING_KINDS[number];
  /** Where it is; undefined for what concerns all. */
  readonly cluster?: Cluster;
  readonly count: number;
  /** Of hosts or releases, the first ones. */
  readonly names: readonly string[];
}

/** What there is of one cluster. */
interface Members {
  readonly cluster: Cluster;
  readonly schedulers: readonly SchedulerRecord[];
  readonly seedPeers: readonly SeedPeerRecord[];
  readonly peers: readonly PeerCount[];
}

/** How each cluster is, those in the worst state first, and what should be looked at, the worst first. */
export function examine(installation: Installation): { clusters: ClusterHealth[]; findings: Finding[] } {
  const { clusters, failedPreheats, hasDefaultPassword } = installation;
  const schedulers = Map.groupBy(installation.schedulers, ({ clusterId }) => clusterId);
  const seedPeers = Map.groupBy(installation.seedPeers, ({ clusterId }) => clusterId);
  const peers = Map.groupBy(installation.peers, ({ clusterId }) => clusterId);
  const all = clusters.map((cluster): Members => ({
    cluster,
    schedulers: schedulers.get(cluster.id) ?? [],
    seedPeers: seedPeers.get(cluster.seedPeerClusterId) ?? [],
    peers: peers.get(cluster.id) ?? [],
  }));
  const findings: Finding[] = [
    ...hasDefaultPassword ? [{ kind: "default_password" as const, count: 1, names: [] }] : [],
    ...all.flatMap((members) => findingsOf(members, installation)),
    ...failedPreheats > 0 ? [{ kind: "failed_preheats" as const, count: failedPreheats, names: [] }] : [],
  ];
  return {
    clusters: all.map((members) => healthOf(members, installation.nowMs)).sort(worstFirst),
    findings: findings.sort((a, b) => FINDING_KINDS.indexOf(a.kind) - FINDING_KINDS.indexOf(b.kind)),
  };
}

function healthOf({ cluster, schedulers, seedPeers, peers }: Members, nowMs: number): ClusterHealth {
  const [here, seeds] = [presence(schedulers, nowMs), presence(seedPeers, nowMs)];
  const isWhole = here.active === here.total && seeds.active === seeds.total;
  const serves = schedulers.some((scheduler) => servesPeers(scheduler, nowMs));
  const active = peers.filter(({ state }) => state === "active");
  return {
    ...{ id: cluster.id, name: cluster.name, isDefault: cluster.isDefault, schedulers: here, seedPeers: seeds },
    health: !serves ? "down" : isWhole ? "good" : "degraded",
    peers: { total: sum(peers), active: sum(active) },
    stockPeers: sum(active.filter(({ buildPlatform }) => buildPlatform !== BUILD_PLATFORM)),
  };
}

function findingsOf({ cluster, schedulers, seedPeers, peers }: Members, { nowMs, version }: Installation): Finding[] {
  const findings: Finding[] = [];
  const away = (kind: Finding["kind"], services: readonly (SchedulerRecord | SeedPeerRecord)[]) => {
    const names = services.filter((service) => !isLive(service, nowMs)).map(({ hostname }) => hostname);
    if (names.length > 0) findings.push({ kind, cluster, count: names.length, names: names.slice(0, NAMES_MAX) });
  };
  if (schedulers.some((scheduler) => servesPeers(scheduler, nowMs))) away("inactive_schedulers", schedulers);
  else findings.push({ kind: "no_live_scheduler", cluster, count: schedulers.length, names: [] });
  away("inactive_seed_peers", seedPeers);
  const skewed = skewOf(peers, version);
  if (skewed.length > 0) {
    const names = [...new Set(skewed.map(({ gitVersion }) => gitVersion || "-"))].slice(0, NAMES_MAX);
    findings.push({ kind: "version_skew", cluster, count: sum(skewed), names });
  }
  return findings;
}

/** Peers of our make that run another release than the manager, and stock ones where they differ among themselves. */
function skewOf(peers: readonly PeerCount[], version: string): PeerCount[] {
  const active = peers.filter(({ state }) => state === "active");
  const ours = active.filter(({ buildPlatform }) => buildPlatform === BUILD_PLATFORM);
  const stock = active.filter(({ buildPlatform }) => buildPlatform !== BUILD_PLATFORM);
  const differ = new Set(stock.map(({ gitVersion }) => gitVersion)).size > 1;
  return [...ours.filter(({ gitVersion }) => gitVersion !== version), ...differ ? stock : []];
}

function presence(services: readonly (SchedulerRecord | SeedPeerRecord)[], nowMs: number): Presence {
  return { total: services.length, active: services.filter((service) => isLive(service, nowMs)).length };
}

function sum(counts: readonly PeerCount[]): number {
  return counts.reduce((total, { count }) => total + count, 0);
}

function worstFirst(a: ClusterHealth, b: ClusterHealth): number {
  const order: readonly Health[] = ["down", "degraded", "good"];
  return order.indexOf(a.health) - order.indexOf(b.health) || Number(b.isDefault) - Number(a.isDefault) || a.id - b.id;
}
