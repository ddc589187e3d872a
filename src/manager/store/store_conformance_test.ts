import assert from "node:assert/strict";
import { VirtualClock } from "../../testing/virtual_clock.ts";
import { isLive } from "./liveness.ts";
import type { Change } from "./changes.ts";
import { queueConformance } from "./queue_conformance_test.ts";
import { recordConformance } from "./record_conformance_test.ts";
import { SERVICES_PER_CLUSTER_MAX } from "./sql/sql_services.ts";
import {
  clusterInput,
  failsWith,
  type OpenStore,
  type RegisterTest,
  schedulerInput,
  seedPeerInput,
} from "./store_builders_test.ts";

/** The promises that every `Store` keeps; `name` says which one is under test, `open` makes an empty one. */
export function storeConformance(name: string, open: OpenStore, test: RegisterTest = Deno.test): void {
  clusterConformance(name, open, test);
  clusterDeletionConformance(name, open, test);
  serviceConformance(name, open, test);
  livenessConformance(name, open, test);
  clusterHalfConformance(name, open, test);
  fullClusterConformance(name, open, test);
  recordConformance(name, open, test);
  queueConformance(name, open, test);
}

function clusterConformance(name: string, open: OpenStore, test: RegisterTest): void {
  test(`${name}: what is stored of a cluster is what was given`, async () => {
    await using store = await open(new VirtualClock());
    const input = clusterInput({
      name: "berlin",
      bio: "first",
      isDefault: true,
      scopes: { idc: "b1|b2", cidrs: ["10.0.0.0/8"], hostnames: ["^node-"] },
      schedulerClusterConfig: { candidate_parent_limit: 3 },
      seedPeerClusterConfig: { load_limit: 2_000 },
      peerClusterConfig: { load_limit: 200 },
    });
    const { id, seedPeerClusterId: _, createdAtMs, updatedAtMs, ...rest } = await store.clusters.create(input);
    assert.deepEqual(rest, input);
    assert.equal(createdAtMs, updatedAtMs);
    assert.deepEqual(await store.clusters.all(), [await store.clusters.get(id)]);
  });

  test(`${name}: exactly one cluster is the default, whatever is created, changed or refused`, async () => {
    await using store = await open(new VirtualClock());
    const defaults = async () => (await store.clusters.all()).filter((c) => c.isDefault).map((c) => c.name);
    const first = await store.clusters.create(clusterInput({ name: "a" }));
    assert.deepEqual(await defaults(), ["a"]);
    const second = await store.clusters.create(clusterInput({ name: "b", isDefault: true }));
    assert.deepEqual(await defaults(), ["b"]);
    await store.clusters.update(first.id, { isDefault: true });
    assert.deepEqual(await defaults(), ["a"]);
    await assert.rejects(
      store.clusters.update(first.id, { isDefault: false }),
      failsWith("failed_precondition", /default/),
    );
    await assert.rejects(store.clusters.remove(first.id), failsWith("failed_precondition", /default/));
    await assert.rejects(
      store.clusters.create(clusterInput({ name: "b", isDefault: true })),
      failsWith("already_exists", /"b"/),
    );
    assert.deepEqual(await defaults(), ["a"]);
    await store.clusters.remove(second.id);
    assert.deepEqual(await defaults(), ["a"]);
  });

  test(`${name}: a change touches only what it holds`, async () => {
    const clock = new VirtualClock();
    await using store = await open(clock);
    const before = await store.clusters.create(clusterInput({ name: "a", bio: "old", scopes: { idc: "x" } }));
    await clock.advance(1_000);
    const after = await store.clusters.update(before.id, { bio: "new" });
    assert.deepEqual(after, { ...before, bio: "new", updatedAtMs: before.updatedAtMs + 1_000 });
    await assert.rejects(store.clusters.update(99, { bio: "new" }), failsWith("not_found", /99/));
  });

  test(`${name}: clusters are listed by id in pages, or by name`, async () => {
    await using store = await open(new VirtualClock());
    for (const clusterName of ["a", "b", "c"]) await store.clusters.create(clusterInput({ name: clusterName }));
    const page = await store.clusters.list({}, { offset: 1, limit: 1 });
    assert.deepEqual([page.total, ...page.rows.map((cluster) => cluster.name)], [3, "b"]);
    const named = await store.clusters.list({ name: "c" }, { offset: 0, limit: 10 });
    assert.deepEqual([named.total, ...named.rows.map((cluster) => cluster.name)], [1, "c"]);
  });
}

function clusterDeletionConformance(name: string, open: OpenStore, test: RegisterTest): void {
  test(`${name}: a cluster is deleted with its dead schedulers, never with a live one`, async () => {
    const clock = new VirtualClock();
    await using store = await open(clock);
    await store.clusters.create(clusterInput({ name: "a" }));
    const { id } = await store.clusters.create(clusterInput({ name: "b" }));
    const scheduler = await store.schedulers.upsert(schedulerInput({ clusterId: id }));
    await store.schedulers.keepAlive(scheduler);
    await assert.rejects(store.clusters.remove(id), failsWith("failed_precondition", /scheduler-1/));
    await clock.advance(15_001);
    await store.clusters.remove(id);
    assert.deepEqual(await store.schedulers.all(), []);
    await assert.rejects(store.clusters.remove(id), failsWith("not_found", /does not exist/));
    const { id: next } = await store.clusters.create(clusterInput({ name: "b" }));
    assert.notEqual(next, id, "an id must not come back, for peers are pinned to it");
  });
}

