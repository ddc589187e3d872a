import assert from "node:assert/strict";
import { DamselflyError } from "../../../core/error.ts";
import { seededRandom } from "../../../testing/seeded_random.ts";
import { settle, VirtualClock } from "../../../testing/virtual_clock.ts";
import type { RedisReply } from "../../../redis/client.ts";
import type { Redis } from "../../../redis/redis.ts";
import type { SchedulerRecord } from "../../store/services.ts";
import { MachineryQueue, type QueueOrder } from "./queue.ts";

const QUEUE = "scheduler_1_a_10.0.0.1";
const SCHEDULER = { clusterId: 1, hostname: "a", ip: "10.0.0.1" } as SchedulerRecord;
const NEVER = new AbortController().signal;

/** As much of Redis as the queue uses, which can be away. */
class HandRedis implements Redis {
  readonly place = "redis:6379/1";
  readonly rows = new Map<string, string>();
  readonly queue: string[] = [];
  readonly expiries = new Set<string>();
  isAway = false;

  send(_key: string, [name, key = "", ...rest]: readonly string[]): Promise<RedisReply> {
    if (this.isAway) return Promise.reject(new DamselflyError("unavailable", "Redis is away"));
    return Promise.resolve(this.#answer(name, key, rest));
  }

  #answer(name: string | undefined, key: string, [first = "", second = "", third = ""]: readonly string[]): RedisReply {
    if (name === "GET") return this.rows.get(key) ?? null;
    if (name === "DEL") return Number(this.rows.delete(key));
    if (name === "SET") {
      this.rows.set(key, first);
      this.expiries.add(`${second} ${third}`);
      return "OK";
    }
    assert.equal(key, QUEUE);
    if (name === "RPUSH") return this.queue.push(first);
    assert.deepEqual([name, first], ["LREM", "1"]);
    const index = this.queue.indexOf(second);
    return index < 0 ? 0 : this.queue.splice(index, 1).length;
  }
}

function stage() {
  const clock = new VirtualClock();
  const redis = new HandRedis();
  const queue = new MachineryQueue({ broker: redis, backend: redis, clock, random: seededRandom(1) });
  let isAlive = true;
  const order: QueueOrder = {
    ...{ name: "get_task", scheduler: SCHEDULER, payload: { task_id: "x" }, timeoutMs: 600_000 },
    checkAlive: () => isAlive ? Promise.resolve() : Promise.reject(new DamselflyError("unavailable", "it is gone")),
  };
  /** What the scheduler writes about its one task. */
  const write = (fields: Record<string, unknown>) => {
    const [key] = [...redis.rows.keys()].filter((name) => name.startsWith("task_"));
    redis.rows.set(key ?? "", JSON.stringify({ Results: null, Error: "", ...fields }));
  };
  const die = () => void (isAlive = false);
  /** How a run ended; undefined while it goes on. */
  const watch = (run: Promise<unknown>) => {
    const seen = { end: undefined as unknown };
    run.then((end) => seen.end = end, (error) => seen.end = error);
    return seen;
  };
  return { clock, redis, queue, order, write, die, watch };
}

Deno.test("a job is put into the scheduler's queue with its rows, and its result is read within a second", async () => {
  const { clock, redis, queue, order, write, watch } = stage();
  const run = watch(queue.run(order, NEVER));
  await settle();
  const [signature = ""] = redis.queue.splice(0);
  const { UUID, GroupUUID, Name, Args: [{ Value }] } = JSON.parse(signature);
  assert.deepEqual([Name, JSON.parse(Value)], ["get_task", { task_id: "x", group_uuid: GroupUUID, task_uuid: UUID }]);
  assert.deepEqual([...redis.rows.keys()].toSorted(), [GroupUUID, UUID].toSorted());
  assert.deepEqual([...redis.expiries], ["EX 86400"]);
  await clock.advance(40_000);
  write({ State: "STARTED" });
  await clock.advance(200_000);
  assert.equal(typeof run.end, "undefined");
  write({ State: "SUCCESS", Results: [{ Type: "string", Value: "{}" }] });
  await clock.advance(1_000);
  assert.deepEqual(run.end, { kind: "done", result: "{}" });
  assert.equal(clock.pendingTimers, 0);
});

