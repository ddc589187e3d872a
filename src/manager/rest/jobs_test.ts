import assert from "node:assert/strict";
import { DamselflyError } from "../../core/error.ts";
import type { JobOrder, JobRunner } from "./job_runner.ts";
import { CONFIGS, type Rest, type SendOptions, startRest } from "./start_rest_test.ts";

const IMAGE = "https://registry.corp/v2/a/manifests/1";
const MIB = 1024 * 1024;

/** An object of so many objects, one in the other. */
function nested(depth: number): Record<string, unknown> {
  return depth === 0 ? {} : { in: nested(depth - 1) };
}

/** Stores what it is ordered, and runs nothing. */
class NotingRunner implements JobRunner {
  readonly types = new Set(["preheat", "sync_peers"]);
  readonly orders: JobOrder[] = [];
  readonly cancelled: string[] = [];
  readonly retried: number[] = [];
  rest: Rest | undefined;

  async start(order: JobOrder) {
    this.orders.push(order);
    if (order.type === "sync_peers") return { answer: "OK" };
    if (this.rest === undefined) throw new DamselflyError("failed_precondition", "candidate schedulers not found");
    return await this.rest.store.jobs.create({
      ...{ ...order, taskId: "group", state: "PENDING" as const, result: {}, seedPeerClusterIds: [] },
    });
  }

  async cancel(id: number, by: string): Promise<void> {
    this.cancelled.push(`${id} by ${by}`);
    await this.rest?.store.jobs.update(id, { state: "FAILURE" });
  }

  async retry(id: number) {
    this.retried.push(id);
    if (this.rest === undefined) throw new DamselflyError("failed_precondition", "its order is not kept any more");
    return await this.rest.store.jobs.update(id, { state: "PENDING" });
  }
}

async function start(): Promise<
  { rest: Rest; jobs: NotingRunner; order: (body: unknown, options?: SendOptions) => Promise<Response> }
> {
  const jobs = new NotingRunner();
  const rest = await startRest({ jobs });
  jobs.rest = rest;
  return { rest, jobs, order: (body, options = {}) => rest.send("POST", "/api/v1/jobs", { body, ...options }) };
}

Deno.test("a preheat is ordered with its arguments cleaned, as Harbor and old scripts write them", async () => {
  const { rest, jobs, order } = await start();
  await using _rest = rest;
  const args = {
    ...{ type: "image", url: IMAGE, tag: "", filteredQueryParams: "a&b", concurrent_count: 0, timeout: 0, scope: "" },
    ...{
      headers: { Authorization: "Bearer secret" },
      count: 0,
      ips: null,
      platform: "",
      pieceLength: 8 * MIB,
      later: 1,
    },
  };
  const response = await order({ type: "preheat", args, scheduler_cluster_ids: null });
  assert.equal(response.status, 200);
  const job = await response.json();
  assert.deepEqual([job.id, job.state, job.result, job.type, job.user_id], [1, "PENDING", null, "preheat", 1]);
  assert.deepEqual([job.scheduler_clusters, job.seed_peer_clusters, job.task_id], [[], [], "group"]);
  assert.deepEqual(jobs.orders[0]?.args, {
    ...{ type: "image", url: IMAGE, headers: { Authorization: "Bearer secret" } },
    ...{ piece_length: 8 * MIB, filtered_query_params: "a&b" },
  });
});

Deno.test("of two spellings of an argument the new one counts", async () => {
  const { rest, jobs, order } = await start();
  await using _rest = rest;
  const spellings = [{ filteredQueryParams: "old", filtered_query_params: "new" }];
  spellings.push({ filtered_query_params: "new", filteredQueryParams: "old" });
  for (const args of spellings) await order({ type: "preheat", args: { type: "image", url: IMAGE, ...args } });
  assert.deepEqual(jobs.orders.map(({ args }) => args["filtered_query_params"]), ["new", "new"]);
});

Deno.test("secrets of a job are in no answer", async () => {
  const { rest, order } = await start();
  await using _rest = rest;
  const args = {
    ...{
      type: "file",
      urls: ["https://me:hush1@s3.corp/x?X-Amz-Signature=hush2&auth_key=hush9&versionId=7"],
      username: "me",
    },
    ...{ password: "hush3", headers: { "X-Registry-Auth": "hush4", "X-JFrog-Art-Api": "hush5", Accept: "text/plain" } },
    hdfs: { ...nested(20), access_key_secret: "hush6", session_token: "hush7", token: "", secret: null },
  };
  const made = await (await order({ type: "preheat", args })).json();
  await rest.store.jobs.update(1, { result: { job_states: [{ error: "https://me:hush8@s3.corp refused" }] } });
  const texts = [made, await rest.json("GET", "/api/v1/jobs"), await rest.json("GET", "/api/v1/jobs/1")]
    .concat(await rest.json("PATCH", "/api/v1/jobs/1", { body: { bio: "x" } })).map((json) => JSON.stringify(json));
  for (const text of texts) assert.ok(!text.includes("hush"), text);
  assert.deepEqual(made.args.urls, ["https://******@s3.corp/x?X-Amz-Signature=******&auth_key=******&versionId=7"]);
  assert.deepEqual([made.args.headers.Accept, made.args.username], ["text/plain", "me"]);
  const { access_key_secret: _, session_token: __, token, secret, ...deep } = made.args.hdfs;
  assert.deepEqual([token, secret], ["", null], "nothing to hide");
  assert.equal(JSON.stringify(deep), JSON.stringify(nested(15)).replace("{}", '"******"'));
  const object_storage = { access_key_id: "id", access_key_secret: "hush10", session_token: "hush11" };
  const objects = { type: "file", urls: ["s3://models/a"], object_storage };
  const { args: shown } = await (await order({ type: "preheat", args: objects })).json();
  const hidden = { access_key_id: "id", access_key_secret: "******", session_token: "******" };
  assert.deepEqual(shown.object_storage, hidden);
});

