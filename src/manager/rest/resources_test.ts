import assert from "node:assert/strict";
import { schedulerInput } from "../store/store_builders_test.ts";
import { CONFIGS, type Rest, startRest } from "./start_rest_test.ts";

function nowOf(rest: Rest): string {
  return new Date(rest.clock.wallMs()).toISOString();
}

/** The columns of a row that was made now. */
function row(rest: Rest, id: number) {
  return { id, created_at: nowOf(rest), updated_at: nowOf(rest), is_del: 0 };
}

/** The first scheduler cluster, where it is mentioned. */
function firstCluster(rest: Rest) {
  return {
    ...row(rest, 1),
    ...{ name: "cluster-1", bio: "", client_config: { load_limit: 200 }, seed_client_config: {}, scopes: {} },
    config: { candidate_parent_limit: 3, filter_parent_limit: 15, job_rate_limit: 10 },
    ...{ is_default: true, seed_peer_clusters: null, schedulers: null, peers: null, jobs: null },
  };
}

/** What a group of routes must do alike. */
interface Resource {
  readonly path: string;
  readonly body: Record<string, unknown>;
  /** A change, and what it makes of the row. */
  readonly patch?: { readonly body: Record<string, unknown>; readonly changed: Record<string, unknown> };
  /** A filter that fits the row, and one that does not. */
  readonly filters?: readonly [string, string];
  /** Bodies that are refused, and what the answer names. */
  readonly wrong: readonly (readonly [Record<string, unknown>, RegExp])[];
  readonly reply: (rest: Rest) => Record<string, unknown>;
}

