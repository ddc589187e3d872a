import assert from "node:assert/strict";
import { AsyncQueue } from "../../rpc/async_queue.ts";
import { createRpcClient, type RpcClient } from "../../rpc/client.ts";
import {
  KeepAliveRequest,
  ListSchedulersRequest,
  ManagerService,
  SourceType,
  UpdateSchedulerRequest,
  UpdateSeedPeerRequest,
} from "../../rpc/gen/manager/v2/manager.ts";
import { type RpcServer, startRpcServer } from "../../rpc/server.ts";
import { realClock } from "../../runtime/clock.ts";
import { MemoryLog } from "../../testing/memory_log.ts";
import { MemoryMetrics } from "../../testing/memory_metrics.ts";
import { memoryStore } from "../../testing/memory_store.ts";
import { VirtualClock } from "../../testing/virtual_clock.ts";
import type { ClusterInput } from "../store/clusters.ts";
import type { SchedulerInput } from "../store/services.ts";
import type { Store } from "../store/store.ts";
import { clusterInput, schedulerInput } from "../store/store_builders_test.ts";
import { Arrivals } from "../warm/arrivals.ts";
import { createManagerService } from "./manager_service.ts";

const limited = { signal: new AbortController().signal, timeoutMs: 5_000 };
const HOST = { hostname: "node-7", ip: "10.1.2.3", version: "2.3.0", commit: "abc" };
const SCHEDULER = { hostname: "scheduler-1", ip: "10.0.0.1", sourceType: SourceType.SCHEDULER_SOURCE };

/** The service on a real socket, in virtual time; `keepAlives` tells of each that reached the store. */
interface Served extends AsyncDisposable {
  readonly clock: VirtualClock;
  readonly store: Store;
  readonly metrics: MemoryMetrics;
  readonly client: RpcClient<typeof ManagerService>;
  readonly nextKeepAlive: () => Promise<unknown>;
  readonly nextEnd: () => Promise<unknown>;
}

async function serve(): Promise<Served> {
  await using stack = new AsyncDisposableStack();
  const clock = new VirtualClock();
  const store = stack.use(await memoryStore(clock));
  const metrics = new MemoryMetrics();
  const service = createManagerService({ store, clock, metrics, arrivals: new Arrivals(clock) });
  const nextKeepAlive = reported(store.schedulers, "keepAlive");
  const nextEnd = reported(store.schedulers, "markInactive");
  const listen = { hostname: "127.0.0.1", port: 0 };
  const log = new MemoryLog();
  const server: RpcServer = stack.use(await startRpcServer({ listen, services: [service.rpc], log, clock }));
  stack.defer(() => service.stop());
  const client = stack.use(createRpcClient(ManagerService, `127.0.0.1:${server.port}`, { clock: realClock() }));
  const opened = stack.move();
  return { clock, store, metrics, client, nextKeepAlive, nextEnd, [Symbol.asyncDispose]: () => opened.disposeAsync() };
}

/** Waits for the next call of a method of `services` to be over. */
function reported(services: Store["schedulers"], method: "keepAlive" | "markInactive"): () => Promise<unknown> {
  const calls = new AsyncQueue<true>(100);
  const iterator = calls[Symbol.asyncIterator]();
  const original = services[method].bind(services) as (key: unknown) => Promise<never>;
  services[method] = (async (key: unknown) => {
    const result = await original(key);
    calls.tryPush(true);
    return result;
  }) as never;
  return () => iterator.next();
}

/** A cluster with one live scheduler that bears its name. */
async function liveCluster(store: Store, input: Partial<ClusterInput> & { name: string }): Promise<number> {
  const { id } = await store.clusters.create(clusterInput(input));
  await liveScheduler(store, { clusterId: id, hostname: input.name });
  return id;
}

async function liveScheduler(store: Store, input: Partial<SchedulerInput> & { clusterId: number }): Promise<void> {
  await store.schedulers.keepAlive(await store.schedulers.upsert(schedulerInput(input)));
}

async function listed({ client }: Served, request: Partial<ListSchedulersRequest> = {}): Promise<string[]> {
  const { schedulers } = await client.listSchedulers(ListSchedulersRequest.create({ ...HOST, ...request }), limited);
  return schedulers.map(({ hostname }) => hostname);
}

