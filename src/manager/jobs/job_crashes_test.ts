import assert from "node:assert/strict";
import fc from "fast-check";
import type { Random } from "../../runtime/random.ts";
import { seededRandom } from "../../testing/seeded_random.ts";
import type { Store } from "../store/store.ts";
import { type Breakable, breakable, done, type Other, stage } from "./jobs_stage_test.ts";

const RUNS = 6;
const ROUNDS = 30;
const ROUND_MS = 4_000;
const MANAGERS = 3;
/** More than it takes to miss a manager several times, and to run everything then. */
const REST_MS = 3 * 60_000;

/** A manager, how it reaches the database, and what ends all that it does. */
interface Replica {
  readonly manager: Other;
  readonly handle: Breakable;
  readonly killed: AbortController;
}

/** Notes each end of a job that was stored. */
function noting(store: Store, ends: number[]): Store {
  const end: Store["jobQueue"]["end"] = async (owner, jobId, ...rest) => {
    const isStored = await store.jobQueue.end(owner, jobId, ...rest);
    if (isStored) ends.push(jobId);
    return isStored;
  };
  const jobQueue = new Proxy(store.jobQueue, {
    get: (queue, name) => name === "end" ? end : Reflect.get(queue, name).bind(queue),
  });
  return { ...store, jobQueue };
}

/** Some managers on one store, to which things happen by chance. */
async function story(random: Random): Promise<void> {
  await using shared = await stage();
  const { store, clock, open, start, jobs } = shared;
  await jobs[Symbol.asyncDispose]();
  const ends: number[] = [];
  const active = new Set<string>();
  const twice: string[] = [];
  const counted = noting(store, ends);
  const add = (): Replica => {
    const handle = breakable(counted, clock);
    const manager = open(random.below(1e9), { store: handle.store });
    const replica = { manager, handle, killed: new AbortController() };
    const { calls } = manager;
    calls.run = async (hostname, onResult, signal) => {
      const part = `${calls.requests?.files[0]?.url} ${hostname[0]}`;
      if (active.has(part)) twice.push(part);
      active.add(part);
      try {
        await clock.sleep(random.below(40_000), AbortSignal.any([signal, replica.killed.signal]));
        onResult(done(part));
      } finally {
        active.delete(part);
      }
    };
    return replica;
  };
  const replicas = Array.from({ length: MANAGERS }, add);
  let ordered = 0;
  const any = () => random.below(MANAGERS);
  const happenings: (() => Promise<unknown>)[] = [
    async () => {
      const args = { type: "file", urls: [`https://files.corp/${ordered++}`] };
      await start("preheat", args, [], replicas[any()]?.manager.jobs).catch(() => {}); // it may be ordered all the same
    },
    async () => {
      const [replica] = replicas.splice(any(), 1, add());
      if (replica === undefined) return;
      replica.handle.isBroken = true;
      replica.killed.abort(new Error("killed"));
      await replica.manager[Symbol.asyncDispose](); // which nobody hears of
    },
    async () => await replicas.splice(any(), 1, add())[0]?.manager[Symbol.asyncDispose](),
    async () => {
      await replicas[any()]?.manager.jobs.cancel(random.below(ordered + 1), "ada").catch(() => {});
    },
    ...(["isBroken", "isDeaf"] as const).map((fault) => () => {
      const { handle } = replicas[any()] ?? {};
      return Promise.resolve(handle !== undefined && (handle[fault] = !handle[fault]));
    }),
  ];
  for (let round = 0; round < ROUNDS; round++) {
    await happenings[Math.max(0, random.below(happenings.length + 4) - 4)]?.();
    await clock.advance(random.below(ROUND_MS));
  }
  for (const { handle } of replicas) handle.isBroken = handle.isDeaf = false;
  await clock.advance(REST_MS);
  const { rows } = await store.jobs.list({}, { offset: 0, limit: ROUNDS });
  const waiting = rows.filter(({ state }) => state !== "SUCCESS" && state !== "FAILURE");
  assert.deepEqual(waiting, [], "a job waits for ever");
  const ids = rows.map(({ id }) => id).toReversed();
  assert.deepEqual(ends.toSorted((a, b) => a - b), ids, "a job ended more or less than once");
  assert.deepEqual([twice, active.size, await store.jobQueue.leases(100)], [[], 0, []]);
  for (const { manager } of replicas) await manager[Symbol.asyncDispose]();
}

Deno.test("whenever managers are killed, stopped or cut off, each job ends once and never runs twice at a time", async () => {
  const seeds = fc.integer({ min: 0, max: 2 ** 31 });
  const property = fc.asyncProperty(seeds, (seed) => story(seededRandom(seed)));
  await fc.assert(property, { numRuns: RUNS, endOnFailure: true });
});