const RESOURCES: readonly Resource[] = [{
  path: "/api/v1/scheduler-clusters",
  body: {
    name: "s",
    config: { candidate_parent_limit: 5 },
    client_config: { load_limit: 100 },
    seed_client_config: {},
    scopes: { idc: "x" },
    seed_peer_cluster_id: 1,
  },
  patch: { body: { bio: "new", name: "" }, changed: { bio: "new" } },
  filters: ["name=s", "name=other"],
  wrong: [[{ name: "" }, /name/], [{ config: { candidate_parent_limit: 21 } }, /candidate_parent_limit/]],
  reply: (rest) => ({
    ...row(rest, 2),
    ...{ name: "s", bio: "", config: { candidate_parent_limit: 5 }, client_config: { load_limit: 100 } },
    ...{ seed_client_config: {}, scopes: { idc: "x" }, is_default: false, schedulers: null, peers: null, jobs: null },
    seed_peer_clusters: [{
      ...row(rest, 1),
      ...{ name: "cluster-1", bio: "", config: { load_limit: 2_000 } },
      ...{ scheduler_clusters: null, seed_peer: null, jobs: null },
    }],
  }),
}, {
  path: "/api/v1/seed-peer-clusters",
  body: { name: "p", config: { load_limit: 300 } },
  patch: { body: { config: { load_limit: 400 } }, changed: { config: { load_limit: 400 } } },
  filters: ["name=p", "name=other"],
  wrong: [[{ name: null }, /name/], [{ config: { load_limit: 50_001 } }, /load_limit/]],
  reply: (rest) => ({
    ...row(rest, 2),
    ...{ name: "p", bio: "", config: { load_limit: 300 }, scheduler_clusters: null, seed_peer: null, jobs: null },
  }),
}, {
  path: "/api/v1/schedulers",
  body: {
    host_name: "h",
    ip: "10.0.0.1",
    port: 8002,
    scheduler_cluster_id: 1,
    config: { manager_keep_alive_interval: 7e9 },
  },
  patch: { body: { features: ["schedule"], port: 0, idc: "x" }, changed: { features: ["schedule"], idc: "x" } },
  filters: ["host_name=h&state=inactive", "scheduler_cluster_id=2"],
  wrong: [[{ ip: "here" }, /ip/], [{ port: 0 }, /port/], [{ features: ["fly"] }, /features/]],
  reply: (rest) => ({
    ...row(rest, 1),
    ...{ config: { manager_keep_alive_interval: 7e9 }, host_name: "h", idc: "", location: "", ip: "10.0.0.1" },
    ...{ port: 8002, state: "inactive", features: ["schedule", "preheat"], last_keep_alive_at: nowOf(rest) },
    ...{ scheduler_cluster_id: 1, scheduler_cluster: null },
  }),
}, {
  path: "/api/v1/seed-peers",
  body: { host_name: "h", type: "super", ip: "fd00::1", port: 4000, download_port: 4001, seed_peer_cluster_id: 1 },
  patch: { body: { location: "eu|de", ip: "" }, changed: { location: "eu|de" } },
  filters: ["type=super&state=inactive&port=4000", "state=active"],
  wrong: [[{ type: "normal" }, /type/], [{ download_port: 70_000 }, /download_port/], [{ host_name: "" }, /host_name/]],
  reply: (rest) => ({
    ...row(rest, 1),
    ...{ host_name: "h", type: "super", idc: "", location: "", ip: "fd00::1", port: 4000, download_port: 4001 },
    ...{ object_storage_port: 0, state: "inactive", seed_peer_cluster_id: 1, seed_peer_cluster: null },
  }),
}, {
  path: "/api/v1/peers",
  body: {
    ...{ host_name: "h", type: "normal", ip: "10.0.0.9", port: 4000, download_port: 4001, proxy_port: 4002 },
    ...{ scheduler_cluster_id: 1, git_version: "2.0" },
  },
  filters: ["type=normal&git_version=2.0", "git_version=1.0"],
  wrong: [[{ type: "huge" }, /type/], [{ proxy_port: 0 }, /proxy_port/]],
  reply: (rest) => ({
    ...row(rest, 1),
    ...{ host_name: "h", type: "normal", idc: "", location: "", ip: "10.0.0.9", port: 4000, download_port: 4001 },
    ...{ proxy_port: 4002, object_storage_port: 0, state: "inactive", os: "", platform: "", platform_family: "" },
    ...{ platform_version: "", kernel_version: "", git_version: "2.0", git_commit: "", build_platform: "" },
    ...{ scheduler_cluster_id: 1, scheduler_cluster: firstCluster(rest) },
  }),
}, {
  path: "/api/v1/applications",
  body: { name: "a", url: "https://a", user_id: 1, priority: { value: 3, urls: [{ regex: "blobs", value: 4 }] } },
  patch: { body: { user_id: 1, url: "https://b" }, changed: { url: "https://b" } },
  filters: ["name=a&user_id=1", "name=b"],
  wrong: [
    [{ priority: { value: 21 } }, /priority\.value/],
    [{ priority: { value: 1, urls: [{ regex: "(", value: 1 }] } }, /priority\.urls\.0\.regex/],
    [{ user_id: 0 }, /user_id/],
  ],
  reply: (rest) => ({
    ...row(rest, 1),
    ...{ name: "a", url: "https://a", bio: "", user_id: 1 },
    priority: { value: 3, urls: [{ regex: "blobs", value: 4 }] },
  }),
}, {
  path: "/api/v1/configs",
  body: { name: "c", value: "v", user_id: 1, bio: "b" },
  patch: { body: { value: "w" }, changed: { value: "w" } },
  filters: ["name=c&value=v", "value=x"],
  wrong: [[{ value: "x".repeat(1_025) }, /value/], [{ name: "gc" }, /value: the setting gc has the form/]],
  reply: (rest) => ({ ...row(rest, 2), name: "c", value: "v", bio: "b", user_id: 1 }),
}, {
  path: "/api/v1/oauth",
  body: { name: "github", client_id: "id", client_secret: "hush", redirect_url: "https://m.corp/cb" },
  patch: { body: { bio: "x", client_secret: "" }, changed: { bio: "x" } },
  filters: ["name=github&client_id=id", "name=google"],
  wrong: [[{ name: "gitlab" }, /name/], [{ redirect_url: "ftp://x" }, /redirect_url/]],
  reply: (rest) => ({ ...row(rest, 1), name: "github", bio: "", client_id: "id", redirect_url: "https://m.corp/cb" }),
}];

