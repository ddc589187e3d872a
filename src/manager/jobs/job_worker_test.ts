import assert from "node:assert/strict";
import { DamselflyError } from "../../core/error.ts";
import { seededRandom } from "../../testing/seeded_random.ts";
import { Seal } from "../seal.ts";
import { jobInput } from "../store/store_builders_test.ts";
import { HOST_ERROR_CHARACTERS_MAX } from "./host_error.ts";
import { ARGS, breakable, done, forever, stage } from "./jobs_stage_test.ts";

/** The time within which the jobs of a manager that is gone go on elsewhere. */
const TAKEN_OVER_WITHIN_MS = 30_000;

/** Two managers, of which the other one has taken a job and runs it for ever. */
async function takenByOther() {
  const manager = await stage();
  const { store, open, clock, calls, start, jobs } = manager;
  calls.run = forever;
  const handle = breakable(store, clock);
  const other = open(2, { store: handle.store });
  other.calls.run = forever;
  const { id } = await start("preheat", { ...ARGS, headers: { Authorization: "hush" } }, [], other.jobs);
  await clock.advance(0);
  assert.deepEqual(other.calls.asked.toSorted(), ["a-1", "b"]);
  calls.asked.length = 0;
  return { ...manager, handle, other, id, jobs };
}

Deno.test("a job whose manager is killed goes on at another one within 30 s, with what it was ordered with", async () => {
  const { clock, calls, log, handle, other, id, now, ...manager } = await takenByOther();
  await using _manager = manager;
  await clock.advance(60_000);
  assert.deepEqual(calls.asked, [], "it lives");
  calls.run = (_hostname, onResult) => Promise.resolve(onResult(done("https://files.corp/a")));
  handle.isBroken = true;
  await clock.advance(TAKEN_OVER_WITHIN_MS);
  const { state, tasks } = await now(id);
  assert.deepEqual([state, tasks.length, calls.asked.toSorted()], ["SUCCESS", 2, ["a-1", "b"]]);
  assert.deepEqual(calls.requests?.files[0]?.header, { Authorization: "hush" });
  assert.equal(log.lines.filter(({ message }) => /the manager that ran it is gone/.test(message)).length, 1);
  await other[Symbol.asyncDispose]();
  assert.equal((await now(id)).state, "SUCCESS");
});

Deno.test("a manager that cannot reach the database lets go of its jobs before another one takes them", async () => {
  const { clock, handle, other, calls, now, start, ...manager } = await takenByOther();
  await using _manager = manager;
  await using _other = other;
  let [leftMs, takenMs] = [0, 0];
  other.calls.run = (...args) => forever(...args).finally(() => leftMs = clock.now());
  const { id } = await start("preheat", ARGS, [], other.jobs);
  await clock.advance(6_000);
  calls.run = (...args) => {
    takenMs = clock.now();
    return forever(...args);
  };
  handle.isBroken = true;
  await clock.advance(TAKEN_OVER_WITHIN_MS);
  assert.ok(leftMs > 0 && leftMs < takenMs, `left at ${leftMs} ms, taken at ${takenMs}`);
  handle.isBroken = false;
  await clock.advance(30_000);
  assert.equal((await now(id)).state, "PENDING", "the one that lost it has ended it all the same");
});

Deno.test("a single manager whose database was away goes on with its jobs when it is back", async () => {
  await using manager = await stage();
  const { store, jobs, clock, open, start, now } = manager;
  await jobs[Symbol.asyncDispose]();
  const handle = breakable(store, clock);
  await using only = open(2, { store: handle.store });
  only.calls.run = forever;
  const { id } = await start("preheat", ARGS, [], only.jobs);
  await clock.advance(3_000);
  handle.isBroken = true;
  await clock.advance(40_000);
  only.calls.run = (_hostname, onResult) => Promise.resolve(onResult(done("https://files.corp/a")));
  handle.isBroken = false;
  await clock.advance(3_000);
  assert.equal((await now(id)).state, "SUCCESS");
  const said = only.log.lines.filter(({ level }) => level !== "info").map(({ message }) => message);
  assert.deepEqual(said, [
    "The queue of jobs could not be looked at",
    "Jobs are left to other managers, for the database does not answer",
  ]);
});