Deno.test("what is wrong with a job is said by its argument", async () => {
  const { rest, order } = await start();
  await using _rest = rest;
  const cases: [string, unknown, RegExp][] = [
    ["preheat", { type: "image" }, /args: an image needs url/],
    ["preheat", { type: "file", url: "" }, /args: files need url or urls/],
    ["preheat", { type: "image", url: "registry/x" }, /args\.url/],
    ["preheat", { type: "layer", url: IMAGE }, /args\.type/],
    ["preheat", { type: "image", url: "s3://b/k" }, /args: an image is at a registry/],
    ["preheat", { type: "file", url: "gs://b/k" }, /args\.url.*s3/],
    [
      "preheat",
      { type: "file", urls: ["s3://b/k", IMAGE], object_storage: {} },
      /object_storage is only for files with s3/,
    ],
    ["preheat", { type: "image", url: IMAGE, object_storage: {} }, /object_storage is only for files with s3/],
    ["preheat", { type: "image", url: IMAGE, percentage: 101 }, /args\.percentage/],
    ["preheat", { type: "image", url: IMAGE, piece_length: MIB }, /args\.piece_length/],
    ["preheat", { type: "image", url: IMAGE, scope: "everywhere" }, /args\.scope/],
    ["get_task", {}, /one of task_id, url/],
    ["delete_task", { tag: "x" }, /one of task_id, url/],
    ["gc", { type: "peers" }, /args\.type/],
    ["get_image_distribution", {}, /args\.url/],
    ["toString", {}, /^Unknow type$/],
  ];
  for (const [type, args, message] of cases) {
    const response = await order({ type, args });
    assert.equal(response.status, 422, `${type} ${message}`);
    assert.match((await response.json()).errors, message);
  }
  assert.equal(
    (await order({ type: "preheat", args: { type: "image", url: IMAGE }, scheduler_cluster_ids: [99] })).status,
    404,
  );
});

Deno.test("a job that nobody runs is refused, and leaves no row that waits for ever", async () => {
  await using rest = await startRest();
  const response = await rest.send("POST", "/api/v1/jobs", {
    body: { type: "preheat", args: { type: "image", url: IMAGE } },
  });
  assert.equal(response.status, 501);
  assert.match((await response.json()).message, /type preheat are not run/);
  assert.deepEqual(await rest.json("GET", "/api/v1/jobs"), []);
});

Deno.test("a job with an answer at once gives it", async () => {
  const { rest, order } = await start();
  await using _rest = rest;
  assert.equal(await (await order({ type: "sync_peers" })).text(), '"OK"');
});

Deno.test("a cluster gets as many jobs per second as its limit says", async () => {
  const { rest, order } = await start();
  await using _rest = rest;
  const body = { name: "b", ...CONFIGS, scheduler_cluster_config: { job_rate_limit: 2 } };
  const { id } = await rest.json("POST", "/api/v1/clusters", { body });
  const status = async (ids: number[]) => {
    return (await order({ type: "sync_peers", scheduler_cluster_ids: ids })).status;
  };
  assert.deepEqual([await status([id]), await status([id, 1])], [200, 200]);
  const refused = await order({ type: "sync_peers", scheduler_cluster_ids: [1, id] });
  assert.deepEqual([refused.status, await refused.text()], [429, "rate limit exceeded"]);
  assert.equal(await status([1]), 200, "another cluster has its own");
  await rest.clock.advance(500);
  assert.deepEqual([await status([id]), await status([id])], [200, 429]);
  for (let count = 0; count < 20; count++) assert.equal(await status([]), 200);
});

Deno.test("jobs are listed by what they are and how they stand, and only known states are shown", async () => {
  const { rest, jobs, order } = await start();
  await using _rest = rest;
  for (let count = 0; count < 3; count++) {
    await order({ type: "preheat", args: { type: "image", url: IMAGE }, scheduler_cluster_ids: [1] });
  }
  await rest.store.jobs.update(2, { state: "STARTED", result: { state: "STARTED" } });
  await rest.store.jobs.update(3, { state: "SUCCESS", result: { job_states: [] } });
  const states = (await rest.json("GET", "/api/v1/jobs")).map(({ state }: { state: string }) => state);
  assert.deepEqual(states.sort(), ["PENDING", "PENDING", "SUCCESS"]);
  const [done] = await rest.json("GET", "/api/v1/jobs?state=SUCCESS&type=preheat");
  assert.deepEqual([done.id, done.result, done.scheduler_clusters], [3, { job_states: [] }, null]);
  assert.deepEqual((await rest.json("GET", "/api/v1/jobs/1")).scheduler_clusters, [{ id: 1, name: "cluster-1" }]);
  assert.equal((await rest.send("GET", "/api/v1/jobs?state=DONE")).status, 422);
  assert.equal((await rest.send("DELETE", "/api/v1/jobs/2")).status, 200);
  assert.equal((await rest.send("DELETE", "/api/v1/jobs/2")).status, 404);
  assert.deepEqual(jobs.cancelled, ["2 by root"]);
});

