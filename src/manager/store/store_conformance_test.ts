import assert from "node:assert/strict";
import { DamselflyError, type ErrorCode } from "../../core/error.ts";
import type { Clock } from "../../runtime/clock.ts";
import { VirtualClock } from "../../testing/virtual_clock.ts";
import { isLive } from "./liveness.ts";
import type { Change } from "./changes.ts";
import type { ClusterInput } from "./clusters.ts";
import type { SchedulerInput, SeedPeerInput } from "./services.ts";
import type { Store } from "./store.ts";

/** A cluster as a test needs it. */
export function clusterInput(input: Partial<ClusterInput> & { readonly name: string }): ClusterInput {
  return {
    bio: "",
    isDefault: false,
    scopes: {},
    schedulerClusterConfig: {},
    seedPeerClusterConfig: {},
    peerClusterConfig: {},
    ...input,
  };
}

/** A scheduler as a test needs it. */
export function schedulerInput(input: Partial<SchedulerInput> & { readonly clusterId: number }): SchedulerInput {
  return {
    hostname: "scheduler-1",
    ip: "10.0.0.1",
    port: 8002,
    idc: "",
    location: "",
    features: ["schedule"],
    keepAliveIntervalMs: 5_000,
    ...input,
  };
}

/** A seed peer as a test needs it. */
export function seedPeerInput(input: Partial<SeedPeerInput> & { readonly clusterId: number }): SeedPeerInput {
  return {
    hostname: "seed-1",
    ip: "10.0.1.1",
    type: "super",
    port: 4000,
    downloadPort: 4000,
    objectStoragePort: 0,
    idc: "",
    location: "",
    ...input,
  };
}

/** For `assert.rejects`: an error with this code, whose message matches. */
export function failsWith(code: ErrorCode, message: RegExp): (error: unknown) => true {
  return (error) => {
    assert.ok(error instanceof DamselflyError, String(error));
    assert.equal(error.code, code);
    assert.match(error.message, message);
    return true;
  };
}

/** The promises that every {@link Store} keeps; `name` says which one is under test. */
export function storeConformance(name: string, open: (clock: Clock) => Promise<Store>): void {
  clusterConformance(name, open);
  clusterDeletionConformance(name, open);
  serviceConformance(name, open);
  livenessConformance(name, open);

  Deno.test(`${name}: a user is found by name and id, and a name is given once`, async () => {
    await using store = await open(new VirtualClock());
    const { id } = await store.users.create({ name: "root", passwordHash: "hash" });
    assert.equal((await store.users.findByName("root"))?.id, id);
    assert.deepEqual(await store.users.get(id), await store.users.findByName("root"));
    assert.equal(await store.users.get(id + 1), undefined);
    await assert.rejects(store.users.create({ name: "root", passwordHash: "x" }), failsWith("already_exists", /root/));
  });
}

function clusterConformance(name: string, open: (clock: Clock) => Promise<Store>): void {
  Deno.test(`${name}: what is stored of a cluster is what was given`, async () => {
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

  Deno.test(`${name}: exactly one cluster is the default, whatever is created, changed or refused`, async () => {
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

  Deno.test(`${name}: a change touches only what it holds`, async () => {
    const clock = new VirtualClock();
    await using store = await open(clock);
    const before = await store.clusters.create(clusterInput({ name: "a", bio: "old", scopes: { idc: "x" } }));
    await clock.advance(1_000);
    const after = await store.clusters.update(before.id, { bio: "new" });
    assert.deepEqual(after, { ...before, bio: "new", updatedAtMs: before.updatedAtMs + 1_000 });
    await assert.rejects(store.clusters.update(99, { bio: "new" }), failsWith("not_found", /99/));
  });

  Deno.test(`${name}: clusters are listed by id in pages, or by name`, async () => {
    await using store = await open(new VirtualClock());
    for (const clusterName of ["a", "b", "c"]) await store.clusters.create(clusterInput({ name: clusterName }));
    const page = await store.clusters.list({}, { offset: 1, limit: 1 });
    assert.deepEqual([page.total, ...page.rows.map((cluster) => cluster.name)], [3, "b"]);
    const named = await store.clusters.list({ name: "c" }, { offset: 0, limit: 10 });
    assert.deepEqual([named.total, ...named.rows.map((cluster) => cluster.name)], [1, "c"]);
  });
}

function clusterDeletionConformance(name: string, open: (clock: Clock) => Promise<Store>): void {
  Deno.test(`${name}: a cluster is deleted with its dead schedulers, never with a live one`, async () => {
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

function serviceConformance(name: string, open: (clock: Clock) => Promise<Store>): void {
  Deno.test(`${name}: a service is added once and changed when it comes again`, async () => {
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

function livenessConformance(name: string, open: (clock: Clock) => Promise<Store>): void {
  Deno.test(`${name}: keep-alives make a service live, their absence or end makes it dead`, async () => {
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

  Deno.test(`${name}: each change that peers can see is told, and no other`, async () => {
    const clock = new VirtualClock();
    await using store = await open(clock);
    const changes: Change[] = [];
    using _subscription = store.changes.subscribe((change) => changes.push(change));
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

  Deno.test(`${name}: services that were silent for long are removed, others stay`, async () => {
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