Deno.test("clusters rank by CIDR, then IDC, then location, then default", async () => {
  await using served = await serve();
  await liveCluster(served.store, { name: "default" });
  await liveCluster(served.store, { name: "location", scopes: { location: "eu|de" } });
  await liveCluster(served.store, { name: "idc", scopes: { idc: "fra|ams" } });
  await liveCluster(served.store, { name: "cidr", scopes: { cidrs: ["10.1.0.0/16"] } });
  const place = { idc: "fra", location: "eu|de|hesse" };
  assert.deepEqual(await listed(served, place), ["cidr", "idc", "location", "default"]);
  assert.deepEqual(await listed(served, { ...place, ip: "192.168.0.1" }), ["idc", "location", "default", "cidr"]);
  assert.deepEqual(await listed(served, { ip: "192.168.0.1", location: "eu" }), ["location", "default", "idc", "cidr"]);
  assert.equal((await listed(served, { ip: "192.168.0.1" }))[0], "default");
});

Deno.test("a cluster without a live scheduler for peers does not count", async () => {
  await using served = await serve();
  const { store } = served;
  await liveCluster(store, { name: "default" });
  const { id } = await store.clusters.create(clusterInput({ name: "best", scopes: { cidrs: ["10.1.0.0/16"] } }));
  assert.deepEqual(await listed(served), ["default"]);
  await store.schedulers.upsert(schedulerInput({ clusterId: id, hostname: "registered" }));
  assert.deepEqual(await listed(served), ["default"]);
  await liveScheduler(store, { clusterId: id, hostname: "preheats-only", features: ["preheat"] });
  assert.deepEqual(await listed(served), ["default"]);
  await store.schedulers.keepAlive({ clusterId: id, hostname: "registered", ip: "10.0.0.1" });
  assert.deepEqual(await listed(served), ["registered", "default"]);
});

Deno.test("a peer that is pinned to a cluster gets its schedulers only, dead ones too", async () => {
  await using served = await serve();
  await liveCluster(served.store, { name: "default" });
  const { id } = await served.store.clusters.create(clusterInput({ name: "pinned" }));
  await served.store.schedulers.upsert(schedulerInput({ clusterId: id, hostname: "dead" }));
  assert.deepEqual(await listed(served, { schedulerClusterId: id }), ["dead"]);
  await assert.rejects(listed(served, { schedulerClusterId: 99 }), { code: "not_found", message: /99/ });
});

Deno.test("schedulers of one cluster stay together, in the order in which they were registered", async () => {
  await using served = await serve();
  const { store } = served;
  const { id: one } = await store.clusters.create(clusterInput({ name: "one" }));
  const { id: two } = await store.clusters.create(clusterInput({ name: "two", scopes: { idc: "fra" } }));
  for (const [hostname, clusterId] of [["a", one], ["b", two], ["c", one], ["d", two]] as const) {
    await liveScheduler(store, { hostname, clusterId });
  }
  assert.deepEqual(await listed(served), ["a", "c", "b", "d"]);
  await store.schedulers.keepAlive({ clusterId: one, hostname: "a", ip: "10.0.0.1" });
  assert.deepEqual(await listed(served), ["a", "c", "b", "d"]);
  assert.deepEqual(await listed(served, { idc: "fra" }), ["b", "d", "a", "c"]);
});