function serviceConformance(name: string, open: OpenStore, test: RegisterTest): void {
  test(`${name}: a service is added once and changed when it comes again`, async () => {
    await using store = await open(new VirtualClock());
    const { id: clusterId, seedPeerClusterId } = await store.clusters.create(clusterInput({ name: "a" }));
    const first = await store.schedulers.upsert(schedulerInput({ clusterId }));
    const again = await store.schedulers.upsert(schedulerInput({ clusterId, port: 9002, features: ["schedule", "x"] }));
    assert.deepEqual(again, { ...first, port: 9002, features: ["schedule", "x"] });
    assert.deepEqual(await store.schedulers.all(), [again]);
    const seedPeer = await store.seedPeers.upsert(seedPeerInput({ clusterId: seedPeerClusterId }));
    assert.deepEqual(await store.seedPeers.all(), [seedPeer]);
    await assert.rejects(
      store.schedulers.upsert(schedulerInput({ clusterId: 99 })),
      failsWith("not_found", /scheduler cluster 99/),
    );
    await assert.rejects(
      store.seedPeers.upsert(seedPeerInput({ clusterId: 99 })),
      failsWith("not_found", /seed peer cluster 99/),
    );
  });
}

function livenessConformance(name: string, open: OpenStore, test: RegisterTest): void {
  test(`${name}: keep-alives make a service live, their absence or end makes it dead`, async () => {
    const clock = new VirtualClock();
    await using store = await open(clock);
    const { id: clusterId } = await store.clusters.create(clusterInput({ name: "a" }));
    const key = await store.schedulers.upsert(schedulerInput({ clusterId, keepAliveIntervalMs: 2_000 }));
    const live = async () => (await store.schedulers.all()).some((record) => isLive(record, clock.wallMs()));
    assert.equal(await live(), false);
    await store.schedulers.keepAlive(key);
    assert.equal(await live(), true);
    await clock.advance(6_000);
    assert.equal(await live(), true);
    await clock.advance(1);
    assert.equal(await live(), false);
    await store.schedulers.keepAlive(key);
    assert.equal(await live(), true);
    await store.schedulers.markInactive(key);
    assert.equal(await live(), false);
    await assert.rejects(store.schedulers.keepAlive({ ...key, ip: "10.9.9.9" }), failsWith("not_found", /10\.9\.9\.9/));
  });

  test(`${name}: each change that peers can see is told, and no other`, async () => {
    const clock = new VirtualClock();
    await using store = await open(clock);
    const changes: Change[] = [];
    // On a server others may have written, whether or not this store did.
    using _subscription = store.changes.subscribe((change) => change.kind === "any" || changes.push(change));
    const told = () => changes.splice(0).map((change) => "clusterId" in change ? { ...change } : change.kind);
    const { id: clusterId } = await store.clusters.create(clusterInput({ name: "a" }));
    assert.deepEqual(told(), ["clusters"]);
    const ofCluster = [{ kind: "schedulers", clusterId }];
    const key = await store.schedulers.upsert(schedulerInput({ clusterId }));
    assert.deepEqual(told(), ofCluster);
    await store.schedulers.keepAlive(key);
    assert.deepEqual(told(), ofCluster, "it became live");
    await clock.advance(5_000);
    await store.schedulers.keepAlive(key);
    assert.deepEqual(told(), [], "it was live");
    await clock.advance(60_000);
    await store.schedulers.keepAlive(key);
    assert.deepEqual(told(), ofCluster, "it came back");
    await store.schedulers.markInactive(key);
    assert.deepEqual(told(), ofCluster);
    await store.clusters.update(clusterId, { bio: "x" });
    assert.deepEqual(told(), ["clusters"]);
    await store.schedulers.all();
    assert.deepEqual(told(), []);
    assert.equal(await store.schedulers.unregister(key), true);
    assert.deepEqual(told(), ofCluster);
    assert.equal(await store.schedulers.unregister(key), false);
    assert.deepEqual(told(), []);
  });

  test(`${name}: services that were silent for long are removed, others stay`, async () => {
    const clock = new VirtualClock();
    await using store = await open(clock);
    const { id: clusterId } = await store.clusters.create(clusterInput({ name: "a" }));
    await store.schedulers.upsert(schedulerInput({ clusterId, hostname: "old" }));
    await clock.advance(1_000);
    const young = await store.schedulers.upsert(schedulerInput({ clusterId, hostname: "young" }));
    await clock.advance(500);
    assert.equal(await store.schedulers.removeSilent(1_000), 1);
    assert.deepEqual(await store.schedulers.all(), [young]);
  });
}