for (const { path, body, patch, filters = ["", ""], wrong, reply } of RESOURCES) {
  Deno.test(`${path}: a row is made, found, changed in part and removed`, async () => {
    await using rest = await startRest();
    const made = await rest.json("POST", path, { body: { ...body, unknown: 1 } });
    const { user, ...answered } = made;
    assert.deepEqual(answered, { ...reply(rest), ...(path.endsWith("/peers") ? { scheduler_cluster: null } : {}) });
    if ("user_id" in made) assert.equal(user.name, "root");
    const one = `${path}/${made.id}`;
    const { user: _, ...shown } = await rest.json("GET", one);
    assert.deepEqual(shown, reply(rest));
    const found = async (query: string) =>
      (await rest.json("GET", `${path}?${query}`)).map((entry: { id: number }) => entry.id);
    assert.deepEqual([await found(filters[0]), await found(filters[1])], [[made.id], []]);
    if (patch !== undefined) {
      const changed = await rest.json("PATCH", one, { body: patch.body });
      for (const [key, value] of Object.entries({ ...reply(rest), ...patch.changed })) {
        assert.deepEqual(changed[key], value, key);
      }
    }
    const removed = await rest.send("DELETE", one);
    assert.deepEqual([removed.status, await removed.text()], [200, ""]);
    for (const method of ["GET", "DELETE"]) assert.equal((await rest.send(method, one)).status, 404, method);
    if (patch !== undefined) assert.equal((await rest.send("PATCH", one, { body: patch.body })).status, 404);
  });

  Deno.test(`${path}: what is wrong is named by its field, and a taken name is a conflict`, async () => {
    await using rest = await startRest();
    for (const [change, message] of [...wrong, [{}, /./] as const].slice(0, -1)) {
      const response = await rest.send("POST", path, { body: { ...body, ...change } });
      assert.equal(response.status, 422, JSON.stringify(change));
      assert.match((await response.json()).errors, message);
    }
    await rest.json("POST", path, { body });
    assert.equal((await rest.send("POST", path, { body })).status, 409);
    assert.equal((await rest.send("GET", `${path}/x`)).status, 422);
    assert.equal((await rest.send("GET", `${path}?per_page=0`)).status, 422);
  });
}

Deno.test("every list has pages and says in its Link header how many", async () => {
  await using rest = await startRest();
  const lists = [
    "users",
    "clusters",
    "jobs",
    "audits",
    "personal-access-tokens",
    ...RESOURCES.map(({ path }) => path.split("/")[3] ?? ""),
  ];
  for (const name of lists) {
    const response = await rest.send("GET", `/api/v1/${name}?page=2&per_page=1`);
    assert.equal(response.status, 200, name);
    assert.ok(Array.isArray(await response.json()));
    assert.match(
      response.headers.get("link") ?? "",
      /^<\/api\/v1\/[\w-]+\?page=1&per_page=1>;rel=prev,.*;rel=last$/,
      name,
    );
  }
});

