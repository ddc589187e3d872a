/** The promises of the queue of jobs and of turns; part of `storeConformance`. */
import assert from "node:assert/strict";
import { VirtualClock } from "../../testing/virtual_clock.ts";
import type { JobInput } from "./jobs.ts";
import type { Page } from "./repository.ts";
import { failsWith, jobInput, type OpenStore, type RegisterTest } from "./store_builders_test.ts";
import type { Store } from "./store.ts";

const ALL: Page = { offset: 0, limit: 100 };
const WAITING_MAX = 3;
const DEADLINE_MS = 1_700_000_100_000;
const FAILED = { state: "FAILURE", result: { reason: "why" } } as const;
const DONE = { state: "SUCCESS", result: {} } as const;

/** The promises of what managers share about work. */
export function queueConformance(name: string, open: OpenStore, test: RegisterTest): void {
  leaseConformance(name, open, test);
  ownershipConformance(name, open, test);
  endConformance(name, open, test);
  cleaningConformance(name, open, test);
  turnConformance(name, open, test);
}

async function add(store: Store, input: Partial<JobInput> = {}, sealed = "order"): Promise<number> {
  return (await store.jobQueue.add(jobInput(input), { sealed, deadlineMs: DEADLINE_MS }, WAITING_MAX)).id;
}

/** Adds a job and gives it to `owner`. */
async function addTo(store: Store, owner: string): Promise<number> {
  const id = await add(store);
  const lease = (await store.jobQueue.leases(100)).find(({ jobId }) => jobId === id);
  assert.ok(lease !== undefined && await store.jobQueue.take(lease, owner) !== undefined);
  return id;
}

function leaseConformance(name: string, open: OpenStore, test: RegisterTest): void {
  test(`${name}: a job in the queue has its order and waits until one manager takes it, of two that try`, async () => {
    await using store = await open(new VirtualClock());
    const { jobQueue } = store;
    const sealed = "x".repeat(100_000);
    const jobId = await add(store, { schedulerClusterIds: [2, 1], args: { url: "ü" } }, sealed);
    const [lease] = await jobQueue.leases(10);
    assert.deepEqual(lease, { jobId, owner: "", beat: 0, deadlineMs: DEADLINE_MS, cancelledBy: "" });
    assert.ok(lease !== undefined);
    const both = await Promise.all(["one", "other"].map((owner) => jobQueue.take(lease, owner)));
    const [taken, ...more] = both.filter((taken) => taken !== undefined);
    assert.deepEqual([taken?.sealed, taken?.job.schedulerClusterIds, taken?.job.args, more.length], [
      sealed,
      [1, 2],
      { url: "ü" },
      0,
    ]);
    assert.equal(await jobQueue.take(lease, "late"), undefined);
  });

  test(`${name}: a lease that has moved on since it was seen takes nothing`, async () => {
    await using store = await open(new VirtualClock());
    const { jobQueue } = store;
    await addTo(store, "a");
    const [seen] = await jobQueue.leases(1);
    assert.ok(seen !== undefined);
    await jobQueue.renew("a");
    assert.equal(await jobQueue.take(seen, "b"), undefined, "its owner lives");
    const [later] = await jobQueue.leases(1);
    assert.ok(later !== undefined);
    await jobQueue.release("a");
    assert.equal(await jobQueue.take(later, "b"), undefined, "it waits now");
  });

  test(`${name}: each sign of life moves the leases of a manager, and only its own`, async () => {
    await using store = await open(new VirtualClock());
    const { jobQueue } = store;
    const [first, second, other] = [await addTo(store, "a"), await addTo(store, "a"), await addTo(store, "b")];
    const beats = async () => (await jobQueue.leases(10)).map(({ beat }) => beat);
    assert.deepEqual(await beats(), [1, 1, 1]);
    assert.deepEqual((await jobQueue.renew("a")).map(({ jobId }) => jobId).toSorted(), [first, second]);
    assert.deepEqual(await beats(), [2, 2, 1]);
    await jobQueue.note("a", first, { done: 1 });
    assert.deepEqual([await beats(), (await store.jobs.get(first))?.result], [[3, 2, 1], { done: 1 }]);
    await jobQueue.release("a");
    assert.deepEqual((await jobQueue.leases(10)).map(({ owner }) => owner), ["", "", "b"]);
    assert.deepEqual([(await jobQueue.leases(2)).length, other], [2, (await jobQueue.leases(10))[2]?.jobId]);
  });
}