Deno.test("a listed scheduler carries its cluster with the JSON that stock peers parse, and live seed peers", async () => {
  await using served = await serve();
  const { store, client } = served;
  const blockList = { task: { download: { urls: ["^https://x"] } } };
  const cluster = await store.clusters.create(clusterInput({
    name: "a",
    scopes: { idc: "fra" },
    schedulerClusterConfig: { candidate_parent_limit: 3 },
    peerClusterConfig: { load_limit: 200 },
    seedPeerClusterConfig: { load_limit: 2_000, block_list: blockList as never },
  }));
  await liveScheduler(store, { clusterId: cluster.id });
  const seedPeer = { hostname: "seed-1", ip: "10.0.1.1", seedPeerClusterId: cluster.seedPeerClusterId };
  await client.updateSeedPeer(
    UpdateSeedPeerRequest.create({
      ...seedPeer,
      sourceType: SourceType.SEED_PEER_SOURCE,
      type: "super",
      port: 4000,
      downloadPort: 4001,
    }),
    limited,
  );
  const list = async () => (await client.listSchedulers(ListSchedulersRequest.create(HOST), limited)).schedulers[0];
  assert.deepEqual((await list())?.seedPeers, []);
  await store.seedPeers.keepAlive({ ...seedPeer, clusterId: cluster.seedPeerClusterId });
  const scheduler = await list();
  assert.deepEqual(scheduler?.seedPeers.map(({ hostname, downloadPort }) => [hostname, downloadPort]), [[
    "seed-1",
    4001,
  ]]);
  assert.equal(scheduler?.state, "active");
  assert.equal(String(scheduler?.features), '["schedule"]');
  const { config, clientConfig, scopes, seedClientConfig, id } = scheduler?.schedulerCluster ??
    assert.fail("no cluster");
  assert.equal(id, cluster.id);
  assert.deepEqual([config, clientConfig, scopes, seedClientConfig].map((bytes) => JSON.parse(String(bytes))), [
    { candidate_parent_limit: 3 },
    { load_limit: 200 },
    { idc: "fra" },
    { block_list: blockList, seed_peer_cluster_id: cluster.seedPeerClusterId },
  ]);
});

Deno.test("a scheduler that registers is seen from its first keep-alive to the end of its stream", async () => {
  await using served = await serve();
  const { store, client, nextKeepAlive, nextEnd } = served;
  const { id: clusterId } = await store.clusters.create(clusterInput({ name: "a" }));
  const config = '{"manager_keep_alive_interval":2000000000}';
  const update = UpdateSchedulerRequest.create({
    ...SCHEDULER,
    port: 8002,
    schedulerClusterId: clusterId,
    config: new TextEncoder().encode(config) as never,
  });
  const registered = await client.updateScheduler(update, limited);
  assert.equal(registered.state, "inactive");
  assert.equal(String(registered.features), '["schedule","preheat"]');
  assert.equal((await store.schedulers.all())[0]?.keepAliveIntervalMs, 2_000);
  assert.deepEqual(await listed(served), []);

  const stream = client.keepAlive({ signal: limited.signal });
  await stream.send(KeepAliveRequest.create({ ...SCHEDULER, clusterId }));
  await nextKeepAlive();
  assert.deepEqual(await listed(served), ["scheduler-1"]);
  assert.equal((await client.getScheduler({ ...SCHEDULER, schedulerClusterId: clusterId }, limited)).state, "active");
  assert.equal((await client.updateScheduler(update, limited)).id, registered.id);
  stream.cancel();
  await nextEnd();
  assert.deepEqual(await listed(served), []);
});

Deno.test("a scheduler whose last keep-alive is older than three intervals is not listed, whatever its flag says", async () => {
  await using served = await serve();
  const { store, clock } = served;
  const { id: clusterId } = await store.clusters.create(clusterInput({ name: "a" }));
  await liveScheduler(store, { clusterId, keepAliveIntervalMs: 2_000 });
  await clock.advance(6_000);
  assert.deepEqual(await listed(served), ["scheduler-1"]);
  await clock.advance(1);
  assert.deepEqual(await listed(served), []);
  assert.equal((await store.schedulers.all())[0]?.state, "active");
  await store.schedulers.keepAlive({ clusterId, hostname: "scheduler-1", ip: "10.0.0.1" });
  assert.deepEqual(await listed(served), ["scheduler-1"]);
});

Deno.test("what is unknown is not found, and no applications are not found either", async () => {
  await using served = await serve();
  const { client, store } = served;
  const { id, seedPeerClusterId } = await store.clusters.create(clusterInput({ name: "a" }));
  const notFound = { code: "not_found" };
  await assert.rejects(client.getScheduler({ ...SCHEDULER, schedulerClusterId: id }, limited), notFound);
  await assert.rejects(client.getSeedPeer({ ...SCHEDULER, seedPeerClusterId }, limited), notFound);
  await assert.rejects(client.deleteSeedPeer({ ...SCHEDULER, seedPeerClusterId }, limited), notFound);
  await assert.rejects(client.listApplications(SCHEDULER, limited), notFound);
  const update = UpdateSchedulerRequest.create({ ...SCHEDULER, port: 8002, schedulerClusterId: 99 });
  await assert.rejects(client.updateScheduler(update, limited), { ...notFound, message: /scheduler cluster 99/ });
  const stream = client.keepAlive({ signal: limited.signal });
  await stream.send(KeepAliveRequest.create({ ...SCHEDULER, clusterId: id }));
  await assert.rejects(Array.fromAsync(stream.responses), { ...notFound, message: /not registered in cluster/ });
});