Deno.test("schedulers and seed peers move to another cluster, and a seed peer cluster to another scheduler cluster", async () => {
  await using rest = await startRest();
  const { id, seed_peer_cluster_id } = await rest.json("POST", "/api/v1/clusters", { body: { name: "b", ...CONFIGS } });
  const scheduler = await rest.store.schedulers.upsert(schedulerInput({ clusterId: 1 }));
  const put = async (path: string) => (await rest.send("PUT", `/api/v1/${path}`)).status;
  assert.equal(await put(`scheduler-clusters/${id}/schedulers/${scheduler.id}`), 200);
  assert.equal((await rest.json("GET", `/api/v1/schedulers/${scheduler.id}`)).scheduler_cluster_id, id);
  assert.equal(await put(`scheduler-clusters/99/schedulers/${scheduler.id}`), 404);
  assert.equal(await put(`scheduler-clusters/${id}/schedulers/99`), 404);
  const body = { host_name: "h", type: "super", ip: "10.0.0.1", port: 1, download_port: 1, seed_peer_cluster_id: 1 };
  const seedPeer = await rest.json("POST", "/api/v1/seed-peers", { body });
  assert.equal(await put(`seed-peer-clusters/${seed_peer_cluster_id}/seed-peers/${seedPeer.id}`), 200);
  assert.equal(
    (await rest.json("GET", `/api/v1/seed-peers/${seedPeer.id}`)).seed_peer_cluster_id,
    seed_peer_cluster_id,
  );
  assert.equal(await put(`seed-peer-clusters/99/seed-peers/${seedPeer.id}`), 404);
  const other = await rest.json("POST", "/api/v1/seed-peer-clusters", { body: { name: "other", config: {} } });
  assert.equal(await put(`seed-peer-clusters/${other.id}/scheduler-clusters/${id}`), 200);
  const linked = await rest.json("GET", `/api/v1/scheduler-clusters/${id}`);
  assert.deepEqual(linked.seed_peer_clusters.map((cluster: { id: number }) => cluster.id), [other.id]);
});

Deno.test("a scheduler that has fallen silent is shown as inactive, whatever its row says", async () => {
  await using rest = await startRest();
  const scheduler = await rest.store.schedulers.upsert(schedulerInput({ clusterId: 1 }));
  await rest.store.schedulers.keepAlive(scheduler);
  const state = async () => (await rest.json("GET", `/api/v1/schedulers/${scheduler.id}`)).state;
  assert.equal(await state(), "active");
  await rest.clock.advance(3 * scheduler.keepAliveIntervalMs + 1);
  assert.equal(await state(), "inactive");
});

Deno.test("what schedulers may do, and what rights can be given, can be listed", async () => {
  await using rest = await startRest();
  assert.deepEqual(await rest.json("GET", "/api/v1/scheduler-features"), ["schedule", "preheat"]);
  const permissions = await rest.json("GET", "/api/v1/permissions");
  assert.deepEqual(permissions.slice(0, 2), [
    { object: "applications", action: "*" },
    { object: "applications", action: "read" },
  ]);
});

Deno.test("a client secret is in no answer", async () => {
  await using rest = await startRest();
  const body = { name: "google", client_id: "id", client_secret: "hush" };
  const texts = [await rest.send("POST", "/api/v1/oauth", { body }), await rest.send("GET", "/api/v1/oauth")];
  for (const response of texts) assert.ok(!(await response.text()).includes("hush"));
});

Deno.test("the releases of a cluster's peers are counted, of other clusters' not, and at most a thousand are told", async () => {
  await using rest = await startRest();
  const add = (hostname: string, facts: object) => {
    const place = { ip: "10.0.0.1", port: 1, download_port: 2, proxy_port: 3, scheduler_cluster_id: 1 };
    const body = { host_name: hostname, type: "normal", state: "active", ...place, ...facts };
    return rest.json("POST", "/api/v1/peers", { body });
  };
  for (const [hostname, git_version] of [["a", "v2"], ["b", "v2"], ["c", "v1"]] as const) {
    await add(hostname, { git_version, git_commit: "c" });
  }
  assert.deepEqual(await rest.json("GET", "/api/v1/peers/versions?scheduler_cluster_id=1"), [
    { git_version: "v2", git_commit: "c", state: "active", count: 2 },
    { git_version: "v1", git_commit: "c", state: "active", count: 1 },
  ]);
  assert.deepEqual(await rest.json("GET", "/api/v1/peers/versions?scheduler_cluster_id=9"), []);
  const peers = await rest.store.peers.list({}, { offset: 0, limit: 1 });
  const [{ id: _, createdAtMs: __, updatedAtMs: ___, ...one }] = peers.rows as [typeof peers.rows[0]];
  const many = Array.from({ length: 1_100 }, (_, n) => ({ ...one, hostname: `n${n}`, gitVersion: `v${n}` }));
  await rest.store.peers.replace(1, many);
  assert.equal((await rest.json("GET", "/api/v1/peers/versions?scheduler_cluster_id=1")).length, 1_000);
});
