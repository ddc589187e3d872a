/** How much of a job is under way at a time, in clusters of the size that users have. */
import assert from "node:assert/strict";
import { Download, Host, Priority } from "../../rpc/gen/common/v2/common.ts";
import { StatLocalTaskResponse } from "../../rpc/gen/dfdaemon/v2/dfdaemon.ts";
import { orAbort } from "../../runtime/or_abort.ts";
import { MemoryLog } from "../../testing/memory_log.ts";
import { VirtualClock } from "../../testing/virtual_clock.ts";
import type { PreheatOrder, TaskOrder } from "./job_order.ts";
import { Jobs } from "./jobs.ts";

const NEVER = new AbortController().signal;
const TRUST = { authorities: [] };

/** How many calls there are, and were at most at a time, by content. */
class Counts {
  total = 0;
  most = 0;
  readonly running = new Map<string, number>();
  mostOfOne = 0;
  mostContents = 0;

  async around<T>(content: string, run: () => T): Promise<T> {
    const mine = (this.running.get(content) ?? 0) + 1;
    this.running.set(content, mine);
    this.total += 1;
    this.mostOfOne = Math.max(this.mostOfOne, mine);
    this.mostContents = Math.max(this.mostContents, this.running.size);
    this.most = Math.max(this.most, [...this.running.values()].reduce((sum, count) => sum + count, 0));
    for (let turn = 0; turn < 3 + this.total % 5; turn++) await Promise.resolve();
    const left = (this.running.get(content) ?? 0) - 1;
    if (left === 0) this.running.delete(content);
    else this.running.set(content, left);
    return run();
  }
}

/** Jobs on hosts that answer at once; every tenth holds what it is asked for. */
function stage(hostCount: number, blobCount = 1) {
  const counts = new Counts();
  const hosts = Array.from({ length: hostCount }, (_, n) => {
    return Host.create({ id: `host-${n}`, hostname: `host-${n}`, ip: "10.0.0.1", port: n, type: n === 0 ? 1 : 0 });
  });
  const holds = ({ port }: Host) => port % 10 === 0;
  const state = { hangs: false };
  const calls = {
    async download(_host: Host, { url }: Download, signal: AbortSignal) {
      if (state.hangs) await orAbort(new Promise(() => {}), signal);
      return await counts.around(url, () => undefined);
    },
    stat: (host: Host, [id = ""]: readonly string[]) => {
      return counts.around(id, () => holds(host) ? StatLocalTaskResponse.create({}) : undefined);
    },
    delete: (host: Host, [id = ""]: readonly string[]) => counts.around(id, () => holds(host)),
  };
  const digest = (n: number) => `sha256:${String(n).padStart(64, "0")}`;
  const [config, ...layers] = Array.from({ length: blobCount }, (_, n) => {
    return { mediaType: "blob", digest: digest(n), size: 1 };
  });
  const registries = { fetch: () => () => Promise.resolve(Response.json({ config, layers })) };
  const clock = new VirtualClock();
  const jobs = new Jobs({ calls, hosts: () => hosts, registries, runtime: { clock, log: new MemoryLog() } });
  return { counts, state, jobs, clock };
}

const limits = { timeoutMs: 60_000, tasksAtOnce: 8, hostsAtOnce: 500 };
const task: TaskOrder = { ...limits, taskIds: ["x"] };

function image(parts: Partial<PreheatOrder>): PreheatOrder {
  return {
    ...limits,
    image: {
      ...{ url: "https://192.0.2.1/v2/a/manifests/1", headers: {}, credentials: undefined, platform: undefined },
      trust: TRUST,
    },
    download: Download.create({ priority: Priority.LEVEL0 }),
    targets: { scope: "all_peers", ips: [], count: undefined, percentage: undefined },
    ...parts,
  };
}

Deno.test("of 5,000 hosts each is asked once, so many at a time as the order says", async () => {
  for (const kind of ["find", "delete"] as const) {
    const { counts, jobs } = stage(5_000);
    assert.equal((await Array.fromAsync(jobs[kind](task, NEVER))).length, 500);
    assert.deepEqual([counts.total, counts.most], [5_000, 500]);
    await Array.fromAsync(jobs[kind]({ ...task, hostsAtOnce: 3 }, NEVER));
    assert.equal(counts.total, 10_000);
  }
  const { counts, jobs } = stage(5_000);
  await Array.fromAsync(jobs.find({ ...task, hostsAtOnce: 3 }, NEVER));
  assert.equal(counts.most, 3);
});

Deno.test("of an image so many contents are fetched at a time, each by so many hosts, as the order says", async () => {
  for (const [tasksAtOnce, hostsAtOnce] of [[2, 3], [1, 7], [4, 1], [100, 1_000]] as const) {
    const { counts, jobs } = stage(40, 6);
    const results = await Array.fromAsync(jobs.preheat(image({ tasksAtOnce, hostsAtOnce }), NEVER));
    assert.deepEqual([results.length, counts.total], [240, 240]);
    assert.deepEqual([counts.mostContents, counts.mostOfOne], [Math.min(tasksAtOnce, 6), Math.min(hostsAtOnce, 40)]);
  }
});

Deno.test("who holds an image is asked for so many contents at a time as the question says", async () => {
  const { counts, jobs } = stage(40, 6);
  let contents: readonly string[] = [];
  const order = image({ tasksAtOnce: 2, hostsAtOnce: 3 });
  const results = await Array.fromAsync(jobs.stat(order, (urls) => contents = urls, NEVER));
  assert.deepEqual([contents.length, results.length], [6, 24]);
  assert.deepEqual([counts.mostContents, counts.mostOfOne], [2, 3]);
});

Deno.test("a job ends with its time, though every host hangs, and each is told of", async () => {
  const { jobs, state, clock } = stage(1_000, 3);
  state.hangs = true;
  const ended = Array.fromAsync(jobs.preheat(image({ timeoutMs: 5_000 }), NEVER));
  await clock.advance(5_000);
  const results = await ended;
  assert.equal(results.length, 3_000);
  for (const { error } of results) assert.match(error ?? "", /Time limit of 5000 ms is over/);
});

Deno.test("so many jobs run at a time, and one that ends makes room", async () => {
  const { jobs, state } = stage(1);
  state.hangs = true;
  const callers = Array.from({ length: 101 }, () => new AbortController());
  const runs = callers.map(({ signal }) => Array.fromAsync(jobs.preheat(image({}), signal)));
  await assert.rejects(Promise.any([runs[100]]), (error: AggregateError) => {
    assert.match(String(error.errors[0]), /Cannot take the job: 100 others run/);
    return true;
  });
  callers[0]?.abort(new Error("enough"));
  await assert.rejects(runs[0] ?? Promise.resolve(), /enough/);
  state.hangs = false;
  assert.equal((await Array.fromAsync(jobs.preheat(image({}), NEVER))).length, 1);
  jobs.stop();
  await Promise.allSettled(runs);
});