function clusterHalfConformance(name: string, open: OpenStore, test: RegisterTest): void {
  test(`${name}: scheduler clusters and seed peer clusters stand alone, and links join them`, async () => {
    await using store = await open(new VirtualClock());
    const plain = { bio: "", config: {}, clientConfig: {}, seedClientConfig: {}, scopes: {}, isDefault: false };
    const lone = await store.schedulerClusters.create({ ...plain, name: "lone", seedPeerClusterIds: [] });
    assert.equal(lone.isDefault, true);
    assert.equal((await store.clusters.get(lone.id))?.seedPeerClusterId, 0);
    const seeds = await store.seedPeerClusters.create({
      name: "seeds",
      bio: "",
      config: { load_limit: 9 },
      schedulerClusterIds: [lone.id],
    });
    const joined = await store.clusters.get(lone.id);
    assert.deepEqual([joined?.seedPeerClusterId, joined?.seedPeerClusterConfig], [seeds.id, { load_limit: 9 }]);
    assert.deepEqual((await store.schedulerClusters.get(lone.id))?.seedPeerClusterIds, [seeds.id]);
    await assert.rejects(
      store.schedulerClusters.update(lone.id, { seedPeerClusterIds: [99] }),
      failsWith("not_found", /link seed peer cluster 99/),
    );
    await store.schedulerClusters.update(lone.id, { seedPeerClusterIds: [] });
    assert.deepEqual((await store.seedPeerClusters.get(seeds.id))?.schedulerClusterIds, []);
    const scheduler = await store.schedulers.create(schedulerInput({ clusterId: lone.id }));
    const second = await store.schedulerClusters.create({
      ...plain,
      name: "b",
      isDefault: true,
      seedPeerClusterIds: [],
    });
    const moved = await store.schedulers.update(scheduler.id, { clusterId: second.id });
    assert.deepEqual([moved.clusterId, moved.hostname], [second.id, scheduler.hostname]);
    await assert.rejects(store.schedulers.update(scheduler.id, { clusterId: 99 }), failsWith("not_found", /99/));
    await store.schedulerClusters.remove(lone.id);
    await store.seedPeerClusters.remove(seeds.id);
    await assert.rejects(store.seedPeerClusters.remove(seeds.id), failsWith("not_found", /delete seed peer cluster/));
  });

  test(`${name}: a seed peer cluster with a live seed peer stays, and one that two clusters share too`, async () => {
    const clock = new VirtualClock();
    await using store = await open(clock);
    await store.clusters.create(clusterInput({ name: "default" }));
    const first = await store.clusters.create(clusterInput({ name: "a" }));
    const second = await store.clusters.create(clusterInput({ name: "b" }));
    await store.schedulerClusters.update(second.id, { seedPeerClusterIds: [first.seedPeerClusterId] });
    const seed = await store.seedPeers.upsert(seedPeerInput({ clusterId: first.seedPeerClusterId }));
    await store.seedPeers.keepAlive(seed);
    await assert.rejects(
      store.seedPeerClusters.remove(first.seedPeerClusterId),
      failsWith("failed_precondition", /stop its seed peers first: seed-1/),
    );
    await store.clusters.remove(first.id);
    assert.equal((await store.clusters.get(second.id))?.seedPeerClusterId, first.seedPeerClusterId);
    assert.equal((await store.seedPeers.all()).length, 1);
    await store.clusters.remove(second.id);
    assert.deepEqual(await store.seedPeers.all(), []);
  });
}

function fullClusterConformance(name: string, open: OpenStore, test: RegisterTest): void {
  test(`${name}: in a full cluster the scheduler that is silent for longest gives way, never a live one`, async () => {
    const clock = new VirtualClock();
    await using store = await open(clock);
    const { id: clusterId } = await store.clusters.create(clusterInput({ name: "a" }));
    const oldest = await store.schedulers.upsert(schedulerInput({ clusterId, hostname: "oldest" }));
    await clock.advance(1);
    const live = await store.schedulers.upsert(schedulerInput({ clusterId, hostname: "live" }));
    await store.schedulers.keepAlive(live);
    await clock.advance(1);
    for (let count = 2; count < SERVICES_PER_CLUSTER_MAX; count++) {
      await store.schedulers.upsert(schedulerInput({ clusterId, hostname: `host-${count}` }));
    }
    await store.schedulers.upsert(schedulerInput({ clusterId, hostname: "newest" }));
    const rows = await store.schedulers.ofCluster(clusterId);
    assert.equal(rows.length, SERVICES_PER_CLUSTER_MAX);
    assert.equal(rows.some(({ id }) => id === oldest.id), false);
    assert.equal(rows.some(({ id }) => id === live.id), true);
    for (const row of rows) await store.schedulers.keepAlive(row);
    await assert.rejects(
      store.schedulers.upsert(schedulerInput({ clusterId, hostname: "one-more" })),
      failsWith("resource_exhausted", /live ones, which is the most/),
    );
    await store.schedulers.upsert(live);
  });
}