function ownershipConformance(name: string, open: OpenStore, test: RegisterTest): void {
  test(`${name}: what a manager writes of a job that is another's now does not count`, async () => {
    await using store = await open(new VirtualClock());
    const { jobQueue } = store;
    const id = await addTo(store, "a");
    const [lease] = await jobQueue.leases(1);
    assert.ok(lease !== undefined);
    assert.ok(await jobQueue.take(lease, "b") !== undefined);
    await jobQueue.note("a", id, { from: "a" });
    assert.equal(await jobQueue.end("a", id, FAILED, 0), false);
    await jobQueue.release("a");
    const { state, result } = await store.jobs.get(id) ?? {};
    assert.deepEqual([state, result, (await jobQueue.leases(1))[0]?.owner], ["PENDING", {}, "b"]);
    assert.equal(await jobQueue.end("b", id, DONE, 0), true);
    assert.equal(await jobQueue.end("b", id, FAILED, 0), false);
    assert.equal((await store.jobs.get(id))?.state, "SUCCESS");
  });

  test(`${name}: so many jobs may wait, not counting those that run`, async () => {
    await using store = await open(new VirtualClock());
    await addTo(store, "a");
    for (let count = 0; count < WAITING_MAX; count++) await add(store);
    await assert.rejects(add(store), failsWith("resource_exhausted", /3 others wait/));
    assert.equal((await store.jobs.list({}, ALL)).total, WAITING_MAX + 1);
  });
}

function endConformance(name: string, open: OpenStore, test: RegisterTest): void {
  test(`${name}: an order goes with the end of its job; one that is kept lets it wait again`, async () => {
    const clock = new VirtualClock();
    await using store = await open(clock);
    const { jobQueue } = store;
    const again = { deadlineMs: DEADLINE_MS + 1, result: { left: 1 } };
    const [done, failed] = [await addTo(store, "a"), await addTo(store, "a")];
    assert.equal(await jobQueue.cancel(failed, "ada"), true);
    await jobQueue.end("a", done, DONE, 0);
    await jobQueue.end("a", failed, FAILED, clock.wallMs() + 1_000);
    assert.deepEqual(await jobQueue.leases(10), []);
    assert.deepEqual([await jobQueue.cancel(done, "ada"), await jobQueue.cancel(failed, "ada")], [false, false]);
    assert.equal(await jobQueue.retry(done, again, WAITING_MAX), undefined);
    await assert.rejects(jobQueue.retry(failed, again, 0), failsWith("resource_exhausted", /0 others wait/));
    const job = await jobQueue.retry(failed, again, WAITING_MAX);
    assert.deepEqual([job?.id, job?.state, job?.result], [failed, "PENDING", { left: 1 }]);
    const [lease] = await jobQueue.leases(10);
    assert.deepEqual([lease?.owner, lease?.deadlineMs, lease?.cancelledBy], ["", DEADLINE_MS + 1, ""]);
    assert.equal(await jobQueue.retry(failed, again, WAITING_MAX), undefined, "it waits already");
    assert.equal(lease === undefined ? "" : (await jobQueue.take(lease, "b"))?.sealed, "order");
  });

  test(`${name}: that a job shall end is noted as long as it has not`, async () => {
    await using store = await open(new VirtualClock());
    const { jobQueue } = store;
    const [waits, runs] = [await add(store), await addTo(store, "a")];
    assert.deepEqual([await jobQueue.cancel(waits, "ada"), await jobQueue.cancel(runs, "bob")], [true, true]);
    assert.deepEqual((await jobQueue.leases(10)).map(({ cancelledBy }) => cancelledBy), ["ada", "bob"]);
    assert.deepEqual((await jobQueue.renew("a")).map(({ cancelledBy }) => cancelledBy), ["bob"]);
    assert.equal(await jobQueue.cancel(99, "ada"), false);
  });
}