Deno.test("a manager that stops in good order gives its jobs to another one at once", async () => {
  const { clock, calls, other, id, now, ...manager } = await takenByOther();
  await using _manager = manager;
  calls.run = (_hostname, onResult) => Promise.resolve(onResult(done("https://files.corp/a")));
  await other[Symbol.asyncDispose]();
  assert.equal((await now(id)).state, "PENDING");
  await clock.advance(3_000);
  assert.equal((await now(id)).state, "SUCCESS");
});

Deno.test("a job outlives a restart of the only manager; what was over before is not done again", async () => {
  await using manager = await stage();
  const { calls, jobs, start, clock, open, now } = manager;
  calls.run = (hostname, onResult, signal) => {
    if (hostname === "b") return forever(hostname, onResult, signal);
    return Promise.resolve(onResult(done("https://files.corp/a")));
  };
  const { id } = await start("preheat", ARGS);
  await clock.advance(2_000);
  const [first] = (await now(id)).tasks.filter(({ state }: { state: string }) => state === "SUCCESS");
  await jobs[Symbol.asyncDispose]();
  const { state, tasks } = await now(id);
  assert.deepEqual([state, tasks.map((task: { error: string }) => task.error)], ["PENDING", ["", ""]]);
  await using next = open(3);
  next.calls.run = (_hostname, onResult) => Promise.resolve(onResult(done("https://files.corp/b")));
  await clock.advance(0);
  const ended = await now(id);
  assert.equal(ended.state, "SUCCESS");
  assert.deepEqual(next.calls.asked, ["b"]);
  assert.deepEqual(ended.tasks[0], first);
});

Deno.test("what a manager leaves has not failed, however long schedulers take to let go", async () => {
  await using manager = await stage();
  const { calls, jobs, start, clock, now } = manager;
  const end = Promise.withResolvers<void>();
  calls.run = (hostname, ...rest) => hostname === "b" ? end.promise : forever(hostname, ...rest);
  const { id } = await start("preheat", ARGS);
  await clock.advance(2_000);
  const stopped = jobs[Symbol.asyncDispose]();
  await clock.advance(10_000);
  end.resolve();
  await stopped;
  const { state, tasks } = await now(id);
  assert.deepEqual([state, tasks.map((task: { error: string }) => task.error)], ["PENDING", ["", ""]]);
});

Deno.test("a job whose row cannot be read holds up none of those behind it, and is told of once", async () => {
  await using manager = await stage();
  const { store, jobs, start, clock, open, now } = manager;
  await jobs[Symbol.asyncDispose]();
  const [unreadable, other] = [await start("preheat", ARGS), await start("preheat", ARGS)];
  const handle = breakable(store, clock);
  handle.unreadable = unreadable.id;
  await using next = open(2, { store: handle.store });
  next.calls.run = (_hostname, onResult) => Promise.resolve(onResult(done("https://files.corp/a")));
  await clock.advance(10_000);
  assert.deepEqual([(await now(unreadable.id)).state, (await now(other.id)).state], ["PENDING", "SUCCESS"]);
  assert.equal(next.log.lines.filter(({ message }) => /A job cannot be read/.test(message)).length, 1);
});

Deno.test("a manager that starts takes all that waits, as far as it has places, at once", async () => {
  await using manager = await stage();
  const { jobs, calls, start, clock, open } = manager;
  calls.run = forever;
  for (let count = 0; count < 45; count++) await start("preheat", ARGS);
  await clock.advance(0);
  await jobs[Symbol.asyncDispose]();
  await using next = open(2);
  next.calls.run = forever;
  for (let turn = 0; turn < 50; turn++) await clock.advance(0);
  assert.equal(next.calls.asked.length, 90);
});

Deno.test("a manager that needs long to take jobs says all the while that it runs those that it has", async () => {
  await using manager = await stage();
  const { store, jobs, clock, open, start } = manager;
  await jobs[Symbol.asyncDispose]();
  const handle = breakable(store, clock);
  await using slow = open(2, { store: handle.store });
  slow.calls.run = forever;
  handle.takeMs = 2_000;
  for (let count = 0; count < 12; count++) await start("preheat", ARGS, [1], slow.jobs);
  await clock.advance(60_000);
  assert.deepEqual([slow.calls.asked.length, slow.log.lines], [12, []]);
});