Deno.test("why the scheduler failed is the failure", async () => {
  const { clock, queue, order, write, watch } = stage();
  const run = watch(queue.run(order, NEVER));
  await settle();
  write({ State: "FAILURE", Error: "no available seed peer" });
  await clock.advance(1_000);
  const { code, message } = run.end as DamselflyError;
  assert.deepEqual([code, message], ["failed_precondition", "no available seed peer"]);
});

Deno.test("a job that nobody takes for half a minute is taken back and has not begun", async () => {
  const { clock, redis, queue, order, watch } = stage();
  const run = watch(queue.run(order, NEVER));
  await settle();
  await clock.advance(29_000);
  assert.equal(typeof run.end, "undefined");
  await clock.advance(1_000);
  const { kind, why } = run.end as { kind: string; why: string };
  assert.deepEqual([kind, redis.queue, redis.rows.size], ["not_begun", [], 0]);
  assert.match(why, /not taken out of the queue scheduler_1_a_10.0.0.1 of Redis at redis:6379\/1/);
});

Deno.test("a job that is taken in the moment in which it is taken back goes on", async () => {
  const { clock, redis, queue, order, write, watch } = stage();
  const run = watch(queue.run(order, NEVER));
  await settle();
  redis.queue.splice(0);
  await clock.advance(31_000);
  assert.equal(typeof run.end, "undefined");
  write({ State: "SUCCESS", Results: [{ Type: "string", Value: "{}" }] });
  await clock.advance(1_000);
  assert.deepEqual(run.end, { kind: "done", result: "{}" });
});

Deno.test("a job that is not wanted any more leaves the queue, and so does one whose time is over", async () => {
  const { clock, redis, queue, order, watch } = stage();
  const stop = new AbortController();
  const cancelled = watch(queue.run(order, stop.signal));
  const late = watch(queue.run({ ...order, timeoutMs: 5_000 }, NEVER));
  await settle();
  assert.equal(redis.queue.length, 2);
  stop.abort(new DamselflyError("cancelled", "The job was cancelled"));
  await settle();
  assert.equal((cancelled.end as DamselflyError).message, "The job was cancelled");
  assert.deepEqual([redis.queue.length, redis.rows.size], [1, 2]);
  await clock.advance(14_000);
  assert.equal(typeof late.end, "undefined", "the scheduler keeps the limit, and has some time to say so");
  await clock.advance(1_000);
  assert.deepEqual([(late.end as DamselflyError).code, redis.queue, redis.rows.size], ["timeout", [], 0]);
});

Deno.test("where Redis is away nothing has begun; one that comes back within a minute is waited for", async () => {
  const { clock, redis, queue, order, write, watch } = stage();
  redis.isAway = true;
  assert.deepEqual(await queue.run(order, NEVER), { kind: "not_begun", why: "Redis is away" });
  redis.isAway = false;
  const run = watch(queue.run(order, NEVER));
  await settle();
  write({ State: "STARTED" });
  await clock.advance(2_000);
  redis.isAway = true;
  await clock.advance(50_000);
  redis.isAway = false;
  await clock.advance(2_000);
  assert.equal(typeof run.end, "undefined");
  redis.isAway = true;
  await clock.advance(50_000);
  assert.equal(typeof run.end, "undefined", "each time has its minute");
  await clock.advance(12_000);
  const { code, message } = run.end as DamselflyError;
  assert.deepEqual([code, message], ["unavailable", "Redis is away"]);
});

Deno.test("a Redis that starts again has forgotten the job, and that is said", async () => {
  const { clock, redis, queue, order, watch } = stage();
  const run = watch(queue.run(order, NEVER));
  await settle();
  redis.rows.clear();
  await clock.advance(1_000);
  const { code, message } = run.end as DamselflyError;
  assert.deepEqual([code, /forgotten the job/.test(message)], ["unavailable", true]);
});

Deno.test("a scheduler that is gone is noticed within half a minute", async () => {
  const { clock, redis, queue, order, write, die, watch } = stage();
  const run = watch(queue.run(order, NEVER));
  await settle();
  redis.queue.splice(0);
  write({ State: "STARTED" });
  await clock.advance(35_000);
  die();
  await clock.advance(31_000);
  assert.equal((run.end as DamselflyError).message, "it is gone");
});