Deno.test("a list of jobs has the first entries of each result and how many there are, and one job has all", async () => {
  const { rest, order } = await start();
  await using _rest = rest;
  const entries = (count: number) => Array.from({ length: count }, (_, at) => ({ url: `https://r/${at}` }));
  const ours = { success_tasks: entries(9), success_count: 12_000, contents: entries(2), failure_tasks: entries(5) };
  const stock = { success_tasks: entries(4), failure_tasks: null, peers: entries(3), scheduler_cluster_id: 2 };
  const job_states = [{ state: "SUCCESS", error: "", results: [ours, null] }, { results: [stock] }, null, {}];
  const result = { state: "SUCCESS", job_states, progress: { expected_count: 7 } };
  const results = [result, { purged: 7 }, { job_states: "none" }];
  for (const [at, result] of results.entries()) {
    await order({ type: "preheat", args: { type: "image", url: IMAGE } });
    await rest.store.jobs.update(at + 1, { result });
    assert.deepEqual((await rest.json("GET", `/api/v1/jobs/${at + 1}`)).result, result);
  }
  const rows: { id: number; result: unknown }[] = await rest.json("GET", "/api/v1/jobs");
  const shown = rows.sort((a, b) => a.id - b.id).map((row) => row.result);
  const oursCut = { ...ours, success_tasks: entries(3), content_count: 2, failure_tasks: entries(3), failure_count: 5 };
  const stockCut = { ...stock, success_tasks: entries(3), success_count: 4, peer_count: 3 };
  const cut = [{ state: "SUCCESS", error: "", results: [oursCut, null] }, { results: [stockCut] }, null, {}];
  assert.deepEqual(shown, [{ ...result, job_states: cut }, ...results.slice(1)]);
});

Deno.test("a job is cancelled in somebody's name and stays; one that has ended is not", async () => {
  const { rest, jobs, order } = await start();
  await using _rest = rest;
  await order({ type: "preheat", args: { type: "image", url: IMAGE } });
  const cancelled = await rest.json("POST", "/api/v1/jobs/1/cancel");
  assert.deepEqual([cancelled.id, cancelled.state, jobs.cancelled], [1, "FAILURE", ["1 by root"]]);
  const again = await rest.send("POST", "/api/v1/jobs/1/cancel");
  assert.deepEqual([again.status, (await again.json()).message], [409, "Cannot cancel job 1: it has ended"]);
  assert.equal((await rest.send("POST", "/api/v1/jobs/9/cancel")).status, 404);
  const body = { name: "ci", user_id: 1, expired_at: "2100-01-01T00:00:00Z", scopes: ["job"] };
  const { token } = await rest.json("POST", "/api/v1/personal-access-tokens", { body });
  await order({ type: "preheat", args: { type: "image", url: IMAGE } });
  assert.equal((await rest.json("POST", "/oapi/v1/jobs/2/cancel", { token })).state, "FAILURE");
  assert.equal(jobs.cancelled[1], "2 by token ci");
  const { token: guest } = await rest.guest();
  assert.equal((await rest.send("POST", "/api/v1/jobs/2/cancel", { token: guest })).status, 401);
  assert.equal((await rest.send("POST", "/api/v1/jobs/2/retry", { token: guest })).status, 401);
});

Deno.test("a job is tried again as often as its clusters may get one", async () => {
  const { rest, jobs, order } = await start();
  await using _rest = rest;
  const body = { name: "b", ...CONFIGS, scheduler_cluster_config: { job_rate_limit: 1 } };
  const { id } = await rest.json("POST", "/api/v1/clusters", { body });
  await order({ type: "preheat", args: { type: "image", url: IMAGE }, scheduler_cluster_ids: [id] });
  assert.equal((await rest.send("POST", "/api/v1/jobs/1/retry")).status, 429);
  await rest.clock.advance(1_000);
  assert.equal((await rest.json("POST", "/api/v1/jobs/1/retry")).state, "PENDING");
  await rest.clock.advance(1_000);
  jobs.rest = undefined;
  const gone = await rest.send("POST", "/oapi/v1/jobs/1/retry", { token: null });
  assert.equal(gone.status, 401);
  const refused = await rest.send("POST", "/api/v1/jobs/1/retry");
  assert.deepEqual([refused.status, (await refused.json()).message], [409, "its order is not kept any more"]);
  assert.deepEqual(jobs.retried, [1, 1]);
});
