import assert from "node:assert/strict";
import type { JobState } from "../store/jobs.ts";
import type { JsonObject } from "../store/records.ts";
import type { JobOrder } from "./job_runner.ts";
import { type Rest, startRest } from "./start_rest_test.ts";

const IMAGE = "https://harbor.corp/v2/team/app/manifests/v1";
/** As Harbor 2.11 orders it. */
const ORDER = {
  ...{ type: "image", url: IMAGE, headers: { Authorization: "Bearer hush" } },
  ...{ image: "team/app", tag: "v1", digest: `sha256:${"a".repeat(64)}` },
};

/** The API, and what was ordered. */
async function start(requireToken: boolean): Promise<{ rest: Rest; orders: JobOrder[] }> {
  const orders: JobOrder[] = [];
  const rest: Rest = await startRest({
    legacyPreheats: { requireToken },
    jobs: {
      types: new Set(["preheat"]),
      start: (order) => {
        orders.push(order);
        const job = { ...order, taskId: "group", state: "PENDING" as const, result: {}, seedPeerClusterIds: [] };
        return rest.store.jobs.create(job);
      },
      cancel: () => Promise.resolve(),
      retry: () => Promise.reject(new Error("Harbor never asks for that")),
    },
  });
  return { rest, orders };
}

Deno.test("the old API of preheats is not served unless it is configured", async () => {
  await using rest = await startRest();
  for (const path of ["/_ping", "/preheats/1"]) assert.equal((await rest.send("GET", path)).status, 404);
  assert.equal((await rest.send("POST", "/preheats", { body: ORDER })).status, 404);
});

Deno.test("an old Harbor orders a preheat, and is told in its own words how it stands", async () => {
  const { rest, orders } = await start(false);
  await using _rest = rest;
  assert.equal((await rest.send("GET", "/_ping", { token: null })).status, 200);
  const { id } = await rest.json("POST", "/preheats", { token: null, body: { ...ORDER, filteredQueryParams: "a&b" } });
  assert.equal(id, "1");
  assert.deepEqual(orders[0]?.args, {
    ...{ type: "image", url: IMAGE, headers: { Authorization: "Bearer hush" }, filtered_query_params: "a&b" },
  });
  const show = async (state: JobState, result: JsonObject) => {
    await rest.store.jobs.update(1, { state, result });
    return await rest.json("GET", "/preheats/1", { token: null });
  };
  const [shown] = [await show("PENDING", {})];
  assert.deepEqual([shown.id, shown.status, shown.finishTime, shown.errorMsg], ["1", "WAITING", undefined, undefined]);
  assert.ok(!Number.isNaN(Date.parse(shown.startTime)));
  assert.equal((await show("PENDING", { job_states: [{ state: "PENDING", error: "" }] })).status, "RUNNING");
  const done = await show("SUCCESS", { job_states: [{ error: "" }] });
  assert.deepEqual([done.status, done.errorMsg, Number.isNaN(Date.parse(done.finishTime))], [
    "SUCCESS",
    undefined,
    false,
  ]);
  const failed = await show("FAILURE", { job_states: [{ error: "no seed peer" }, { error: "" }, { error: "404" }] });
  assert.deepEqual([failed.status, failed.errorMsg], ["FAIL", "no seed peer; 404"]);
});

Deno.test("with tokens required, only one with scope job opens the old API", async () => {
  const { rest, orders } = await start(true);
  await using _rest = rest;
  const token = async (name: string, scopes: string[]) => {
    const body = { name, user_id: 1, expired_at: "2099-01-01T00:00:00Z", scopes };
    return (await rest.json("POST", "/api/v1/personal-access-tokens", { body })).token;
  };
  const status = async (token: string | null) => {
    return (await rest.send("POST", "/preheats", { token, body: ORDER })).status;
  };
  assert.deepEqual([await status(null), await status("guess"), await status(await token("c", ["cluster"]))], [
    ...[401, 401, 403],
  ]);
  assert.equal((await rest.send("GET", "/preheats/1", { token: null })).status, 401);
  assert.equal((await rest.send("GET", "/_ping", { token: null })).status, 200);
  assert.equal(orders.length, 0);
  assert.equal(await status(await token("j", ["job"])), 200);
  assert.equal(orders[0]?.userId, 1);
});

Deno.test("what is no preheat is not shown, and a wrong order is told by its argument", async () => {
  const { rest } = await start(false);
  await using _rest = rest;
  const job = { type: "get_task", bio: "", userId: 1, args: {}, taskId: "", state: "SUCCESS" as const, result: {} };
  await rest.store.jobs.create({ ...job, schedulerClusterIds: [], seedPeerClusterIds: [] });
  assert.equal((await rest.send("GET", "/preheats/1")).status, 404);
  assert.equal((await rest.send("GET", "/preheats/9")).status, 404);
  for (
    const body of [{ type: "image" }, { ...ORDER, type: "layer" }, { ...ORDER, url: "app:v1" }, {
      ...ORDER,
      headers: 7,
    }]
  ) {
    assert.equal((await rest.send("POST", "/preheats", { body })).status, 422, JSON.stringify(body));
  }
});

Deno.test("whoever sends a password in place of a token is told what to send", async () => {
  await using rest = await startRest();
  const headers = { authorization: `Basic ${btoa("admin:hush")}` };
  const response = await rest.send("GET", "/oapi/v1/jobs", { token: null, headers });
  assert.equal(response.status, 401);
  const { message } = await response.json();
  assert.match(message, /^Unauthorized: send a personal access token as Authorization: Bearer/);
});