Deno.test("a job whose clusters were deleted while it waited fails", async () => {
  await using manager = await stage();
  const { store, clock, now } = manager;
  const seal = new Seal({ key: "the key of all managers", purpose: "orders of jobs", random: seededRandom(9) });
  const order = { sealed: seal.seal("{}", "group"), deadlineMs: clock.wallMs() + 60_000 };
  const { id } = await store.jobQueue.add(jobInput({ taskId: "group" }), order, 10);
  await clock.advance(3_000);
  const { state, tasks } = await now(id);
  assert.deepEqual([state, tasks[0].error], ["FAILURE", "The clusters of the job are gone"]);
});

Deno.test("a job that another manager runs is cancelled, or removed, within seconds", async () => {
  const { clock, store, other, id, jobs, now, start, ...manager } = await takenByOther();
  await using _manager = manager;
  await using _other = other;
  await jobs.cancel(id, "ada");
  await clock.advance(3_000);
  const { state, tasks } = await now(id);
  assert.deepEqual([state, tasks[0].error], ["FAILURE", "The job was cancelled by ada"]);
  let stopped = 0;
  other.calls.run = (...args) => forever(...args).finally(() => stopped += 1);
  const { id: removed } = await start("preheat", ARGS, [], other.jobs);
  await clock.advance(10_000);
  await store.jobs.remove(removed);
  await clock.advance(3_000);
  assert.deepEqual([stopped, await store.jobs.get(removed)], [2, undefined]);
});

Deno.test("a job fails that was ordered with another key, and says which one that is", async () => {
  await using manager = await stage();
  const { calls, start, jobs, clock, open, now } = manager;
  calls.run = forever;
  const { id } = await start("preheat", ARGS);
  await jobs[Symbol.asyncDispose]();
  await using other = open(2, { key: "another key" });
  await clock.advance(0);
  const { state, tasks } = await now(id);
  assert.equal(state, "FAILURE");
  assert.match(tasks[0].error, /^Cannot open what was sealed: auth\.jwt\.key is another one now/);
  assert.equal(other.calls.requests, undefined);
});

Deno.test("the time of a job counts from its order, wherever it runs; then it has failed", async () => {
  const { clock, calls, handle, other, start, now, ...manager } = await takenByOther();
  await using _manager = manager;
  await using _other = other;
  const { id } = await start("preheat", { ...ARGS, timeout: 60e9 }, [], other.jobs);
  await clock.advance(10_000);
  handle.isBroken = true;
  await clock.advance(TAKEN_OVER_WITHIN_MS);
  const leftMs = calls.requests?.timeoutMs ?? 0;
  assert.ok(leftMs > 15_000 && leftMs <= 30_000, `${leftMs} ms are left`);
  await clock.advance(40_000);
  const { state, tasks } = await now(id);
  assert.deepEqual([state, tasks[0].error], [
    "FAILURE",
    "The time of the job is over; order it again with a longer timeout",
  ]);
});

Deno.test("a job that had no place within its time fails, and does not wait for ever", async () => {
  await using manager = await stage();
  const { calls, start, clock, now } = manager;
  calls.run = forever;
  for (let count = 0; count < 100; count++) await start("preheat", ARGS);
  const { id } = await start("preheat", { ...ARGS, timeout: 10e9 });
  await clock.advance(13_000);
  const { state, tasks } = await now(id);
  assert.equal(state, "FAILURE");
  assert.match(tasks[0].error, /The time of the job is over/);
});

Deno.test("a job whose result cannot be stored fails with the reason, and one whose end cannot be ends later", async () => {
  const { clock, handle, other, start, now, ...manager } = await takenByOther();
  await using _manager = manager;
  await using _other = other;
  other.calls.run = (_hostname, onResult) => {
    onResult(done("https://files.corp/a"));
    handle.fault = new Error("the packet is too large");
    return Promise.resolve();
  };
  const refused = await start("preheat", ARGS, [1], other.jobs);
  await clock.advance(3_000);
  const { state, tasks } = await now(refused.id);
  assert.deepEqual([state, tasks[0].error], ["FAILURE", "The result cannot be stored: the packet is too large"]);
  other.calls.run = (_hostname, onResult) => {
    onResult(done("https://files.corp/a"));
    handle.fault = new DamselflyError("unavailable", "the database is away");
    return Promise.resolve();
  };
  const late = await start("preheat", ARGS, [1], other.jobs);
  await clock.advance(3_000);
  assert.equal((await now(late.id)).state, "SUCCESS");
});

