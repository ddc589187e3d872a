import assert from "node:assert/strict";
import { hostFacts } from "../../testing/scheduler_swarm.ts";
import { seededRandom } from "../../testing/seeded_random.ts";
import { apply } from "../core/apply.ts";
import type { Event, Untimed } from "../core/event.ts";
import { DEFAULT_SETTINGS } from "../core/settings.ts";
import { DEFAULT_LIMITS, type HostFacts } from "../core/state.ts";
import { copyRegistration } from "./registration.ts";
import { importOf, isOver, startImport } from "./imports.ts";
import {
  LOST_GRACE_MS,
  planReplication,
  replicasGivenUp,
  REPLICATION_GRACE_MS,
  replicationEnded,
  replicationStarted,
} from "./replicate.ts";
import { cacheSettings, type CacheTask, type CacheTaskFacts, emptyCacheState, replicaCounts } from "./state.ts";

const HOUR_MS = 3_600_000;

function factsOf(parts: Partial<CacheTaskFacts> = {}): CacheTaskFacts {
  const lengths = { pieceLength: 4 << 20, contentLength: 10 << 20, pieceCount: 3 };
  return { id: "task", replicaCount: 2, tag: undefined, application: undefined, ttlMs: HOUR_MS, ...lengths, ...parts };
}

/** A persistent cache that a test drives by hand, in time that it moves. */
class Bench {
  readonly state;
  readonly chance = seededRandom(1);
  nowMs = REPLICATION_GRACE_MS;

  constructor(hosts: readonly string[], facts: Partial<HostFacts> = {}, tasksMax = DEFAULT_LIMITS.tasksMax) {
    this.state = emptyCacheState(DEFAULT_SETTINGS, 0, { ...DEFAULT_LIMITS, tasksMax });
    for (const id of hosts) {
      this.apply({ type: "host_announced", facts: hostFacts(id, facts), announceIntervalMs: 300_000 });
    }
  }

  apply(event: Untimed<Event>): void {
    apply(this.state.swarm, { ...event, nowMs: this.nowMs } as Event, this.chance);
  }

  start(hostId: string, parts: Partial<CacheTaskFacts> = {}): CacheTask {
    return startImport(this.state, factsOf(parts), { hostId, peerId: `${hostId}-peer` }, this.nowMs);
  }

  /** Lets a host have a complete copy. */
  copy(hostId: string, isPersistent: boolean, taskId = "task"): void {
    const peerId = `${hostId}-peer`;
    const registration = copyRegistration({ hostId, peerId }, factsOf({ id: taskId }), { isComplete: true });
    this.apply({ ...registration, streamId: 0 });
    for (const type of ["started", "finished"] as const) this.apply({ type, peerId, streamId: 0 });
    if (isPersistent) this.apply({ type: "peer_persisted", peerId });
  }

  imported(hostId: string, parts: Partial<CacheTaskFacts> = {}): CacheTask {
    const task = this.start(hostId, parts);
    this.copy(hostId, true, task.facts.id);
    task.state = "Succeeded";
    return task;
  }

  plan(task: CacheTask, roomFor = 100) {
    const { state, nowMs, chance } = this;
    return planReplication(state, task, { nowMs, chance, roomFor });
  }

  planned(task: CacheTask): string[] {
    return this.plan(task).map(({ kind, host }) => `${kind} ${host.facts.id}`);
  }
}

Deno.test("a task is imported once: while one host imports it or anybody holds it, others are told so", () => {
  const bench = new Bench(["a", "b"]);
  bench.start("a");
  assert.throws(() => bench.start("b"), { code: "already_exists" });
  bench.start("a"); // the host was interrupted, and begins again
  bench.imported("a");
  assert.throws(() => bench.start("a"), { code: "already_exists" });
  assert.throws(() => bench.start("b"), { code: "already_exists" });
});

Deno.test("a task whose import failed, or that nobody holds any more, can be imported by anybody", () => {
  const bench = new Bench(["a", "b"]);
  bench.start("a").state = "Failed";
  bench.start("b");
  assert.equal(importOf(bench.state, "task", "b-peer").importer.hostId, "b");
  const other = bench.imported("a", { id: "other" });
  bench.apply({ type: "host_deleted", hostId: "a" });
  assert.equal(replicaCounts(bench.state, other).copies, 0);
  bench.start("b", { id: "other" });
});

