import assert from "node:assert/strict";
import { derOfPem } from "../../../core/certificates.ts";
import { DamselflyError } from "../../../core/error.ts";
import { DEFAULT_FILTERED_QUERY_PARAMS, taskIdOf } from "../../../core/task_id.ts";
import { makeSampleImage } from "../../../oci/sample_image.ts";
import { startSampleRegistry } from "../../../oci/sample_registry.ts";
import { HostResult } from "../../../rpc/gen/damselfly/v1/jobs.ts";
import { testCertificates } from "../../../testing/certificates.ts";
import { seededRandom } from "../../../testing/seeded_random.ts";
import { testRuntime } from "../../../testing/test_runtime.ts";
import { VirtualClock } from "../../../testing/virtual_clock.ts";
import type { PreheatArgs, TaskArgs } from "../../rest/job_args.ts";
import type { SchedulerRecord } from "../../store/services.ts";
import { Images } from "../images.ts";
import { type PreheatRequests, preheatRequests, taskRequest } from "../job_requests.ts";
import type { QueueOrder, QueueOutcome } from "./queue.ts";
import { StockCalls } from "./stock_calls.ts";

const NEVER = new AbortController().signal;
const SCHEDULER = { ip: "10.0.0.1", port: 8002, hostname: "a", clusterId: 1 } as SchedulerRecord;
const [A, B] = ["https://f.corp/a", "https://f.corp/b"];
const authority = await Deno.readTextFile(testCertificates("a").caCert);
const trust = () => Promise.resolve({ authorities: [authority], checksCertificates: false });
const host = (hostname: string) => ({ hostname, ip: "10.0.0.9" });

/** A scheduler that is one of ours or not, and takes orders from its queue as a test says. */
function stage({ isOurs = false, clock = new VirtualClock() } = {}) {
  const runtime = testRuntime();
  const asked: string[] = [];
  const orders: QueueOrder[] = [];
  const results: HostResult[] = [];
  const scheduler = {
    isOurs,
    answer: (_order: QueueOrder): QueueOutcome => ({ kind: "not_begun", why: "Redis is away" }),
  };
  const overGrpc: PreheatRequests[] = [];
  const note = (what: string) => Promise.resolve(void asked.push(what));
  const calls = new StockCalls({
    ...{ clock, images: new Images({ fetch: () => runtime.fetch }, trust, clock), trust, log: runtime.log },
    calls: {
      isOurs: async () => (await note("isOurs"), scheduler.isOurs),
      preheat: (_scheduler, requests) => (overGrpc.push(requests), note("preheat")),
      task: (type) => note(type),
      hosts: async () => (await note("hosts"), []),
    },
    queue: {
      run: (order) => {
        orders.push(order);
        return Promise.resolve().then(() => scheduler.answer(order));
      },
    },
  });
  const order = (requests: PreheatRequests) => {
    return calls.preheat(SCHEDULER, requests, (result) => results.push(result), NEVER);
  };
  const preheat = (args: Record<string, unknown>) => order(requestsOf(args));
  const task = (type: "get_task" | "delete_task", args: Record<string, unknown>) => {
    return calls.task(type, SCHEDULER, taskRequest(args as TaskArgs), (result) => results.push(result), NEVER);
  };
  const said = () => results.map(({ url, hostname, error }) => [url, hostname, error]);
  return { ...{ runtime, clock, asked, orders, results, scheduler, calls, overGrpc }, order, preheat, task, said };
}

function requestsOf(args: Record<string, unknown>): PreheatRequests {
  return preheatRequests({ type: "file", ...args } as PreheatArgs);
}

const done = (result: unknown): QueueOutcome => ({ kind: "done", result: JSON.stringify(result) });

Deno.test("ours get their jobs over gRPC, and what a scheduler is is remembered for five minutes", async () => {
  const { preheat, task, calls, asked, orders, clock, scheduler } = stage({ isOurs: true });
  await preheat({ url: A });
  await task("get_task", { task_id: "x" });
  await task("delete_task", { task_id: "x" });
  await calls.hosts(SCHEDULER, NEVER);
  assert.deepEqual([asked, orders], [["isOurs", "preheat", "get_task", "delete_task", "hosts"], []]);
  scheduler.isOurs = false;
  scheduler.answer = () => done({ peers: null });
  await clock.advance(299_000);
  await task("get_task", { task_id: "x" });
  assert.equal(orders.length, 0);
  await clock.advance(1_000);
  await task("get_task", { task_id: "x" });
  assert.equal(orders.length, 1, "it was exchanged for a stock one");
});