Deno.test("a seed peer is registered, read, listed while it lives, and deleted", async () => {
  await using served = await serve();
  const { client, store } = served;
  const { id, seedPeerClusterId } = await store.clusters.create(clusterInput({ name: "a" }));
  await liveScheduler(store, { clusterId: id });
  const key = { hostname: "seed-1", ip: "10.0.1.1", seedPeerClusterId, sourceType: SourceType.SEED_PEER_SOURCE };
  const input = UpdateSeedPeerRequest.create({ ...key, type: "super", port: 4000, downloadPort: 4001 });
  const { id: seedPeerId } = await client.updateSeedPeer(input, limited);
  const read = await client.getSeedPeer(key, limited);
  assert.equal(read.id, seedPeerId);
  assert.equal(read.seedPeerCluster?.name, "a");
  assert.deepEqual(read.schedulers.map(({ hostname }) => hostname), ["scheduler-1"]);
  const list = async () =>
    (await client.listSeedPeers({ ...HOST, sourceType: SourceType.PEER_SOURCE }, limited)).seedPeers.length;
  assert.equal(await list(), 0);
  await store.seedPeers.keepAlive({ ...key, clusterId: seedPeerClusterId });
  assert.equal(await list(), 1);
  await client.deleteSeedPeer(key, limited);
  assert.equal(await list(), 0);
});

Deno.test("a field that is wrong is refused by its name", async () => {
  await using served = await serve();
  const { client } = served;
  const refused = (field: string) => ({ code: "invalid_argument", message: new RegExp(`field ${field}:`) });
  await assert.rejects(listed(served, { hostname: "no host name" }), refused("hostname"));
  await assert.rejects(listed(served, { hostname: "" }), refused("hostname"));
  await assert.rejects(listed(served, { ip: "node-7.local" }), refused("ip"));
  await assert.rejects(listed(served, { idc: "x".repeat(1_025) }), refused("idc"));
  const update = { ...SCHEDULER, port: 8002, schedulerClusterId: 1 };
  const updates: [Partial<UpdateSchedulerRequest>, string][] = [
    [{ port: 80 }, "port"],
    [{ port: 65_535 }, "port"],
    [{ schedulerClusterId: 0 }, "scheduler_cluster_id"],
    [{ sourceType: SourceType.PEER_SOURCE }, "source_type"],
    [{ config: new TextEncoder().encode("[]") as never }, "config"],
    [{ config: new TextEncoder().encode("{") as never }, "config"],
  ];
  for (const [change, field] of updates) {
    const request = UpdateSchedulerRequest.create({ ...update, ...change });
    await assert.rejects(client.updateScheduler(request, limited), refused(field));
  }
  const seedPeer = { hostname: "s", ip: "::1", port: 4000, downloadPort: 4001, seedPeerClusterId: 1 };
  const request = UpdateSeedPeerRequest.create({ ...seedPeer, type: "weak", sourceType: SourceType.SEED_PEER_SOURCE });
  await assert.rejects(client.updateSeedPeer(request, limited), refused("type"));
});

Deno.test("searches are counted by version, failures too, and versions do not fill the memory", async () => {
  await using served = await serve();
  const total = "dragonfly_manager_search_scheduler_cluster_total";
  const failures = "dragonfly_manager_search_scheduler_cluster_failure_total";
  await listed(served);
  await assert.rejects(listed(served, { ip: "x" }));
  const labels = { version: "2.3.0", commit: "abc" };
  assert.equal(served.metrics.value(total, labels), 2);
  assert.equal(served.metrics.value(failures, labels), 1);
  for (let count = 0; count < 60; count++) await listed(served, { version: `1.0.${count}` });
  assert.equal(served.metrics.value(total, { version: "other", commit: "other" }), 11);
});
