import assert from "node:assert/strict";
import { DamselflyError } from "../../core/error.ts";
import { Host } from "../../rpc/gen/common/v2/common.ts";
import { HostResult } from "../../rpc/gen/damselfly/v1/jobs.ts";
import { orAbort } from "../../runtime/or_abort.ts";
import { MemoryLog } from "../../testing/memory_log.ts";
import { MemoryMetrics } from "../../testing/memory_metrics.ts";
import { memoryStore } from "../../testing/memory_store.ts";
import { seededRandom } from "../../testing/seeded_random.ts";
import { VirtualClock } from "../../testing/virtual_clock.ts";
import { clusterInput, schedulerInput } from "../store/store_builders_test.ts";
import type { SchedulerRecord } from "../store/services.ts";
import type { PreheatRequests } from "./job_requests.ts";
import { Jobs } from "./jobs.ts";
import type { OnResult } from "./scheduler_calls.ts";

const NEVER = new AbortController().signal;
const ARGS = { type: "file", urls: ["https://files.corp/a", "https://files.corp/b"] };

/** Schedulers that do what a test says. */
class Calls {
  readonly asked: string[] = [];
  requests: PreheatRequests | undefined;
  run: (hostname: string, onResult: OnResult, signal: AbortSignal) => Promise<void> = () => Promise.resolve();

  async preheat({ hostname }: SchedulerRecord, requests: PreheatRequests, onResult: OnResult, signal: AbortSignal) {
    this.asked.push(hostname);
    this.requests = requests;
    await this.run(hostname, onResult, signal);
  }

  async task(_type: string, { hostname }: SchedulerRecord, _request: unknown, onResult: OnResult, signal: AbortSignal) {
    this.asked.push(hostname);
    await this.run(hostname, onResult, signal);
  }

  async hosts({ hostname }: SchedulerRecord, signal: AbortSignal): Promise<Host[]> {
    await this.run(hostname, () => {}, signal);
    return [1, 2, 2].map((n) => Host.create({ id: `h${n}`, hostname: `h${n}`, ip: "10.0.0.1", type: n - 1 }));
  }
}

