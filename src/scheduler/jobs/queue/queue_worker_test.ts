import assert from "node:assert/strict";
import { DamselflyError } from "../../../core/error.ts";
import { parseTaskRow, signatureOf } from "../../../redis/machinery.ts";
import type { Redis } from "../../../redis/redis.ts";
import { orAbort } from "../../../runtime/or_abort.ts";
import { MemoryLog } from "../../../testing/memory_log.ts";
import { settle, VirtualClock } from "../../../testing/virtual_clock.ts";
import { QueueWorker } from "./queue_worker.ts";

const QUEUE = "scheduler_1_a_10.0.0.1";

/** A worker on a queue and rows that a test fills and reads. */
function stage(jobsMax = 2) {
  const clock = new VirtualClock();
  const log = new MemoryLog();
  const queue: string[] = [];
  const rows = new Map<string, string>();
  const server = { isAway: false, isSlow: false };
  const redis: Redis = {
    place: "redis:6379/1",
    async send(key, [name, , value = "", ...expiry]) {
      if (server.isAway) throw new DamselflyError("unavailable", "Redis is away");
      if (server.isSlow) await settle();
      if (name === "LPOP") return key === QUEUE ? queue.shift() ?? null : null;
      assert.deepEqual([name, expiry], ["SET", ["EX", "86400"]]);
      rows.set(key, value);
      return "OK";
    },
  };
  const jobs = {
    running: 0,
    run: (_name: string, payload: string, _signal: AbortSignal): Promise<string> => Promise.resolve(payload),
  };
  const worker = new QueueWorker({
    ...{ clock, log, broker: redis, backend: redis, queue: QUEUE, jobsMax },
    run: (...job) => {
      jobs.running += 1;
      return jobs.run(...job);
    },
  });
  const put = (uuid: string) => {
    const job = { name: "preheat", queue: QUEUE, groupUuid: "g", taskUuid: uuid, createdAtMs: 0 } as const;
    queue.push(signatureOf(job, { a: uuid }));
  };
  const row = (uuid: string) => {
    const text = rows.get(uuid);
    return text === undefined ? undefined : parseTaskRow(text);
  };
  return { ...{ clock, log, queue, rows, server, jobs, worker }, put, row };
}

Deno.test("a job is taken within a second, and its result or failure is what the manager reads", async () => {
  const { clock, jobs, worker, put, row } = stage();
  await using _worker = worker;
  await settle();
  put("one");
  await clock.advance(1_000);
  assert.deepEqual(row("one"), { state: "SUCCESS", result: '{"a":"one","group_uuid":"g","task_uuid":"one"}' });
  jobs.run = () => Promise.reject(new DamselflyError("failed_precondition", "the cluster has no seed peer"));
  put("two");
  await clock.advance(1_000);
  assert.deepEqual(row("two"), { state: "FAILURE", error: "the cluster has no seed peer" });
});

Deno.test("so many jobs run at a time, and the others stay in the queue", async () => {
  const { clock, jobs, worker, queue, put, row } = stage(2);
  await using _worker = worker;
  const held = Promise.withResolvers<string>();
  jobs.run = () => held.promise;
  for (const uuid of ["one", "two", "three"]) put(uuid);
  await clock.advance(5_000);
  assert.deepEqual([jobs.running, queue.length, row("one"), row("three")], [2, 1, { state: "STARTED" }, undefined]);
  held.resolve("{}");
  await clock.advance(2_000);
  assert.deepEqual([jobs.running, row("three")], [3, { state: "SUCCESS", result: "{}" }]);
});

Deno.test("what is no job is removed with a warning, and the next one is run", async () => {
  const { clock, queue, worker, put, row, log } = stage();
  await using _worker = worker;
  queue.push("sesame");
  put("one");
  await clock.advance(1_000);
  assert.equal(row("one")?.state, "SUCCESS");
  const [warning] = log.lines.filter(({ level }) => level === "warn");
  assert.equal(warning?.fields["queue"], QUEUE);
  assert(!String(warning?.fields["error"]).includes("sesame"));
});

Deno.test("a result is kept for a minute while Redis is away, and nothing is taken", async () => {
  const { clock, jobs, worker, server, put, row } = stage();
  await using _worker = worker;
  const held = Promise.withResolvers<string>();
  jobs.run = () => held.promise;
  put("one");
  await clock.advance(1_000);
  server.isAway = true;
  put("two");
  held.resolve("{}");
  await clock.advance(50_000);
  assert.deepEqual([row("one"), jobs.running], [{ state: "STARTED" }, 1]);
  server.isAway = false;
  await clock.advance(2_000);
  assert.deepEqual([row("one")?.state, row("two")?.state], ["SUCCESS", "SUCCESS"]);
});

Deno.test("a scheduler that stops says so of the jobs that run", async () => {
  const { clock, jobs, worker, server, put, row } = stage();
  jobs.run = (_name, _payload, signal) => orAbort(new Promise<string>(() => {}), signal);
  put("one");
  await clock.advance(1_000);
  server.isSlow = true;
  await worker[Symbol.asyncDispose]();
  assert.deepEqual(row("one"), {
    state: "FAILURE",
    error: "The scheduler stopped while the job ran; order it again",
  });
});
