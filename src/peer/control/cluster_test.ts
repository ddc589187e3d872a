/** What a host takes over from its cluster, and what a seed peer tells the manager. */
import assert from "node:assert/strict";
import { AsyncQueue } from "../../rpc/async_queue.ts";
import { MemoryDisk } from "../../testing/memory_disk.ts";
import { testRuntime } from "../../testing/test_runtime.ts";
import { startControl } from "./start_control.ts";
import { FakeScheduler, LIST_PATH, options, startManager } from "./harness_test.ts";

const REFUSES_WEB = { block_list: { task: { download: { applications: ["web"], urls: null } } } };
const REFUSES_DATA = { block_list: { task: { download: { tags: ["data"] } } } };

Deno.test("a peer refuses what its cluster refuses, also when it starts without the manager later", async () => {
  const disk = new MemoryDisk();
  await using scheduler = await FakeScheduler.start();
  const config = { client: REFUSES_WEB, seedClient: REFUSES_DATA };
  let managerAddress = "";
  {
    await using manager = await startManager(() => [{ port: scheduler.port, clusterId: 1, config }]);
    managerAddress = manager.address;
    await using control = await startControl(options({ managerAddress }), testRuntime({ disk }));
    assert.deepEqual([...control.blockList().applications], ["web"]);
    assert.deepEqual([...control.blockList().tags], []);
  }
  await using control = await startControl(options({ managerAddress }), testRuntime({ disk }));
  assert.deepEqual([...control.blockList().applications], ["web"]);
});

Deno.test("settings that cannot be read leave the last ones in force", async () => {
  await using scheduler = await FakeScheduler.start();
  const runtime = testRuntime();
  const rounds = new AsyncQueue<true>(1_000);
  const nextRound = rounds[Symbol.asyncIterator]();
  let client: unknown = REFUSES_WEB;
  await using manager = await startManager(() => {
    rounds.tryPush(true);
    return [{ port: scheduler.port, clusterId: 1, config: { client } }];
  });
  const often = options({ managerAddress: manager.address, refreshIntervalMs: 10 });
  await using control = await startControl(often, runtime);
  const isRefused = () => control.blockList().applications.has("web");
  assert.equal(isRefused(), true);
  const changeTo = async (changed: unknown, isSo: () => boolean) => {
    client = changed;
    while (!isSo()) await nextRound.next();
  };
  const wasSaid = () => runtime.log.lines.some(({ message }) => message.startsWith("The settings of the cluster"));
  await changeTo({ block_list: { task: { download: { urls: ["("] } } } }, wasSaid);
  assert.equal(isRefused(), true);
  await changeTo({}, () => !isRefused());
  const kept = async () => JSON.parse(await runtime.disk.readText(LIST_PATH)).config;
  while (await kept() !== "{}") await nextRound.next();
});

Deno.test("a seed peer obeys its own list, registers with its cluster and stays alive until it stops", async () => {
  await using scheduler = await FakeScheduler.start();
  const config = { client: REFUSES_WEB, seedClient: { ...REFUSES_DATA, seed_peer_cluster_id: 7 } };
  await using manager = await startManager(() => [{ port: scheduler.port, clusterId: 1, config }]);
  const { host } = options();
  const asSeed = options({ managerAddress: manager.address, host: { ...host, isSeed: true } });
  {
    await using control = await startControl(asSeed, testRuntime());
    assert.deepEqual([[...control.blockList().applications], [...control.blockList().tags]], [[], ["data"]]);
    assert.equal(await manager.nextOfSeedPeers(), "node-1 4000 7");
    assert.equal(await manager.nextOfSeedPeers(), "alive node-1 7");
  }
  assert.equal(await manager.nextOfSeedPeers(), "gone");
});

