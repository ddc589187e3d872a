/** The promises of what is kept warm; part of `storeConformance`. */
import assert from "node:assert/strict";
import { VirtualClock } from "../../testing/virtual_clock.ts";
import { clusterInput, failsWith, type OpenStore, type RegisterTest } from "./store_builders_test.ts";
import type { WarmHostInput } from "./warm_hosts.ts";
import type { WarmImageInput } from "./warm_images.ts";

const ALL = { offset: 0, limit: 100 };

/** A warm image as a test needs it; nothing is due. */
export function warmImageInput(input: Partial<WarmImageInput> & { readonly name: string }): WarmImageInput {
  const texts = { bio: "", sealedArgs: "sealed", cron: "", timeZone: "UTC", runError: "", checkError: "" };
  const times = { dueAtMs: 0, runAtMs: 0, checkAtMs: 0, declaredAtMs: 0, lastRunAtMs: 0, followIntervalMs: 0 };
  const numbers = { userId: 1, jobId: 0, runFailures: 0, checkFailures: 0, skipped: 0 };
  return {
    ...{ args: { type: "image" }, schedulerClusterIds: [], onJoin: false, isPaused: false, jobIds: [] },
    ...{ lastState: "", seenDigest: "", warmDigest: "", ...texts, ...times, ...numbers, ...input },
  };
}

/** A host as a test needs it. */
export function warmHostInput(input: Partial<WarmHostInput> & { readonly clusterId: number }): WarmHostInput {
  const times = { warmedAtMs: 0, nextAtMs: 0, missingSinceMs: 0 };
  return { hostname: "node-1", ip: "10.1.0.1", failures: 0, error: "", ...times, ...input };
}

/** The promises of warm images and of the hosts that are kept warm. */
export function warmConformance(name: string, open: OpenStore, test: RegisterTest): void {
  imageConformance(name, open, test);
  sharedConformance(name, open, test);
  hostConformance(name, open, test);
}

function imageConformance(name: string, open: OpenStore, test: RegisterTest): void {
  test(`${name}: a warm image is kept as given, and each name once`, async () => {
    const clock = new VirtualClock();
    await using store = await open(clock);
    const input = warmImageInput({
      ...{ name: "app", args: { url: "https://r/v2/a/manifests/1" }, sealedArgs: "x".repeat(70_000) },
      ...{ schedulerClusterIds: [3, 1], cron: "0 2 * * *", timeZone: "Europe/Berlin", followIntervalMs: 60_000 },
      ...{ onJoin: true, isPaused: true, jobIds: [9, 8], jobId: 9, lastState: "PENDING", skipped: 2 },
      ...{ dueAtMs: Date.UTC(2026, 1, 3, 4, 5, 6, 789), lastRunAtMs: 5_000, seenDigest: "sha256:1" },
    });
    const { id, createdAtMs, updatedAtMs, ...stored } = await store.warmImages.create(input);
    assert.deepEqual(stored, { ...input, revision: 1 });
    assert.deepEqual([createdAtMs, updatedAtMs], [clock.wallMs(), clock.wallMs()]);
    await assert.rejects(store.warmImages.create(input), failsWith("already_exists", /warm image "app"/));
    assert.deepEqual((await store.warmImages.list({ name: "app" }, ALL)).rows.map((row) => row.id), [id]);
    await store.warmImages.remove(id);
    assert.equal(await store.warmImages.get(id), undefined);
    await assert.rejects(store.warmImages.update(id, {}), failsWith("not_found", /change warm image/));
  });

  test(`${name}: due are the warm images whose time has come, the longest waiting first`, async () => {
    const clock = new VirtualClock();
    await using store = await open(clock);
    const now = clock.wallMs();
    const times = { late: now - 5, never: 0, later: now + 1, now, latest: now - 9 };
    for (const [name, dueAtMs] of Object.entries(times)) {
      await store.warmImages.create(warmImageInput({ name, dueAtMs, jobId: name === "later" ? 7 : 0 }));
    }
    const due = async (limit: number) => (await store.warmImages.due(now, limit)).map(({ name }) => name);
    assert.deepEqual(await due(10), ["latest", "late", "now"]);
    assert.deepEqual(await due(2), ["latest", "late"]);
    assert.equal(await store.warmImages.countRunning(), 1);
    assert.equal((await store.warmImages.all()).length, 5);
  });
}

