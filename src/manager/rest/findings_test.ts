import assert from "node:assert/strict";
import { BUILD_PLATFORM } from "../../core/version.ts";
import type { Cluster } from "../store/clusters.ts";
import type { PeerCount } from "../store/peers.ts";
import type { SchedulerRecord, SeedPeerRecord } from "../store/services.ts";
import { clusterInput, schedulerInput, seedPeerInput } from "../store/store_builders_test.ts";
import { examine, type Installation } from "./findings.ts";

const NOW = 1_000_000_000;
const TIMES = { createdAtMs: 0, updatedAtMs: 0 };

function cluster(id: number, isDefault = false): Cluster {
  return { ...clusterInput({ name: `c${id}`, isDefault }), ...TIMES, id, seedPeerClusterId: 10 + id };
}

function scheduler(clusterId: number, patch: Partial<SchedulerRecord> = {}): SchedulerRecord {
  const live = { state: "active", lastKeepAliveAtMs: NOW } as const;
  return { ...schedulerInput({ clusterId }), ...TIMES, ...live, id: 1, ...patch };
}

function seedPeer(clusterId: number, patch: Partial<SeedPeerRecord> = {}): SeedPeerRecord {
  const live = { state: "active", lastKeepAliveAtMs: NOW } as const;
  return { ...seedPeerInput({ clusterId: 10 + clusterId }), ...TIMES, ...live, id: 1, ...patch };
}

function peers(clusterId: number, gitVersion: string, count: number, patch: Partial<PeerCount> = {}): PeerCount {
  return { clusterId, gitVersion, buildPlatform: BUILD_PLATFORM, state: "active", count, ...patch };
}

function look(there: Partial<Installation>) {
  const { clusters, findings } = examine({
    ...{ nowMs: NOW, version: "1", clusters: [cluster(1)], schedulers: [scheduler(1)], seedPeers: [], peers: [] },
    ...{ failedPreheats: 0, hasDefaultPassword: false, ...there },
  });
  const told = findings.map(({ kind, cluster, count, names }) => [kind, cluster?.id, count, ...names]);
  return { clusters, told };
}

const AWAY = { state: "inactive" } as const;
/** Its row says active, but it has been silent for longer than it promised. */
const SILENT = { lastKeepAliveAtMs: NOW - 15_001 };

Deno.test("where all is well nothing is found", () => {
  const { clusters, told } = look({
    ...{ seedPeers: [seedPeer(1)], peers: [peers(1, "1", 7), peers(1, "0", 2, { state: "inactive" })] },
  });
  assert.deepEqual(told, []);
  assert.deepEqual(
    clusters.map(({ health, schedulers, seedPeers, peers, stockPeers }) => {
      return [health, schedulers, seedPeers, peers, stockPeers];
    }),
    [["good", { total: 1, active: 1 }, { total: 1, active: 1 }, { total: 9, active: 7 }, 0]],
  );
});

Deno.test("a scheduler or seed peer that is away degrades its cluster, whatever its row says", () => {
  const { clusters, told } = look({
    clusters: [cluster(1), cluster(2)],
    schedulers: [scheduler(1), scheduler(1, { hostname: "s2", ...SILENT }), scheduler(2)],
    seedPeers: [seedPeer(2, { hostname: "p2", ...AWAY }), seedPeer(2)],
  });
  assert.deepEqual(told, [["inactive_schedulers", 1, 1, "s2"], ["inactive_seed_peers", 2, 1, "p2"]]);
  assert.deepEqual(clusters.map(({ id, health }) => [id, health]), [[1, "degraded"], [2, "degraded"]]);
});

Deno.test("a cluster is down without a live scheduler that serves peers, and that is said once", () => {
  for (
    const schedulers of [[], [scheduler(1, AWAY)], [scheduler(1, SILENT)], [scheduler(1, { features: ["preheat"] })]]
  ) {
    const { clusters, told } = look({ schedulers });
    assert.deepEqual(told, [["no_live_scheduler", 1, schedulers.length]]);
    assert.equal(clusters[0]?.health, "down");
  }
});

Deno.test("peers of our make should run the manager's release, and stock ones one of theirs", () => {
  const stock = { buildPlatform: "linux" };
  assert.deepEqual(look({ peers: [peers(1, "1", 3), peers(1, "v2.4", 5, stock)] }).told, []);
  assert.equal(look({ peers: [peers(1, "v2.4", 5, stock)] }).clusters[0]?.stockPeers, 5);
  assert.deepEqual(look({ peers: [peers(1, "1", 3), peers(1, "2", 4), peers(1, "", 2)] }).told, [
    ["version_skew", 1, 6, "2", "-"],
  ]);
  assert.deepEqual(look({ peers: [peers(1, "v2.4", 5, stock), peers(1, "v2.5", 1, stock)] }).told, [
    ["version_skew", 1, 6, "v2.4", "v2.5"],
  ]);
});

Deno.test("the worst comes first, in findings as in clusters, and names are a few", () => {
  const { clusters, told } = look({
    ...{
      hasDefaultPassword: true,
      failedPreheats: 3,
      clusters: [cluster(3), cluster(1), cluster(4, true), cluster(2)],
    },
    schedulers: [scheduler(1), scheduler(3), scheduler(4)],
    seedPeers: Array.from({ length: 8 }, (_, n) => seedPeer(1, { hostname: `p${n}`, ...AWAY })),
    peers: [peers(3, "2", 1)],
  });
  assert.deepEqual(told, [
    ["default_password", undefined, 1],
    ["no_live_scheduler", 2, 0],
    ["inactive_seed_peers", 1, 8, "p0", "p1", "p2", "p3", "p4"],
    ["failed_preheats", undefined, 3],
    ["version_skew", 3, 1, "2"],
  ]);
  assert.deepEqual(clusters.map(({ id }) => id), [2, 1, 4, 3]);
});
