import assert from "node:assert/strict";
import { DamselflyError } from "../../core/error.ts";
import { ARGS, done, failed, forever, NEVER, stage } from "./jobs_stage_test.ts";
import { WAITING_MAX } from "./jobs.ts";

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

Deno.test("what an order asks in secret is stored sealed until its job has succeeded, and never otherwise", async () => {
  await using manager = await stage();
  const { start, calls, ended, store } = manager;
  calls.run = forever;
  const { id, taskId } = await start("preheat", { ...ARGS, headers: { Authorization: "hush" } });
  await manager.clock.advance(0);
  const [lease] = await store.jobQueue.leases(10);
  assert.ok(lease !== undefined);
  const taken = await store.jobQueue.take(lease, "a thief");
  assert.ok(taken !== undefined && taken.sealed.length > 100 && !atob(taken.sealed).includes("hush"));
  assert.deepEqual([id, taskId], [lease.jobId, taken.job.taskId]);
  calls.run = (_hostname, onResult) => Promise.resolve(onResult(done("https://files.corp/a")));
  const next = await start("preheat", ARGS);
  assert.equal((await ended(next.id)).state, "SUCCESS");
  assert.equal(await store.jobQueue.retry(next.id, { deadlineMs: 0, result: {} }, 10), undefined, "its order is kept");
});

Deno.test("while a job runs its row tells how far it is, seconds after it happened and not more often", async () => {
  await using manager = await stage();
  const { calls, start, clock, now, store } = manager;
  const news = new EventTarget();
  calls.run = async (hostname, onResult, signal) => {
    let count = 0;
    news.addEventListener("more", () => onResult(done(`https://files.corp/${count++}`)));
    await forever(hostname, onResult, signal);
  };
  const { id } = await start("preheat", ARGS);
  await clock.advance(2_000);
  const begun = await now(id);
  assert.deepEqual([begun.state, begun.tasks.map((task: { state: string }) => task.state)], [
    "PENDING",
    ["PENDING", "PENDING"],
  ]);
  for (let count = 0; count < 10; count++) news.dispatchEvent(new Event("more"));
  await clock.advance(2_000);
  const { progress, tasks: [{ results: [result] }] } = await now(id);
  assert.deepEqual(progress, {
    ...{ cluster_count: 2, cluster_done_count: 0, content_count: 20, content_done_count: 20 },
    ...{ host_count: 2, success_count: 20, failure_count: 0, expected_count: 0 },
  });
  assert.deepEqual([result.success_tasks.length, result.contents[3]], [
    10,
    { url: "https://files.corp/3", success_count: 1, failure_count: 0 },
  ]);
  const { updatedAtMs } = await store.jobs.get(id) ?? {};
  await clock.advance(60_000);
  assert.equal((await store.jobs.get(id))?.updatedAtMs, updatedAtMs, "nothing has happened since");
});

Deno.test("a pending job that another kind of manager left behind fails after two minutes", async () => {
  await using manager = await stage();
  const { store, clock, now } = manager;
  const lost = { type: "preheat", args: {}, bio: "", userId: 0, taskId: "group_1", state: "PENDING" as const };
  const { id } = await store.jobs.create({ ...lost, result: {}, schedulerClusterIds: [], seedPeerClusterIds: [] });
  await clock.advance(120_000);
  assert.equal((await now(id)).state, "PENDING", "its manager may be alive");
  await clock.advance(60_000);
  const { state, tasks } = await now(id);
  assert.deepEqual([state, tasks[0].error], [
    "FAILURE",
    "The manager that ran the job is gone, and its order with it; order it again",
  ]);
});

Deno.test("a job that runs is cancelled at once, in somebody's name", async () => {
  await using manager = await stage();
  const { calls, start, jobs, now } = manager;
  const reasons: unknown[] = [];
  calls.run = (...args) =>
    forever(...args).catch((error) => {
      reasons.push(error.message);
      throw error;
    });
  const { id } = await start("preheat", ARGS);
  await manager.clock.advance(0);
  await jobs.cancel(id, "ada");
  await jobs.cancel(999, "ada");
  const { state, tasks } = await now(id);
  assert.deepEqual([state, tasks[1].error], ["FAILURE", "The job was cancelled by ada"]);
  assert.deepEqual(reasons, ["The job was cancelled by ada", "The job was cancelled by ada"]);
});