Deno.test("what schedulers are is remembered of a thousand", async () => {
  const { calls, asked } = stage({ isOurs: true });
  const order = taskRequest({ task_id: "x" } as TaskArgs);
  const ask = (port: number) => calls.task("get_task", { ...SCHEDULER, port }, order, () => {}, NEVER);
  for (let port = 1; port <= 1_001; port++) await ask(port);
  const before = asked.filter((what) => what === "isOurs").length;
  await ask(1_001);
  await ask(1);
  assert.equal(asked.filter((what) => what === "isOurs").length, before + 1, "the first was forgotten");
});

Deno.test("the files of a preheat are one order for a stock scheduler, with what it says of each", async () => {
  const { preheat, scheduler, orders, asked, said } = stage();
  scheduler.answer = () =>
    done({
      success_tasks: [{ url: A, ...host("seed") }],
      failure_tasks: [{ url: B, ...host("seed"), description: "404" }],
    });
  await preheat({ urls: [A, B], headers: { "X-A": "b" }, timeout: 5e9 });
  assert.deepEqual(said(), [[A, "seed", undefined], [B, "seed", "404"]]);
  const [{ name, payload, timeoutMs } = {} as QueueOrder] = orders;
  assert.deepEqual([orders.length, name, timeoutMs, asked], [1, "preheat", 5_000, ["isOurs"]]);
  assert.deepEqual([payload["urls"], payload["headers"]], [[A, B], { "X-A": "b" }]);
});

Deno.test("an image is found by the manager, and its login goes with the order", async () => {
  const image = await makeSampleImage({ layerBytes: [1_000] });
  const { runtime, preheat, scheduler, orders } = stage();
  const login = { kind: "bearer", random: seededRandom(1), account: { username: "ada", password: "sesame" } } as const;
  const images = [{ repository: "team/app", tag: "v1", image }];
  await using registry = startSampleRegistry({ clock: runtime.clock, images, login });
  const blobs = image.blobs.map(({ digest }) => `${registry.url}/v2/team/app/blobs/${digest}`);
  scheduler.answer = () => done({ success_tasks: blobs.map((url) => ({ url, ...host("seed") })), failure_tasks: null });
  await preheat({
    ...{ type: "image", url: `${registry.url}/v2/team/app/manifests/v1`, username: "ada", password: "sesame" },
    headers: { authorization: "", "X-A": "b" },
  });
  const { urls, headers } = orders[0]?.payload as { urls: string[]; headers: Record<string, string> };
  const { certificate_chain: chain, insecure_skip_verify: isUnchecked } = orders[0]?.payload ?? {};
  assert.deepEqual([chain, isUnchecked], [[derOfPem(authority).toBase64()], true]);
  assert.deepEqual(urls.toSorted(), blobs.toSorted());
  assert.deepEqual(Object.keys(headers).toSorted(), ["Authorization", "X-A"]);
  assert.match(headers["Authorization"] ?? "", /^Bearer /);
  assert(!JSON.stringify(orders).includes("sesame"), "the password went with it");
});

Deno.test("contents that a stock scheduler does not mention are looked for at its hosts, by all of their ids", async () => {
  const { preheat, scheduler, orders, said } = stage();
  const id = taskIdOf({ url: A, tag: "t", filteredQueryParams: DEFAULT_FILTERED_QUERY_PARAMS });
  const peer = (hostname: string, IsFinished: boolean) => {
    return { id: hostname, ...host(hostname), host_type: "super", created_at: "", updated_at: "", IsFinished };
  };
  scheduler.answer = ({ name, payload }) => {
    if (name === "preheat") return done({ success_tasks: null, failure_tasks: null });
    return done({ peers: payload["task_id"] === id ? [peer("half", false), peer("seed", true)] : [] });
  };
  await preheat({ urls: [A, B], tag: "t" });
  assert.deepEqual(said().toSorted(), [
    [A, "seed", undefined],
    [B, "", "the scheduler does not say why, and no host has it"],
  ]);
  assert.deepEqual(orders.map(({ name }) => name), ["preheat", "get_task", "get_task"]);
});

