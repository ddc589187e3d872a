import assert from "node:assert/strict";
import { schedulerInput } from "../store/store_builders_test.ts";
import { CONFIGS, startRest } from "./start_rest_test.ts";

const BLOCKS_NOTHING = { task: null, persistent_task: null, persistent_cache_task: null };

Deno.test("the first cluster has Dragonfly's defaults and shape", async () => {
  await using rest = await startRest();
  const response = await rest.send("GET", "/api/v1/clusters/1");
  const now = new Date(rest.clock.wallMs()).toISOString();
  assert.deepEqual(await response.json(), {
    id: 1,
    name: "cluster-1",
    bio: "",
    scopes: { idc: "", location: "", cidrs: null, hostnames: null },
    scheduler_cluster_id: 1,
    seed_peer_cluster_id: 1,
    scheduler_cluster_config: { candidate_parent_limit: 3, filter_parent_limit: 15, job_rate_limit: 10 },
    seed_peer_cluster_config: { load_limit: 2_000, block_list: BLOCKS_NOTHING },
    peer_cluster_config: { load_limit: 200, block_list: BLOCKS_NOTHING },
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
  assert.deepEqual(created.scopes, { idc: "b1|b2", location: "", cidrs: ["10.0.0.0/8"], hostnames: null });
  const { candidate_parent_limit, filter_parent_limit } = created.scheduler_cluster_config;
  assert.deepEqual([candidate_parent_limit, filter_parent_limit], [4, 0]);
  const { block_list } = created.seed_peer_cluster_config;
  assert.deepEqual(block_list, { ...BLOCKS_NOTHING, task: { download: { tags: ["x"] } } });
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
  assert.match((await taken.json()).message, /"cluster-1": another cluster has this name$/);
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

Deno.test("it is explained which cluster a host belongs to, as peers are answered", async () => {
  await using rest = await startRest();
  const make = async (name: string, scopes: unknown, isLive = true) => {
    const { id } = await rest.json("POST", "/api/v1/clusters", { body: { name, scopes, ...CONFIGS } });
    const scheduler = await rest.store.schedulers.upsert(schedulerInput({ clusterId: id }));
    if (isLive) await rest.store.schedulers.keepAlive(scheduler);
    return id;
  };
  await rest.store.schedulers.keepAlive(await rest.store.schedulers.upsert(schedulerInput({ clusterId: 1 })));
  const byCidr = await make("by-cidr", { cidrs: ["192.168.0.0/16", "10.1.0.0/16"] });
  const byName = await make("by-name", { hostnames: ["^gpu-"] });
  const byIdc = await make("by-idc", { idc: "fra|ber" });
  const byPlace = await make("by-place", { location: "eu|de|fra" });
  const dead = await make("dead", { cidrs: ["10.1.0.0/16"] }, false);
  const ask = (query: string) => rest.json("GET", `/api/v1/clusters/match?${query}`);

  const all = await ask("ip=10.1.2.3&hostname=gpu-7&idc=FRA&location=eu%7Cde%7Cber");
  assert.equal(all.winner, byCidr);
  assert.match(all.reason, /10\.1\.0\.0\/16 of by-cidr/);
  assert.deepEqual(all.clusters.map(({ id }: { id: number }) => id), [byCidr, byName, byIdc, byPlace, 1, dead]);
  assert.deepEqual(
    all.clusters.slice(0, 2).map(({ name, cidr, hostname, idc, location_elements }: Record<string, unknown>) => {
      return { name, cidr, hostname, idc, location_elements };
    }),
    [
      { name: "by-cidr", cidr: "10.1.0.0/16", hostname: null, idc: false, location_elements: 0 },
      { name: "by-name", cidr: null, hostname: "^gpu-", idc: false, location_elements: 0 },
    ],
  );
  assert.equal(all.clusters[3].location_elements, 2);
  assert.deepEqual([(await ask("hostname=gpu-1")).winner, (await ask("idc=ber")).winner], [byName, byIdc]);
  assert.match((await ask("hostname=gpu-1")).reason, /\^gpu- of by-name/);
  assert.match((await ask("idc=ber")).reason, /IDC is one of by-idc, and no cluster with a live scheduler names/);
  assert.match((await ask("location=eu")).reason, /by-place agrees in 1 elements/);
  assert.deepEqual([(await ask("")).winner, (await ask("ip=2001:db8::1")).winner], [1, 1]);
  assert.match((await ask("")).reason, /default cluster/);
  const wrong = await rest.send("GET", "/api/v1/clusters/match?ip=here");
  assert.deepEqual([wrong.status, /ip: expected an IP address/.test(await wrong.text())], [422, true]);

  await rest.store.schedulers.keepAlive(
    await rest.store.schedulers.upsert(schedulerInput({ clusterId: dead, features: ["preheat"] })),
  );
  const { clusters } = await ask("ip=10.1.2.3");
  assert.equal(clusters.at(-1).id, dead, "its scheduler is live, but not for peers");
  assert.equal(clusters.at(-1).live_schedulers, 0);
});

Deno.test("without a live scheduler no cluster wins", async () => {
  await using rest = await startRest();
  const { winner, reason, clusters } = await rest.json("GET", "/api/v1/clusters/match?ip=10.0.0.1");
  assert.equal(winner, null);
  assert.match(reason, /downloads from the source/);
  assert.equal(clusters[0].live_schedulers, 0);
});