Deno.test("a job that nobody can take is refused without a row", async () => {
  await using manager = await stage();
  const { start, store, clock, schedulers } = manager;
  await assert.rejects(start("preheat", ARGS, [99]), /active schedulers not found in scheduler cluster 99/);
  await assert.rejects(start("preheat", { ...ARGS, hdfs: {} }), /protocol of HDFS/);
  schedulers.areLive = false;
  await clock.advance(60_000);
  await assert.rejects(start("sync_peers", {}), /active schedulers not found/, "they are silent for a minute");
  assert.equal((await store.jobs.list({}, { offset: 0, limit: 1 })).total, 0);
});

Deno.test("a manager runs a hundred jobs, a thousand wait in turn, and one more is refused", async () => {
  await using manager = await stage();
  const { calls, start, jobs, store, clock, now } = manager;
  calls.run = forever;
  const first = await start("preheat", ARGS);
  for (let count = 1; count < 100; count++) await start("preheat", ARGS);
  while (calls.asked.length < 200) await clock.advance(0);
  const next = await start("preheat", ARGS);
  for (let count = 1; count < WAITING_MAX; count++) await start("preheat", ARGS);
  await assert.rejects(start("preheat", ARGS), { code: "resource_exhausted", message: /1000 others wait/ });
  await clock.advance(10_000);
  assert.equal(calls.asked.length, 200, "more than a hundred run");
  const last = (await store.jobs.list({}, { offset: 0, limit: 1 })).rows[0]?.id ?? 0;
  await jobs.cancel(last, "ada");
  assert.equal((await now(last)).state, "FAILURE", "to be cancelled it needs no place");
  await jobs.cancel(first.id, "ada");
  await clock.advance(0);
  assert.equal(calls.asked.length, 202);
  await jobs.cancel(next.id, "ada");
  assert.match((await now(next.id)).tasks[0].error, /cancelled by ada/);
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
  const value = JSON.stringify({ audit: { ttl: 60e9 }, job: { ttl: 60e9 } });
  await store.configs.create({ name: "gc", value, bio: "", userId: 0 });
  const row = { type: "preheat", args: {}, bio: "", userId: 0, taskId: "", state: "SUCCESS" as const, result: {} };
  await store.jobs.create({ ...row, schedulerClusterIds: [], seedPeerClusterIds: [] });
  await clock.advance(61_000);
  const { state, result } = await start("gc", { type: "job" });
  assert.deepEqual([state, result], ["SUCCESS", { purged: 1 }]);
});

Deno.test("a row stays small for 5,000 hosts and 100 layers, and counts them all", async () => {
  await using manager = await stage();
  const { calls, start, ended, clock, now } = manager;
  const end = Promise.withResolvers<void>();
  calls.run = async (_hostname, onResult) => {
    for (let layer = 0; layer < 100; layer++) {
      for (let host = 0; host < 5_000; host++) {
        const url = `https://registry.corp/v2/a/blobs/sha256:${"0".repeat(61)}${layer}`;
        const error = host % 10 === 0 ? "its disk is full" : undefined;
        onResult({ ...done(url), hostname: `node-${host}`, ip: "10.0.0.1", error });
      }
    }
    await end.promise;
  };
  const { id } = await start("preheat", ARGS, [1]);
  await clock.advance(2_000);
  const running = await now(id);
  assert.ok(JSON.stringify(running.job?.result).length < 80_000);
  assert.ok(running.tasks[0].results[0].success_tasks.length > 50);
  end.resolve();
  const { state, job, progress, tasks: [{ results: [result] }] } = await ended(id);
  assert.ok(JSON.stringify(job?.result).length < 600_000);
  assert.deepEqual([state, progress.host_count, progress.success_count, progress.failure_count], [
    "SUCCESS",
    5_000,
    450_000,
    50_000,
  ]);
  assert.deepEqual([result.contents.length, result.contents[99].success_count], [100, 4_500]);
  assert.ok(result.success_tasks.length > 500 && result.failure_tasks.length > 500);
});