Deno.test("a host that is not announced imports nothing, and there is a limit to tasks", () => {
  const bench = new Bench(["a"], {}, 1);
  assert.throws(() => bench.start("stranger"), { code: "not_found" });
  bench.start("a");
  assert.throws(() => bench.start("a", { id: "other" }), { code: "resource_exhausted" });
});

Deno.test("only who began an import can end it", () => {
  const bench = new Bench(["a"]);
  bench.start("a");
  assert.throws(() => importOf(bench.state, "task", "b-peer"), { code: "not_found" });
  assert.throws(() => importOf(bench.state, "other", "a-peer"), { code: "not_found" });
  bench.imported("a").state = "Succeeded";
  assert.throws(() => importOf(bench.state, "task", "a-peer"), { code: "not_found" });
});

Deno.test("a task is over with its time, with a failed import, and with an importer that is gone or too slow", () => {
  const bench = new Bench(["a", "b"]);
  const task = bench.imported("a");
  const { createdAtMs } = task;
  assert.equal(isOver(bench.state, task, createdAtMs + HOUR_MS - 1), false);
  assert.equal(isOver(bench.state, task, createdAtMs + HOUR_MS), true);
  const failed = bench.start("a", { id: "failed" });
  failed.state = "Failed";
  assert.equal(isOver(bench.state, failed, createdAtMs), true);
  const slow = bench.start("b", { id: "slow", ttlMs: 100 * HOUR_MS });
  assert.equal(isOver(bench.state, slow, createdAtMs + HOUR_MS), false);
  assert.equal(isOver(bench.state, slow, createdAtMs + 2 * HOUR_MS), true);
  bench.apply({ type: "host_deleted", hostId: "b" });
  assert.equal(isOver(bench.state, slow, createdAtMs), true);
});

Deno.test("missing replicas are made of copies that are there, then on hosts without one", () => {
  const bench = new Bench(["a", "b", "c", "d"]);
  const task = bench.imported("a", { replicaCount: 3 });
  bench.copy("b", false);
  assert.deepEqual(bench.planned(task)[0], "persist b");
  assert.match(bench.planned(task)[1] ?? "", /^download [cd]$/);
  assert.equal(bench.plan(task, 1).length, 1, "no more than there is room for");
  for (const replication of bench.plan(task)) replicationStarted(replication);
  assert.deepEqual(bench.planned(task), [], "what is under way is not begun again");
});

Deno.test("enough replicas are enough, and a copy of the same host is no second one", () => {
  const bench = new Bench(["a", "b"]);
  const task = bench.imported("a", { replicaCount: 1 });
  assert.deepEqual(bench.planned(task), []);
  const registration = copyRegistration({ hostId: "a", peerId: "a-again" }, factsOf(), { isComplete: true });
  bench.apply({ ...registration, streamId: 0 });
  for (const type of ["started", "finished"] as const) bench.apply({ type, peerId: "a-again", streamId: 0 });
  bench.copy("b", false);
  assert.deepEqual(replicaCounts(bench.state, task), { copies: 2, persistent: 1 });
});

Deno.test("nothing is copied before hosts could tell what they have, nor without a copy, nor to a host that shares nothing", () => {
  const bench = new Bench(["a", "b"]);
  const task = bench.imported("a");
  bench.nowMs = REPLICATION_GRACE_MS - 1;
  assert.deepEqual(bench.planned(task), []);
  bench.nowMs = REPLICATION_GRACE_MS;
  assert.deepEqual(bench.planned(task), ["download b"]);
  task.state = "Uploading";
  assert.deepEqual(bench.planned(task), []);
  task.state = "Succeeded";
  bench.apply({ type: "host_deleted", hostId: "a" });
  assert.deepEqual(bench.planned(task), []);
  const shy = new Bench(["a", "b"], { isShared: false });
  assert.deepEqual(shy.planned(shy.imported("a")), []);
  const mixed = new Bench(["a"]);
  mixed.apply({ type: "host_announced", facts: hostFacts("b", { isShared: false }), announceIntervalMs: 300_000 });
  assert.deepEqual(mixed.planned(mixed.imported("a")), []);
});