Deno.test("a preheat that Redis does not take is ordered over gRPC, with a warning; other jobs are refused", async () => {
  const { preheat, task, asked, runtime } = stage();
  await preheat({ url: A });
  assert.deepEqual(asked, ["isOurs", "preheat"]);
  const [line] = runtime.log.lines;
  assert.deepEqual([line?.level, line?.fields["why"]], ["warn", "Redis is away"]);
  assert.match(line?.message ?? "", /job.enable and database.redis/);
  await assert.rejects(task("get_task", { task_id: "x" }), {
    code: "unavailable",
    message: "Cannot order get_task of the scheduler a, which is one of Dragonfly's: Redis is away",
  });
});

Deno.test("what a stock scheduler has taken from Redis is not ordered again when it takes no more", async () => {
  const image = await makeSampleImage({ layerBytes: [1_000] });
  const { runtime, order, scheduler, overGrpc, orders, said } = stage();
  const images = [{ repository: "team/app", tag: "v1", image }];
  await using registry = startSampleRegistry({ clock: runtime.clock, images });
  const url = `${registry.url}/v2/team/app/manifests/v1`;
  const [first, second] = [1, 2].flatMap((n) => requestsOf({ type: "image", url, tag: `${n}` }).images);
  assert.ok(first !== undefined && second !== undefined);
  const requests = { ...requestsOf({ urls: [A, B] }), images: [first, second] };
  const taken = (count: number) => {
    [orders, overGrpc].forEach((list) => list.splice(0));
    scheduler.answer = ({ payload }) => {
      const urls = payload["urls"] as string[];
      if (orders.length > count) return { kind: "not_begun", why: "nobody takes it" };
      return done({ success_tasks: urls.map((url) => ({ url, ...host("seed") })), failure_tasks: null });
    };
    return order(requests);
  };
  await taken(1);
  const left = () => overGrpc.map(({ images, files }) => [images.map(({ tag }) => tag), files.map(({ url }) => url)]);
  assert.deepEqual(left(), [[["2"], [A, B]]]);
  assert.equal(said().length, image.blobs.length);
  await taken(2);
  assert.deepEqual(left(), [[[], [A, B]]]);
});

Deno.test("a host that is known by two ids of a blob is told once, with what says more", async () => {
  const { task, scheduler, said, results } = stage();
  const hex = "a".repeat(64);
  const url = `https://r.corp/v2/a/blobs/sha256:${hex}`;
  const peer = { id: "h", ...host("h"), host_type: "normal", created_at: "", updated_at: "" };
  scheduler.answer = ({ payload }) => done({ peers: [{ ...peer, IsFinished: payload["task_id"] !== hex }] });
  await task("get_task", { url });
  assert.deepEqual(results.map(({ hostname, isFinished }) => [hostname, isFinished]), [["h", true]]);
  results.splice(0);
  scheduler.answer = ({ payload }) => {
    const entry = { ...host("h"), host_type: "normal" };
    return payload["task_id"] === hex
      ? done({ success_tasks: [entry], failure_tasks: null })
      : done({ success_tasks: null, failure_tasks: [{ ...entry, description: "its disk is gone" }] });
  };
  await task("delete_task", { url });
  assert.deepEqual(said(), [["", "h", "its disk is gone"]], "something of it is still there");
});

Deno.test("a scheduler that cannot be reached is no stock one", async () => {
  const gone = new DamselflyError("unavailable", "it cannot be reached");
  const { runtime, clock } = stage();
  const unused = () => Promise.reject(new Error("it is not asked"));
  const calls = new StockCalls({
    ...{ clock, images: { blobs: unused }, trust, log: runtime.log, queue: { run: unused } },
    calls: { isOurs: () => Promise.reject(gone), preheat: unused, task: unused, hosts: unused },
  });
  await assert.rejects(
    calls.task("get_task", SCHEDULER, taskRequest({ task_id: "x" } as TaskArgs), () => {}, NEVER),
    gone,
  );
});