function cleaningConformance(name: string, open: OpenStore, test: RegisterTest): void {
  test(`${name}: orders that were kept are removed in time, and with their jobs`, async () => {
    const clock = new VirtualClock();
    await using store = await open(clock);
    const { jobQueue } = store;
    const ids: number[] = [];
    for (const keptMs of [5_000, 5_000, 5_000, 5_000, 1_000]) {
      const id = await addTo(store, "a");
      await jobQueue.end("a", id, FAILED, clock.wallMs() + keptMs);
      ids.push(id);
    }
    const [oldest = 0, removed = 0, third = 0, newest = 0, brief = 0] = ids;
    const runs = await addTo(store, "a");
    const retried = async (id: number) => {
      return await jobQueue.retry(id, { deadlineMs: 0, result: {} }, 10) !== undefined;
    };
    await clock.advance(1_000);
    assert.equal(await retried(brief), false, "its time is over");
    await store.jobs.remove(removed);
    await jobQueue.removeKept(2);
    assert.deepEqual([await retried(removed), await retried(oldest)], [false, false]);
    assert.deepEqual([await retried(third), await retried(newest)], [true, true]);
    assert.deepEqual((await jobQueue.renew("a")).map(({ jobId }) => jobId), [runs]);
  });

  test(`${name}: a job that has not ended is not removed for its age, but by hand it is, with its order`, async () => {
    const clock = new VirtualClock();
    await using store = await open(clock);
    const { jobQueue } = store;
    const [ended, runs] = [await addTo(store, "a"), await addTo(store, "a")];
    await jobQueue.end("a", ended, FAILED, clock.wallMs() + 1e9);
    await clock.advance(10);
    assert.equal(await store.jobs.removeBefore(clock.wallMs(), 10), 1);
    assert.deepEqual((await store.jobs.list({}, ALL)).rows.map(({ id }) => id), [runs]);
    assert.equal(await jobQueue.retry(ended, { deadlineMs: 0, result: {} }, 10), undefined);
    await store.jobs.remove(runs);
    assert.deepEqual(await jobQueue.renew("a"), []);
  });

  test(`${name}: lost are the jobs that have not ended, are not in the queue, and were silent for long`, async () => {
    const clock = new VirtualClock();
    await using store = await open(clock);
    await add(store);
    const silent = await store.jobs.create(jobInput({}));
    await store.jobs.create(jobInput({ state: "SUCCESS" }));
    await clock.advance(10);
    await store.jobs.create(jobInput({}));
    assert.deepEqual(await store.jobQueue.lost(clock.wallMs(), 10), [silent]);
    assert.deepEqual(await store.jobQueue.lost(clock.wallMs() + 1, 1), [silent]);
  });
}

function turnConformance(name: string, open: OpenStore, test: RegisterTest): void {
  test(`${name}: of the managers that try one has the turn, and again when it is due`, async () => {
    const clock = new VirtualClock();
    await using store = await open(clock);
    const take = async (turn = { everyMs: 1_000, holdMs: 100 }) => {
      const taken = await Promise.all([1, 2, 3].map(() => store.turns.take("count", turn)));
      return taken.filter((isTaken) => isTaken).length;
    };
    assert.deepEqual([await take(), await take()], [1, 0]);
    assert.equal(await store.turns.take("other", { everyMs: 1, holdMs: 1 }), true);
    await clock.advance(99);
    assert.equal(await take(), 0);
    await clock.advance(1);
    assert.equal(await take(), 1, "who had it is gone");
    await store.turns.next("count", 1_000);
    await clock.advance(999);
    assert.equal(await take(), 0);
    await store.turns.next("count", 9_000);
    assert.equal(await take(), 1, "it is due more often now");
  });
}