Deno.test("however many hosts do not become replicas, only so many are remembered", () => {
  const hosts = Array.from({ length: 300 }, (_, index) => `h${index}`);
  const bench = new Bench(hosts);
  const task = bench.imported("h0", { replicaCount: 1_000 });
  for (const replication of bench.plan(task, hosts.length)) {
    replicationStarted(replication);
    replicationEnded(bench.state, replication, bench.nowMs);
  }
  assert.equal(task.skippedUntilMs.size, 256);
});

Deno.test("the settings of the cluster hold here too, but for what makes no sense without a source", () => {
  const settings = cacheSettings({ ...DEFAULT_SETTINGS, candidateParentsMax: 7, triggersSeedPeers: true });
  assert.deepEqual([settings.candidateParentsMax, settings.triggersSeedPeers], [7, false]);
});

Deno.test("a host that did not become a replica is left alone for a while, one that did is counted", () => {
  const bench = new Bench(["a", "b"]);
  const task = bench.imported("a");
  const [replication] = bench.plan(task);
  assert.ok(replication);
  replicationStarted(replication);
  replicationEnded(bench.state, replication, bench.nowMs);
  assert.deepEqual(bench.planned(task), []);
  bench.nowMs += 60_000;
  assert.deepEqual(bench.planned(task), ["download b"]);
  replicationStarted(replication);
  bench.copy("b", true);
  replicationEnded(bench.state, replication, bench.nowMs);
  assert.deepEqual(replicaCounts(bench.state, task), { copies: 2, persistent: 2 });
  assert.equal(task.skippedUntilMs.get("b"), undefined);
});

Deno.test("the replica of a host that is gone is made anew elsewhere", () => {
  const bench = new Bench(["a", "b", "c"]);
  const task = bench.imported("a");
  bench.copy("b", true);
  assert.deepEqual(bench.planned(task), []);
  bench.apply({ type: "host_deleted", hostId: "b" });
  assert.deepEqual(bench.planned(task), [], "the host may only be starting again");
  bench.nowMs += LOST_GRACE_MS;
  assert.deepEqual(bench.planned(task), ["download c"]);
});

Deno.test("a host that starts again with its replica moves no byte, and a later loss is given its time anew", () => {
  const bench = new Bench(["a", "b", "c"]);
  const task = bench.imported("a");
  bench.copy("b", true);
  for (let turn = 0; turn < 3; turn++) {
    assert.deepEqual(bench.planned(task), []);
    bench.apply({ type: "host_deleted", hostId: "b" });
    assert.deepEqual(bench.planned(task), []);
    bench.nowMs += LOST_GRACE_MS - 1;
    assert.deepEqual(bench.planned(task), []);
    bench.apply({ type: "host_announced", facts: hostFacts("b"), announceIntervalMs: 300_000 });
    bench.copy("b", true);
  }
  bench.apply({ type: "host_deleted", hostId: "b" });
  assert.deepEqual(bench.planned(task), []);
  replicasGivenUp(bench.state, task);
  assert.deepEqual(bench.planned(task), ["download c"], "unless it is known that it will not come back");
});

Deno.test("replicas stay known however many copies there are, and for as long as a task may live", () => {
  const hosts = Array.from({ length: 400 }, (_, index) => `h${index}`);
  const bench = new Bench(hosts);
  const task = bench.imported("h0");
  for (const host of hosts.slice(1)) bench.copy(host, host === "h1");
  const longMs = 6 * 24 * HOUR_MS;
  for (let at = 0; at <= longMs; at += longMs / 2) {
    bench.nowMs = REPLICATION_GRACE_MS + at;
    for (const id of hosts) {
      bench.apply({ type: "host_announced", facts: hostFacts(id), announceIntervalMs: 300_000 });
    }
    bench.apply({ type: "tick" });
  }
  assert.equal(replicaCounts(bench.state, task).persistent, 2);
  assert.ok(replicaCounts(bench.state, task).copies <= 300);
});
