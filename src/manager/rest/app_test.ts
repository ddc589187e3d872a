import assert from "node:assert/strict";
import { MemoryLog } from "../../testing/memory_log.ts";
import { MemoryMetrics } from "../../testing/memory_metrics.ts";
import { memoryStore } from "../../testing/memory_store.ts";
import { seededRandom } from "../../testing/seeded_random.ts";
import { VirtualClock } from "../../testing/virtual_clock.ts";
import { fillEmptyStore } from "../first_start.ts";
import type { Store } from "../store/store.ts";
import { schedulerInput } from "../store/store_builders_test.ts";
import { createRestApp } from "./app.ts";
import { Sessions } from "./sessions.ts";

const PASSWORD = "correct horse";
const HOUR_MS = 60 * 60_000;
const CONFIGS = { scheduler_cluster_config: {}, seed_peer_cluster_config: {}, peer_cluster_config: {} };

interface Rest extends AsyncDisposable {
  readonly clock: VirtualClock;
  readonly store: Store;
  readonly log: MemoryLog;
  readonly metrics: MemoryMetrics;
  readonly sessions: Sessions;
  /** Sends a request, with a live session unless `token` says otherwise. */
  send(method: string, path: string, options?: SendOptions): Promise<Response>;
}

interface SendOptions {
  readonly body?: unknown;
  readonly token?: string | null;
  readonly headers?: Record<string, string>;
  readonly from?: string;
}