/** A manager with two clusters, which have the schedulers `a-1` and `a-2`, and `b`. */
async function stage() {
  await using stack = new AsyncDisposableStack();
  const clock = new VirtualClock();
  const store = stack.use(await memoryStore(clock));
  for (const [name, schedulers] of [["a", ["a-1", "a-2"]], ["b", ["b"]]] as const) {
    const cluster = await store.clusters.create(clusterInput({ name }));
    for (const hostname of schedulers) {
      const { ip, clusterId } = await store.schedulers.upsert(schedulerInput({ clusterId: cluster.id, hostname }));
      await store.schedulers.keepAlive({ hostname, ip, clusterId });
    }
  }
  const calls = new Calls();
  const log = new MemoryLog();
  const metrics = new MemoryMetrics();
  const open = (seed: number) => new Jobs({ store, calls, clock, random: seededRandom(seed), log, metrics });
  const jobs = stack.use(open(1));
  const start = async (type: string, args: Record<string, unknown>, ids: number[] = []) => {
    const job = await jobs.start({ type, args, bio: "", userId: 0, schedulerClusterIds: ids }, NEVER);
    if (!("id" in job)) throw new Error("it has an answer");
    return job;
  };
  /** A job once it is over; its state, and of each cluster state, error and result. */
  const ended = async (id: number) => {
    for (let turn = 0; turn < 200; turn++) {
      const job = await store.jobs.get(id);
      if (job === undefined || job.state !== "PENDING") {
        // deno-lint-ignore no-explicit-any -- what is missing fails the assertions
        return { job, state: job?.state, tasks: (job?.result as any)?.job_states ?? [] };
      }
      await clock.advance(0);
    }
    throw new Error("the job does not end");
  };
  const owned = stack.move();
  return {
    ...{ clock, store, calls, log, metrics, jobs, start, ended, open },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

const done = (url: string) => HostResult.create({ url, hostname: "seed", ip: "10.0.0.1" });
const failed = (url: string) => HostResult.create({ url, hostname: "x", ip: "10.0.0.2", error: "its disk is full" });

Deno.test("one scheduler of each cluster gets the order, and the next one when it cannot be reached", async () => {
  await using manager = await stage();
  const { calls, start, ended } = manager;
  calls.run = (hostname, onResult) => {
    onResult(done("https://files.corp/a"));
    return hostname === "a-1" ? Promise.reject(new DamselflyError("unavailable", "gone")) : Promise.resolve();
  };
  const { id, taskId } = await start("preheat", ARGS);
  assert.match(taskId, /^group_[0-9a-f-]{36}$/);
  const { job, state, tasks } = await ended(id);
  assert.deepEqual([state, calls.asked.toSorted(), job?.result["group_uuid"]], [
    "SUCCESS",
    ["a-1", "a-2", "b"],
    taskId,
  ]);
  assert.equal(tasks.length, 2);
  for (const { state, task_name, task_uuid, results: [result] } of tasks) {
    assert.deepEqual([state, task_name, result.success_count, result.success_tasks.length], [
      "SUCCESS",
      "preheat",
      1,
      1,
    ]);
    assert.match(task_uuid, /^task_/);
  }
  assert.equal(manager.metrics.value("dragonfly_manager_create_job_success_total", { name: "preheat" }), 1);
});

Deno.test("a job fails with one of its clusters, and says why; one that is named is the only one asked", async () => {
  await using manager = await stage();
  const { calls, start, ended, store } = manager;
  calls.run = (hostname, onResult) => {
    if (hostname === "b") return Promise.reject(new DamselflyError("failed_precondition", "it has no seed peer"));
    onResult(done("https://files.corp/a"));
    onResult(failed("https://files.corp/a"));
    return Promise.resolve();
  };
  const both = await ended((await start("preheat", ARGS)).id);
  assert.equal(both.state, "FAILURE");
  assert.deepEqual(both.tasks.map(({ state, error }: { state: string; error: string }) => [state, error]).toSorted(), [
    ...[["FAILURE", "it has no seed peer"], ["SUCCESS", ""]],
  ]);
  const { clusterId } = (await store.schedulers.all()).find(({ hostname }) => hostname === "a-1") ?? { clusterId: 0 };
  const one = await ended((await start("preheat", ARGS, [clusterId])).id);
  assert.deepEqual([one.state, one.tasks.length], ["SUCCESS", 1]);
  const [{ failure_tasks: [failure] }] = one.tasks[0].results;
  assert.equal(failure.description, "its disk is full");
});

Deno.test("a preheat that brought a content to nobody has failed, and so has one that brought nothing", async () => {
  await using manager = await stage();
  const { calls, start, ended } = manager;
  calls.run = (_hostname, onResult) => {
    onResult(done("https://files.corp/a"));
    onResult(failed("https://files.corp/b"));
    return Promise.resolve();
  };
  const half = await ended((await start("preheat", ARGS)).id);
  assert.match(half.tasks[0].error, /^1 of 2 contents could be fetched by no host: its disk is full$/);
  calls.run = () => Promise.resolve();
  assert.equal((await ended((await start("preheat", ARGS)).id)).tasks[0].error, "Nothing was fetched");
  const found = await ended((await start("get_task", { task_id: "x" })).id);
  assert.deepEqual([found.state, found.tasks[0].results[0].peers], ["SUCCESS", []]);
});

Deno.test("no secret of an order is stored", async () => {
  await using manager = await stage();
  const { start, calls, ended, store } = manager;
  calls.run = () =>
    Promise.reject(new DamselflyError("source_error", "https://s3.corp/a?X-Amz-Signature=hush4 says no"));
  const args = { type: "image", url: "https://me:hush1@r.corp/v2/a/manifests/1", username: "me", password: "hush2" };
  const { id } = await start("preheat", { ...args, headers: { Authorization: "hush3" } });
  await ended(id);
  const stored = JSON.stringify(await store.jobs.get(id));
  assert.ok(!stored.includes("hush"), stored);
  const [request] = calls.requests?.images ?? [];
  assert.deepEqual(
    [request?.password, request?.header],
    ["hush2", { Authorization: "hush3" }],
    "it is used all the same",
  );
});

Deno.test("while a job runs its row tells how far it is, and a manager that stops fails it", async () => {
  await using manager = await stage();
  const { calls, start, clock, store, jobs } = manager;
  calls.run = async (_hostname, onResult, signal) => {
    onResult(done("https://files.corp/a"));
    await orAbort(new Promise(() => {}), signal);
  };
  const { id } = await start("preheat", ARGS);
  await clock.advance(29_000);
  assert.deepEqual((await store.jobs.get(id))?.result, {});
  await clock.advance(200_000);
  const running = await store.jobs.get(id);
  assert.deepEqual([running?.state, running?.result["state"]], ["PENDING", "PENDING"], "it is not lost");
  assert.match(JSON.stringify(running?.result), /"success_count":1/);
  await jobs[Symbol.asyncDispose]();
  const stopped = await store.jobs.get(id);
  assert.equal(stopped?.state, "FAILURE");
  assert.match(JSON.stringify(stopped?.result), /The manager stopped while the job ran; order it again/);
});

Deno.test("a job whose manager is gone fails after two minutes, once another manager looks", async () => {
  await using manager = await stage();
  const { store, clock, open, ended } = manager;
  const lost = {
    type: "preheat",
    args: {},
    bio: "",
    userId: 0,
    taskId: "group_1",
    state: "PENDING" as const,
    result: {},
  };
  const { id } = await store.jobs.create({ ...lost, schedulerClusterIds: [], seedPeerClusterIds: [] });
  await using _other = open(2);
  await clock.advance(119_000);
  assert.equal((await store.jobs.get(id))?.state, "PENDING", "its manager may be alive");
  await clock.advance(32_000);
  const { state, tasks } = await ended(id);
  assert.deepEqual([state, tasks[0].error], ["FAILURE", "The manager that ran the job is gone; order it again"]);
});

Deno.test("a job that is cancelled stops, and one that nobody can take is refused without a row", async () => {
  await using manager = await stage();
  const { calls, start, jobs, store, clock } = manager;
  const reasons: unknown[] = [];
  calls.run = (_hostname, _onResult, signal) => {
    return orAbort(new Promise<void>(() => {}), signal).catch((error) => {
      reasons.push(error.message);
      throw error;
    });
  };
  const { id } = await start("preheat", ARGS);
  await jobs.cancel(id);
  await jobs.cancel(999);
  assert.deepEqual(reasons, ["The job was cancelled", "The job was cancelled"]);
  await assert.rejects(start("preheat", ARGS, [99]), /active schedulers not found in scheduler cluster 99/);
  await assert.rejects(start("preheat", { ...ARGS, hdfs: {} }), /object storage or HDFS/);
  for (let count = 0; count < 100; count++) await start("preheat", ARGS);
  await assert.rejects(start("preheat", ARGS), /100 others run/);
  await clock.advance(60_000);
  await assert.rejects(start("sync_peers", {}), /active schedulers not found/, "they are silent for a minute");
  assert.equal((await store.jobs.list({}, { offset: 0, limit: 1 })).total, 101);
});

Deno.test("peers are those that the schedulers know, each once, and are synchronized one time after another", async () => {
  await using manager = await stage();
  const { calls, jobs, store } = manager;
  const order = { type: "sync_peers", args: {}, bio: "", userId: 0, schedulerClusterIds: [] };
  assert.deepEqual(await jobs.start(order, NEVER), { answer: "OK" });
  const { rows } = await store.peers.list({}, { offset: 0, limit: 10 });
  assert.deepEqual(rows.map(({ hostname, type }) => `${hostname} ${type}`).toSorted(), [
    ...["h1 normal", "h1 normal", "h2 super", "h2 super"],
  ]);
  const held = Promise.withResolvers<void>();
  calls.run = () => held.promise;
  const first = jobs.start(order, NEVER);
  await assert.rejects(
    (async () => {
      for (let turn = 0; turn < 20; turn++) await manager.clock.advance(0);
      await jobs.start(order, NEVER);
    })(),
    /synchronized already/,
  );
  held.resolve();
  await first;
});

Deno.test("gc removes what is old at once, and tells how much it was", async () => {
  await using manager = await stage();
  const { store, clock, start } = manager;
  const row = { type: "preheat", args: {}, bio: "", userId: 0, taskId: "", state: "SUCCESS" as const, result: {} };
  await store.jobs.create({ ...row, schedulerClusterIds: [], seedPeerClusterIds: [] });
  await clock.advance(7 * 3_600_000);
  const { state, result } = await start("gc", { type: "job" });
  assert.deepEqual([state, result], ["SUCCESS", { purged: 1 }]);
});

Deno.test("a row holds so many hosts as it can, and counts the others", async () => {
  await using manager = await stage();
  const { calls, start, ended } = manager;
  calls.run = (_hostname, onResult) => {
    for (let count = 0; count < 10_001; count++) onResult(done("https://files.corp/a"));
    return Promise.resolve();
  };
  const { tasks: [{ results: [result] }] } = await ended((await start("preheat", ARGS)).id);
  assert.deepEqual([result.success_count, result.success_tasks.length], [10_001, 10_000]);
});