function sharedConformance(name: string, open: OpenStore, test: RegisterTest): void {
  test(`${name}: of many who change a warm image at once each sees what the one before wrote`, async () => {
    await using store = await open(new VirtualClock());
    const { id } = await store.warmImages.create(warmImageInput({ name: "app" }));
    await Promise.all([1, 2, 3, 4, 5].map(() => {
      return store.warmImages.change(id, ({ skipped }) => ({ skipped: skipped + 1 }));
    }));
    const after = await store.warmImages.get(id);
    assert.deepEqual([after?.skipped, after?.revision], [5, 6]);
    const claims = await Promise.all([1, 2, 3].map((dueAtMs) => {
      return store.warmImages.change(id, (image) => image.dueAtMs === 0 ? { dueAtMs } : undefined);
    }));
    assert.equal(claims.filter((image) => image !== undefined).length, 1, "one of them claims it");
    assert.equal(await store.warmImages.change(99, () => ({ skipped: 1 })), undefined);
  });

  test(`${name}: a warm image loses a cluster that is removed, and goes with the last one`, async () => {
    await using store = await open(new VirtualClock());
    await store.clusters.create(clusterInput({ name: "default" }));
    const ids = [];
    for (const name of ["a", "b"]) ids.push((await store.clusters.create(clusterInput({ name }))).id);
    const [a = 0, b = 0] = ids;
    const named = await store.warmImages.create(warmImageInput({ name: "both", schedulerClusterIds: [a, b] }));
    await store.warmImages.create(warmImageInput({ name: "only", schedulerClusterIds: [a] }));
    const everywhere = await store.warmImages.create(warmImageInput({ name: "everywhere" }));
    for (const clusterId of ids) {
      await store.warmHosts.change(
        clusterId,
        () => ({ added: [warmHostInput({ clusterId })], changed: [], removed: [] }),
      );
    }
    await store.clusters.remove(a);
    const left = await store.warmImages.all();
    assert.deepEqual(left.map(({ name, schedulerClusterIds }) => [name, schedulerClusterIds]), [
      ["both", [b]],
      ["everywhere", []],
    ]);
    assert.equal(left[0]?.revision, named.revision + 1);
    assert.deepEqual(left[1], everywhere);
    assert.deepEqual([(await store.warmHosts.ofCluster(a)).length, (await store.warmHosts.ofCluster(b)).length], [
      0,
      1,
    ]);
  });
}

function hostConformance(name: string, open: OpenStore, test: RegisterTest): void {
  test(`${name}: thousands of hosts that are kept warm are added, changed, counted and removed`, async () => {
    await using store = await open(new VirtualClock());
    const { id: clusterId } = await store.clusters.create(clusterInput({ name: "a" }));
    const { id: other } = await store.clusters.create(clusterInput({ name: "b" }));
    const added = Array.from({ length: 6_000 }, (_, n) => warmHostInput({ clusterId, hostname: `node-${n}` }));
    await store.warmHosts.change(clusterId, () => ({ added, changed: [], removed: [] }));
    await store.warmHosts.change(
      other,
      () => ({ added: [warmHostInput({ clusterId: other })], changed: [], removed: [] }),
    );
    const ids = (await store.warmHosts.ofCluster(clusterId)).map(({ id }) => id);
    const [first = 0, second = 0, third = 0] = ids;
    await store.warmHosts.change(clusterId, (hosts) => {
      assert.equal(hosts.length, 6_000);
      return {
        added: [],
        changed: [
          { ids: ids.slice(3), patch: { warmedAtMs: 2_000 } },
          { ids: [second], patch: { failures: 3, error: "its disk is full", nextAtMs: 7_000 } },
          { ids: [third], patch: { missingSinceMs: 5_000 } },
        ],
        removed: [first],
      };
    });
    assert.deepEqual(await store.warmHosts.count([clusterId], 2_000), { known: 5_998, warm: 5_997, failing: 1 });
    assert.deepEqual(await store.warmHosts.count([clusterId], 2_001), { known: 5_998, warm: 0, failing: 1 });
    assert.equal((await store.warmHosts.count([], 0)).known, 5_999);
    assert.deepEqual(await store.warmHosts.count([99], 0), { known: 0, warm: 0, failing: 0 });
    const [failing, missing] = await store.warmHosts.ofCluster(clusterId);
    assert.deepEqual([failing?.error, failing?.nextAtMs, missing?.missingSinceMs], ["its disk is full", 7_000, 5_000]);
    const nothing = () => ({ added: [], changed: [], removed: [] });
    await assert.rejects(store.warmHosts.change(99, nothing), failsWith("not_found", /scheduler cluster 99/));
  });

  test(`${name}: of two managers that see the same host join, one sees that the other took it`, async () => {
    await using store = await open(new VirtualClock());
    const { id: clusterId } = await store.clusters.create(clusterInput({ name: "a" }));
    const took = await Promise.all(["one", "two"].map(() => {
      return store.warmHosts.change(clusterId, (hosts) => {
        return { added: hosts.length === 0 ? [warmHostInput({ clusterId })] : [], changed: [], removed: [] };
      });
    }));
    assert.equal(took.flatMap(({ added }) => added).length, 1);
  });
}
