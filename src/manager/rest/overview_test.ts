import assert from "node:assert/strict";
import { jobInput, schedulerInput } from "../store/store_builders_test.ts";
import type { TrafficAmount } from "../store/traffic.ts";
import { HOUR_MS, type Rest, startRest } from "./start_rest_test.ts";

const PATH = "/api/v1/overview";
const MINUTE_MS = 60_000;

function amount(rest: Rest, bytes: Partial<TrafficAmount> = {}): TrafficAmount {
  const hourMs = Math.floor(rest.clock.wallMs() / HOUR_MS) * HOUR_MS;
  return {
    ...{ hourMs, registry: "r.io", repository: "a", application: "", originBytes: 10, peerBytes: 90, localBytes: 5 },
    ...{ servedBytes: 105, pulls: 1, ...bytes },
  };
}

async function liveScheduler({ store }: Rest): Promise<void> {
  const input = schedulerInput({ clusterId: 1, keepAliveIntervalMs: 600_000 });
  await store.schedulers.upsert(input);
  await store.schedulers.keepAlive(input);
}

Deno.test("the last hour is told by the minute, those too in which nothing was moved", async () => {
  await using rest = await startRest();
  await rest.clock.advance(HOUR_MS - rest.clock.wallMs() % HOUR_MS);
  const startMs = rest.clock.wallMs();
  await rest.store.traffic.add({ senderId: "h", sequence: 1, idc: "", amounts: [amount(rest)] });
  await rest.clock.advance(MINUTE_MS - 1);
  assert.ok((await rest.json("GET", PATH)).minutes.every((one: { peer_bytes: number }) => one.peer_bytes === 0));
  await rest.clock.advance(3 * MINUTE_MS);
  const { minutes } = await rest.json("GET", PATH);
  assert.equal(minutes.length, 60);
  assert.deepEqual(minutes.at(-3), {
    ...{ at: new Date(startMs).toISOString(), origin_bytes: 10, peer_bytes: 90, local_bytes: 5 },
  });
  assert.equal(minutes.filter((one: { peer_bytes: number }) => one.peer_bytes > 0).length, 1);
});

Deno.test("a day and a week are added up, at most every half minute however many watch", async () => {
  await using rest = await startRest();
  const amounts = [amount(rest), amount(rest, { hourMs: amount(rest).hourMs - 30 * HOUR_MS })];
  await rest.store.traffic.add({ senderId: "h", sequence: 1, idc: "", amounts });
  const saved = async () => {
    const { day, week } = await rest.json("GET", PATH);
    return [day.saved_bytes, week.saved_bytes];
  };
  assert.deepEqual(await saved(), [95, 190]);
  await rest.store.traffic.add({ senderId: "h", sequence: 2, idc: "", amounts });
  await rest.clock.advance(29_999);
  assert.deepEqual(await saved(), [95, 190]);
  await rest.clock.advance(1);
  assert.deepEqual(await saved(), [190, 380]);
});

Deno.test("what should be looked at is told a second later at most, and gone when it is mended", async () => {
  await using rest = await startRest();
  const kinds = async () => {
    await rest.clock.advance(1_000);
    return (await rest.json("GET", PATH)).findings.map(({ kind }: { kind: string }) => kind);
  };
  assert.deepEqual(await kinds(), ["no_live_scheduler"]);
  await liveScheduler(rest);
  assert.deepEqual(await kinds(), []);
  await rest.store.jobs.create(jobInput({ state: "FAILURE" }));
  await rest.store.jobs.create(jobInput({ state: "FAILURE", type: "sync_peers" }));
  await rest.store.jobs.create(jobInput({ state: "SUCCESS" }));
  assert.deepEqual((await kinds(), (await rest.json("GET", PATH)).findings), [
    { kind: "failed_preheats", cluster: null, count: 1, names: [] },
  ]);
  rest.clock.jump(24 * HOUR_MS - 2_000);
  await liveScheduler(rest);
  assert.deepEqual(await kinds(), ["failed_preheats"]);
  rest.clock.jump(2_000);
  await liveScheduler(rest);
  assert.deepEqual(await kinds(), []);
});

Deno.test("whoever may not change users does not learn that root has the known password, nor others what they may not see", async () => {
  await using rest = await startRest({ initialPassword: "dragonfly", allowDefaultPassword: true });
  const { user, token } = await rest.guest();
  const kinds = async (as?: string) => {
    const { findings, finding_count } = await rest.json("GET", PATH, as === undefined ? {} : { token: as });
    assert.equal(findings.length, finding_count);
    return findings.map(({ kind }: { kind: string }) => kind);
  };
  await rest.store.jobs.create(jobInput({ state: "FAILURE" }));
  assert.deepEqual(await kinds(), ["default_password", "no_live_scheduler", "failed_preheats"]);
  assert.deepEqual(await kinds(token), ["no_live_scheduler", "failed_preheats"]);
  await rest.store.roles.revoke(user.id, "guest");
  await rest.store.roles.addPermissions("keeper", [{ object: "clusters", action: "read" }]);
  await rest.store.roles.grant(user.id, "keeper");
  assert.deepEqual(await kinds(token), ["no_live_scheduler"]);
});

Deno.test("clusters come with their health, a hundred at most, and how many there are", async () => {
  await using rest = await startRest();
  await liveScheduler(rest);
  const config = { schedulerClusterConfig: {}, seedPeerClusterConfig: {}, peerClusterConfig: {}, scopes: {} };
  for (let n = 2; n <= 102; n++) {
    await rest.store.clusters.create({ name: `c${n}`, bio: "", isDefault: false, ...config });
  }
  const { cluster_count, clusters, finding_count, findings } = await rest.json("GET", PATH);
  assert.deepEqual([cluster_count, clusters.length, finding_count, findings.length], [102, 100, 101, 100]);
  assert.deepEqual(clusters[0], {
    ...{ id: 2, name: "c2", is_default: false, health: "down", stock_peers: 0 },
    ...{ schedulers: { total: 0, active: 0 }, seed_peers: { total: 0, active: 0 }, peers: { total: 0, active: 0 } },
  });
});

Deno.test("what bytes of registries cost is set once for all, and one that nobody could read is refused", async () => {
  await using rest = await startRest();
  const price = async () => (await rest.json("GET", PATH)).origin_price;
  assert.equal(await price(), null);
  const body = (value: string) => ({ body: { name: "origin-price", value, user_id: 1 } });
  for (const wrong of ["0.09", "{}", '{"per_gb":-1,"currency":"USD"}', '{"per_gb":1,"currency":"$"}', "x"]) {
    const response = await rest.send("POST", "/api/v1/configs", body(wrong));
    assert.equal(response.status, 422, wrong);
    assert.match(await response.text(), /origin-price has the form .*per_gb/);
  }
  const { id } = await rest.json("POST", "/api/v1/configs", body('{"per_gb":0.09,"currency":"USD"}'));
  assert.deepEqual(await price(), { per_gb: 0.09, currency: "USD" });
  assert.deepEqual((await rest.json("GET", "/api/v1/savings")).origin_price, { per_gb: 0.09, currency: "USD" });
  const wrong = { body: { value: '{"per_gb":"much"}' } };
  assert.equal((await rest.send("PATCH", `/api/v1/configs/${id}`, wrong)).status, 422);
  await rest.store.configs.update(id, { value: "not JSON" });
  assert.equal(await price(), null);
  assert.ok(rest.log.lines.some(({ message }) => message.includes("origin-price is not readable")));
});