async function startRest(): Promise<Rest> {
  const clock = new VirtualClock();
  const log = new MemoryLog();
  const metrics = new MemoryMetrics();
  const store = await memoryStore(clock);
  await fillEmptyStore({ store, random: seededRandom(1), log, env: () => PASSWORD });
  const options = { realm: "Dragonfly", key: "secret", timeout: 2 * HOUR_MS, maxRefresh: HOUR_MS };
  const sessions = new Sessions(options, clock);
  const app = createRestApp({ store, sessions, realm: options.realm, clock, log, metrics });
  return {
    clock,
    store,
    log,
    metrics,
    sessions,
    async send(method, path, { body, token, headers = {}, from = "192.0.2.1" } = {}) {
      const bearer = token === undefined ? (await sessions.open(1)).token : token;
      const init = {
        method,
        headers: { ...(bearer === null ? {} : { authorization: `Bearer ${bearer}` }), ...headers },
        ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
      };
      return await app.request(path, init, { remote: { hostname: from, port: 1 } });
    },
    [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
  };
}

function signIn(rest: Rest, credentials: { name?: string; password?: string }, from?: string): Promise<Response> {
  const body = { name: "root", password: PASSWORD, ...credentials };
  return rest.send("POST", "/api/v1/users/signin", { body, token: null, ...(from === undefined ? {} : { from }) });
}

Deno.test("health needs no session and answers a JSON string", async () => {
  await using rest = await startRest();
  const response = await rest.send("GET", "/healthy", { token: null });
  assert.deepEqual([response.status, await response.text()], [200, '"OK"']);
});

Deno.test("everything below /api but signing in needs a session, whether it exists or not", async () => {
  await using rest = await startRest();
  const paths: [string, string][] = [
    ["GET", "/api/v1/clusters"],
    ["POST", "/api/v1/clusters"],
    ["GET", "/api/v1/clusters/1"],
    ["PATCH", "/api/v1/clusters/1"],
    ["DELETE", "/api/v1/clusters/1"],
    ["GET", "/api/v1/users"],
    ["GET", "/api/v1/users/signin"],
    ["GET", "/api/v2/anything"],
    ["GET", "/api"],
  ];
  for (const [method, path] of paths) {
    for (const token of [null, "garbage", "a.b.c"]) {
      const response = await rest.send(method, path, { token });
      assert.equal(response.status, 401, `${method} ${path}`);
      assert.deepEqual(await response.json(), { message: "Unauthorized" });
      assert.equal(response.headers.get("www-authenticate"), "JWT realm=Dragonfly");
    }
  }
});

Deno.test("a path that does not exist is not found", async () => {
  await using rest = await startRest();
  for (const [path, token] of [["/api/v1/nothing", undefined], ["/metrics", null], ["/", null]] as const) {
    const response = await rest.send("GET", path, token === undefined ? {} : { token });
    assert.deepEqual([response.status, await response.json()], [404, { message: "Not found" }]);
  }
});

Deno.test("signing in gives a token that opens the API as header and as cookie", async () => {
  await using rest = await startRest();
  const response = await signIn(rest, {});
  assert.equal(response.status, 200);
  const { token, expire } = await response.json();
  assert.equal(Date.parse(expire), rest.clock.wallMs() + 2 * HOUR_MS);
  const cookie = response.headers.get("set-cookie") ?? "";
  assert.equal(cookie, `jwt=${token}; Max-Age=7200; Path=/; HttpOnly; SameSite=Strict`);
  const claims = JSON.parse(atob(token.split(".")[1]));
  assert.deepEqual(claims, { id: 1, exp: Date.parse(expire) / 1000, orig_iat: rest.clock.wallMs() / 1000 });
  assert.equal((await rest.send("GET", "/api/v1/clusters", { token })).status, 200);
  const headers = { cookie: `jwt=${token}` };
  assert.equal((await rest.send("GET", "/api/v1/clusters", { token: null, headers })).status, 200);
  assert.equal((await rest.send("GET", `/api/v1/clusters?token=${token}`, { token: null })).status, 401);
});

Deno.test("behind TLS the cookie is for TLS only", async () => {
  await using rest = await startRest();
  const headers = { "x-forwarded-proto": "https" };
  const body = { name: "root", password: PASSWORD };
  const response = await rest.send("POST", "/api/v1/users/signin", { body, headers, token: null });
  assert.match(response.headers.get("set-cookie") ?? "", /; Secure/);
});

Deno.test("a session ends, and one signed with another key or without one is none", async () => {
  await using rest = await startRest();
  const { token } = await rest.sessions.open(1);
  const get = async (given: string) => (await rest.send("GET", "/api/v1/clusters", { token: given })).status;
  await rest.clock.advance(2 * HOUR_MS - 1);
  assert.equal(await get(token), 200);
  await rest.clock.advance(1);
  assert.equal(await get(token), 401);
  const other = new Sessions({ realm: "", key: "other", timeout: HOUR_MS, maxRefresh: 0 }, rest.clock);
  assert.equal(await get((await other.open(1)).token), 401);
  assert.equal(await get((await rest.sessions.open(99)).token), 401, "a user who does not exist");
  const payload = btoa(JSON.stringify({ id: 1, exp: 9e9, orig_iat: 1 })).replaceAll("=", "");
  assert.equal(await get(`${btoa('{"alg":"none","typ":"JWT"}').replaceAll("=", "")}.${payload}.`), 401);
});

Deno.test("a session is renewed while it lives and for a while after, then not", async () => {
  await using rest = await startRest();
  const { token } = await rest.sessions.open(1);
  const renew = () => rest.send("POST", "/api/v1/users/refresh_token", { token });
  await rest.clock.advance(3 * HOUR_MS - 1);
  const response = await renew();
  assert.equal(response.status, 200);
  const { token: renewed } = await response.json();
  assert.equal((await rest.send("GET", "/api/v1/clusters", { token: renewed })).status, 200);
  await rest.clock.advance(1);
  assert.equal((await renew()).status, 401);
});

Deno.test("signing out takes the cookie back", async () => {
  await using rest = await startRest();
  const response = await rest.send("POST", "/api/v1/users/signout");
  assert.deepEqual([response.status, await response.text()], [200, ""]);
  assert.match(response.headers.get("set-cookie") ?? "", /^jwt=; Max-Age=0; Path=\//);
  assert.equal((await rest.send("POST", "/api/v1/users/signout", { token: null })).status, 401);
});

Deno.test("a wrong name, a wrong password and a wrong body are told apart by nobody", async () => {
  await using rest = await startRest();
  const bodies = [{ name: "root", password: "wrong password" }, { name: "nobody", password: PASSWORD }, {}, "{", "[]"];
  for (const body of bodies) {
    const response = await rest.send("POST", "/api/v1/users/signin", { body, token: null });
    assert.deepEqual([response.status, await response.json()], [401, { message: "Unauthorized" }]);
    assert.equal(response.headers.get("set-cookie"), null);
  }
});

Deno.test("after five failures an address must wait before it tries that name again", async () => {
  await using rest = await startRest();
  for (let count = 0; count < 5; count++) {
    assert.equal((await signIn(rest, { password: "wrong password" })).status, 401);
  }
  const refused = await signIn(rest, {});
  assert.equal(refused.status, 429);
  assert.equal(refused.headers.get("retry-after"), "300");
  assert.equal((await signIn(rest, {}, "192.0.2.2")).status, 200, "another address is not locked out");
  await rest.clock.advance(5 * 60_000);
  assert.equal((await signIn(rest, {})).status, 200);
});

Deno.test("signing in rightly again and again is no failure", async () => {
  await using rest = await startRest();
  for (let count = 0; count < 7; count++) assert.equal((await signIn(rest, {})).status, 200);
});

Deno.test("neither passwords nor tokens are logged", async () => {
  await using rest = await startRest();
  const { token } = await (await signIn(rest, {})).json();
  await signIn(rest, { password: "wrong password" });
  await rest.store[Symbol.asyncDispose]();
  assert.equal((await rest.send("GET", "/api/v1/clusters?token=query-secret", { token })).status, 500);
  const text = JSON.stringify(rest.log.lines);
  assert.ok(rest.log.lines.some(({ message }) => message === "A REST handler failed"));
  for (const secret of [PASSWORD, "wrong password", token, "query-secret"]) assert.ok(!text.includes(secret), secret);
});

Deno.test("the first cluster has Dragonfly's defaults and shape", async () => {
  await using rest = await startRest();
  const response = await rest.send("GET", "/api/v1/clusters/1");
  const now = new Date(rest.clock.wallMs()).toISOString();
  assert.deepEqual(await response.json(), {
    id: 1,
    name: "cluster-1",
    bio: "",
    scopes: {},
    scheduler_cluster_id: 1,
    seed_peer_cluster_id: 1,
    scheduler_cluster_config: { candidate_parent_limit: 3, filter_parent_limit: 15, job_rate_limit: 10 },
    seed_peer_cluster_config: { load_limit: 2_000 },
    peer_cluster_config: { load_limit: 200 },
    created_at: now,
    updated_at: now,
    is_default: true,
  });
  assert.equal(response.headers.get("cache-control"), "no-store");
});

Deno.test("a cluster is created, changed in part, and deleted", async () => {
  await using rest = await startRest();
  const body = {
    name: "berlin",
    bio: "old",
    scopes: { idc: "b1|b2", location: null, cidrs: ["10.0.0.0/8"], hostnames: null },
    scheduler_cluster_config: { candidate_parent_limit: 4, filter_parent_limit: 0 },
    seed_peer_cluster_config: { load_limit: 50, block_list: { task: { download: { urls: null, tags: ["x"] } } } },
    peer_cluster_config: {},
    unknown: 1,
  };
  const created = await (await rest.send("POST", "/api/v1/clusters", { body })).json();
  assert.deepEqual(created.scopes, { idc: "b1|b2", cidrs: ["10.0.0.0/8"] });
  assert.deepEqual(created.scheduler_cluster_config, { candidate_parent_limit: 4 });
  assert.deepEqual(created.seed_peer_cluster_config.block_list, { task: { download: { tags: ["x"] } } });
  assert.equal(created.is_default, false);
  const path = `/api/v1/clusters/${created.id}`;
  const changed = await (await rest.send("PATCH", path, { body: { bio: "new", name: "", scopes: null } })).json();
  assert.deepEqual(changed, { ...created, bio: "new" });
  assert.equal((await rest.send("GET", path)).status, 200);
  const deleted = await rest.send("DELETE", path);
  assert.deepEqual([deleted.status, await deleted.text()], [200, ""]);
  for (const method of ["GET", "DELETE"]) assert.equal((await rest.send(method, path)).status, 404);
  assert.equal((await rest.send("PATCH", path, { body: {} })).status, 404);
});

Deno.test("a change that does not speak of the default leaves it, and making another one the default moves it", async () => {
  await using rest = await startRest();
  const { id } = await (await rest.send("POST", "/api/v1/clusters", { body: { name: "b", ...CONFIGS } })).json();
  const defaults = async () => {
    const clusters = await (await rest.send("GET", "/api/v1/clusters")).json();
    return clusters.filter((c: { is_default: boolean }) => c.is_default).map((c: { id: number }) => c.id);
  };
  await rest.send("PATCH", "/api/v1/clusters/1", { body: { bio: "x" } });
  assert.deepEqual(await defaults(), [1]);
  const refused = await rest.send("PATCH", "/api/v1/clusters/1", { body: { is_default: false } });
  assert.equal(refused.status, 409);
  assert.match((await refused.json()).message, /make another one the default/);
  assert.equal((await rest.send("DELETE", "/api/v1/clusters/1")).status, 409);
  await rest.send("PATCH", `/api/v1/clusters/${id}`, { body: { is_default: true } });
  assert.deepEqual(await defaults(), [id]);
  assert.equal((await rest.send("DELETE", "/api/v1/clusters/1")).status, 200);
});

Deno.test("a cluster with a live scheduler is not deleted, and the answer names it", async () => {
  await using rest = await startRest();
  const { id } = await (await rest.send("POST", "/api/v1/clusters", { body: { name: "b", ...CONFIGS } })).json();
  const scheduler = await rest.store.schedulers.upsert(schedulerInput({ clusterId: id }));
  await rest.store.schedulers.keepAlive(scheduler);
  const response = await rest.send("DELETE", `/api/v1/clusters/${id}`);
  assert.equal(response.status, 409);
  assert.match((await response.json()).message, /stop its schedulers first: scheduler-1/);
});

Deno.test("what is wrong with a cluster is said by field, with what was written", async () => {
  await using rest = await startRest();
  const cases: [unknown, RegExp][] = [
    ["{", /not JSON/],
    [{ ...CONFIGS }, /name/],
    [{ name: "", ...CONFIGS }, /name/],
    [{ name: "x\0y", ...CONFIGS }, /name: .*control characters/],
    [{ name: "x" }, /scheduler_cluster_config.*seed_peer_cluster_config.*peer_cluster_config/],
    [{ name: "x", ...CONFIGS, scopes: { cidrs: ["10.0.0.0/99"] } }, /scopes: .*10\.0\.0\.0\/99/],
    [{ name: "x", ...CONFIGS, scopes: { hostnames: ["node-("] } }, /scopes: .*node-\(/],
    [{ name: "x", ...CONFIGS, scheduler_cluster_config: { candidate_parent_limit: 21 } }, /candidate_parent_limit/],
    [{ name: "x", ...CONFIGS, peer_cluster_config: { load_limit: "many" } }, /load_limit/],
    [
      { name: "x", ...CONFIGS, peer_cluster_config: { block_list: { task: { download: { urls: ["("] } } } } },
      /peer_cluster_config\.block_list\.task\.download\.urls\.0: .*"\("/,
    ],
  ];
  for (const [body, message] of cases) {
    const response = await rest.send("POST", "/api/v1/clusters", { body });
    assert.equal(response.status, 422, String(message));
    assert.match((await response.json()).errors, message);
  }
  assert.equal((await rest.send("GET", "/api/v1/clusters/one")).status, 422);
  assert.equal((await rest.send("GET", "/api/v1/clusters?page=0")).status, 422);
  const taken = await rest.send("POST", "/api/v1/clusters", { body: { name: "cluster-1", ...CONFIGS } });
  assert.equal(taken.status, 409);
  assert.match((await taken.json()).message, /"cluster-1"/);
});

Deno.test("a list comes in pages whose number is in the Link header, or by name", async () => {
  await using rest = await startRest();
  for (const name of ["b", "c"]) await rest.send("POST", "/api/v1/clusters", { body: { name, ...CONFIGS } });
  const response = await rest.send("GET", "/api/v1/clusters?per_page=2&page=2");
  assert.deepEqual((await response.json()).map((cluster: { name: string }) => cluster.name), ["c"]);
  assert.equal(
    response.headers.get("link"),
    [
      "</api/v1/clusters?page=1&per_page=2>;rel=prev",
      "</api/v1/clusters?page=2&per_page=2>;rel=next",
      "</api/v1/clusters?page=1&per_page=2>;rel=first",
      "</api/v1/clusters?page=2&per_page=2>;rel=last",
    ].join(","),
  );
  const none = await rest.send("GET", "/api/v1/clusters?name=nothing");
  assert.deepEqual(await none.json(), []);
  assert.match(none.headers.get("link") ?? "", /name=nothing&page=0&per_page=10>;rel=last$/);
});

Deno.test("a body has a limit of size", async () => {
  await using rest = await startRest();
  const body = { name: "x", bio: "x".repeat(1024 * 1024) };
  assert.equal((await rest.send("POST", "/api/v1/clusters", { body })).status, 413);
  assert.equal((await rest.send("POST", "/api/v1/users/signin", { body, token: null })).status, 413);
});

Deno.test("requests are counted by route and never by path", async () => {
  await using rest = await startRest();
  await rest.send("GET", "/api/v1/clusters/1");
  await rest.send("GET", "/api/v1/clusters/99");
  await rest.send("GET", "/api/v1/nothing-of-that-kind");
  const text = await rest.metrics.expose();
  assert.match(text, /manager_requests_total\{code="200",method="GET",url="\/api\/v1\/clusters\/:id"\} 1/);
  assert.match(text, /manager_requests_total\{code="404",method="GET",url="\/api\/v1\/clusters\/:id"\} 1/);
  assert.ok(!text.includes("nothing-of-that-kind"));
});