Deno.test("a seed peer stays registered when other settings change, and moves when its cluster does", async () => {
  await using scheduler = await FakeScheduler.start();
  let seedClient: object = { seed_peer_cluster_id: 7 };
  const rounds = new AsyncQueue<true>(1_000);
  const nextRound = rounds[Symbol.asyncIterator]();
  await using manager = await startManager(() => {
    rounds.tryPush(true);
    return [{ port: scheduler.port, clusterId: 1, config: { seedClient } }];
  });
  const { host } = options();
  const asSeed = { managerAddress: manager.address, refreshIntervalMs: 10, host: { ...host, isSeed: true } };
  await using control = await startControl(options(asSeed), testRuntime());
  assert.equal(await manager.nextOfSeedPeers(), "node-1 4000 7");
  assert.equal(await manager.nextOfSeedPeers(), "alive node-1 7");
  seedClient = { ...REFUSES_DATA, seed_peer_cluster_id: 7 };
  while (!control.blockList().tags.has("data")) await nextRound.next();
  seedClient = { seed_peer_cluster_id: 8 };
  const heard = [await manager.nextOfSeedPeers(), await manager.nextOfSeedPeers()].toSorted();
  assert.deepEqual(heard, ["gone", "node-1 4000 8"]);
});

for (const seedClient of [undefined, {}]) {
  const says = seedClient === undefined ? "nothing" : "nothing of it";
  Deno.test(`a seed peer whose manager says ${says} registers with the cluster of its configuration`, async () => {
    await using scheduler = await FakeScheduler.start();
    await using manager = await startManager(() => [{ port: scheduler.port, clusterId: 1, config: { seedClient } }]);
    const host = { ...options().host, isSeed: true };
    const runtime = testRuntime();
    const asSeed = options({ managerAddress: manager.address, host, seedPeerClusterId: 9 });
    await using _control = await startControl(asSeed, runtime);
    assert.equal(await manager.nextOfSeedPeers(), "node-1 4000 9");
    assert.equal(await manager.nextOfSeedPeers(), "alive node-1 9");
    assert.deepEqual(warnings(runtime), []);
  });
}

Deno.test("a seed peer that nobody tells its cluster says so, and a peer that is none says nothing", async () => {
  await using scheduler = await FakeScheduler.start();
  await using manager = await startManager(() => [{ port: scheduler.port, clusterId: 1 }]);
  for (const isSeed of [true, false]) {
    const runtime = testRuntime();
    const host = { ...options().host, isSeed };
    await using _control = await startControl(options({ managerAddress: manager.address, host }), runtime);
    assert.equal(warnings(runtime).some((message) => message.endsWith("set seedPeer.clusterID")), isSeed);
  }
});

Deno.test("what the manager says of a seed peer's cluster counts before its configuration, with a warning", async () => {
  await using scheduler = await FakeScheduler.start();
  const config = { seedClient: { seed_peer_cluster_id: 7 } };
  await using manager = await startManager(() => [{ port: scheduler.port, clusterId: 1, config }]);
  const host = { ...options().host, isSeed: true };
  for (const seedPeerClusterId of [7, 9]) {
    const runtime = testRuntime();
    const asSeed = options({ managerAddress: manager.address, host, seedPeerClusterId });
    await using _control = await startControl(asSeed, runtime);
    while (await manager.nextOfSeedPeers() !== "alive node-1 7");
    assert.equal(warnings(runtime).some((message) => message.includes("and is obeyed")), seedPeerClusterId === 9);
  }
});

Deno.test("a cluster for seed peers makes no seed peer of a peer that is none", async () => {
  await using scheduler = await FakeScheduler.start();
  const config = { client: { seed_peer_cluster_id: 7 } };
  await using manager = await startManager(() => [{ port: scheduler.port, clusterId: 1, config }]);
  {
    await using _control = await startControl(
      options({ managerAddress: manager.address, seedPeerClusterId: 9 }),
      testRuntime(),
    );
  }
  const asSeed = options({
    managerAddress: manager.address,
    host: { ...options().host, hostname: "seed", isSeed: true },
  });
  await using _control = await startControl({ ...asSeed, seedPeerClusterId: 9 }, testRuntime());
  assert.equal(await manager.nextOfSeedPeers(), "seed 4000 9", "nobody registered before");
});

function warnings(runtime: ReturnType<typeof testRuntime>): string[] {
  return runtime.log.lines.filter(({ level }) => level === "warn").map(({ message }) => message);
}