Deno.test("schedulers that are all away are tried again for a while, and the row says so", async () => {
  await using manager = await stage();
  const { calls, start, clock, now, ended } = manager;
  const end = Promise.withResolvers<void>();
  let attempts = 0;
  calls.run = (_hostname, onResult) => {
    attempts += 1;
    if (attempts <= 4) return Promise.reject(new DamselflyError("unavailable", "gone"));
    onResult(done("https://files.corp/a"));
    return end.promise;
  };
  const { id } = await start("preheat", ARGS, [1]);
  await clock.advance(2_000);
  const { state, tasks } = await now(id);
  assert.deepEqual([state, tasks[0].error], ["PENDING", "Attempt 1 of 5: gone"]);
  await clock.advance(20_000);
  const runs = await now(id);
  assert.deepEqual([runs.state, runs.tasks[0].error, calls.asked.length], ["PENDING", "", 5]);
  end.resolve();
  assert.equal((await ended(id)).state, "SUCCESS");
  calls.run = () => Promise.reject(new DamselflyError("unavailable", "gone for good"));
  const { id: failing } = await start("preheat", ARGS, [1]);
  await clock.advance(90_000);
  const failed = await now(failing);
  assert.deepEqual([failed.state, failed.tasks[0].error, calls.asked.length], ["FAILURE", "gone for good", 15]);
});

Deno.test("what a scheduler says at length is cut in the row, while it is tried again and at the end", async () => {
  await using manager = await stage();
  const { calls, start, clock, now } = manager;
  calls.run = () => Promise.reject(new DamselflyError("unavailable", "x".repeat(100_000)));
  const { id } = await start("preheat", ARGS, [1]);
  await clock.advance(2_000);
  assert.equal((await now(id)).tasks[0].error.length, HOST_ERROR_CHARACTERS_MAX);
  await clock.advance(90_000);
  const { state, tasks } = await now(id);
  assert.deepEqual([state, tasks[0].error.length], ["FAILURE", HOST_ERROR_CHARACTERS_MAX]);
});

Deno.test("what failed of a job is tried again as long as its order is kept, and what succeeded stays", async () => {
  await using manager = await stage();
  const { calls, start, jobs, ended, clock, store } = manager;
  calls.run = (hostname, onResult) => {
    if (hostname === "b") return Promise.reject(new DamselflyError("internal", "it broke"));
    return Promise.resolve(onResult(done("https://files.corp/a")));
  };
  const { id } = await start("preheat", { ...ARGS, timeout: 60e9 });
  const failed = await ended(id);
  assert.deepEqual([failed.state, failed.tasks.length], ["FAILURE", 2]);
  calls.asked.length = 0;
  await clock.advance(120_000);
  calls.run = (_hostname, onResult) => Promise.resolve(onResult(done("https://files.corp/b")));
  const retried = await jobs.retry(id);
  assert.deepEqual([retried.state, (retried.result["job_states"] as unknown[]).length], ["PENDING", 1]);
  const again = await ended(id);
  assert.deepEqual([again.state, again.tasks.length, calls.asked, calls.requests?.timeoutMs], [
    ...["SUCCESS", 2, ["b"], 60_000],
  ]);
  assert.deepEqual(again.tasks[0], failed.tasks.find(({ state }: { state: string }) => state === "SUCCESS"));
  await assert.rejects(jobs.retry(id), { code: "failed_precondition", message: /it has not failed/ });
  await assert.rejects(jobs.retry(99), { code: "not_found" });
  calls.run = () => Promise.reject(new DamselflyError("internal", "it broke"));
  const lost = await start("preheat", ARGS);
  await ended(lost.id);
  await store.jobQueue.removeKept(0);
  await assert.rejects(jobs.retry(lost.id), { code: "failed_precondition", message: /order it again/ });
});
