/**
 * What a stock peer and a stock scheduler rely on (wire.md §8), shown black-box against our manager and scheduler with
 * calls made by hand. The flows (a) to (e), terminal messages, seed triggers and headers before the first answer are
 * in `src/scheduler/scheduler_test.ts`; the order of clusters is in `src/manager/service/manager_service_test.ts`.
 */
import assert from "node:assert/strict";
import { isIP } from "node:net";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { ManagerConfig } from "../../src/config/manager.ts";
import { SchedulerConfig } from "../../src/config/scheduler.ts";
import { type Manager, startManager } from "../../src/manager/manager.ts";
import { checkHealth, createRpcClient } from "../../src/rpc/client.ts";
import { Build, CPU, Download, Host, Memory, Network, Peer } from "../../src/rpc/gen/common/v2/common.ts";
import { ListSchedulersRequest, ManagerService, SourceType } from "../../src/rpc/gen/manager/v2/manager.ts";
import { AnnouncePeerRequest, SchedulerService } from "../../src/rpc/gen/scheduler/v2/scheduler.ts";
import { realRandom } from "../../src/runtime/random.ts";
import { realDisk } from "../../src/runtime/real_disk.ts";
import { startScheduler } from "../../src/scheduler/scheduler.ts";
import { announce, HandPeer, limited, peerOf, pieceReport } from "../../src/testing/hand_peer.ts";
import { testRuntime } from "../../src/testing/test_runtime.ts";
import { callHalfOpen } from "./half_open_client.ts";

const LOCAL = "127.0.0.1";
const TASK = "5844f27a257287e9b734256bb25603d8005422ced8c0377f15063ec11963b25f";
const { clock } = testRuntime();
/** How often a test looks whether something has come about, and how long. */
const LOOK_INTERVAL_MS = 10;
const LOOKS_MAX = 500;

/** What a stock peer asks the manager at its start. */
const WHERE_TO = ListSchedulersRequest.create({
  sourceType: SourceType.PEER_SOURCE,
  hostname: "node-1",
  ip: LOCAL,
  version: "1.5.1",
  commit: "abcdef",
});

function manage(path = ":memory:"): Promise<Manager> {
  const server = { grpc: { listenIP: LOCAL, port: 0 }, rest: { addr: `${LOCAL}:0` } };
  const config = ManagerConfig.parse({ server, database: { sqlite: { path } } });
  return startManager(config, testRuntime({ disk: realDisk(realRandom()) }));
}

function schedule(manager?: Manager, runtime = testRuntime()) {
  return startScheduler(
    SchedulerConfig.parse({
      server: { listenIP: LOCAL, port: 0 },
      ...(manager !== undefined && {
        manager: { addr: `${LOCAL}:${manager.grpc.port}`, keepAlive: { interval: "50ms" } },
      }),
    }),
    runtime,
  );
}

function askManager({ grpc: { port } }: Manager) {
  return createRpcClient(ManagerService, `${LOCAL}:${port}`, { clock });
}

function ask({ port }: { port: number }) {
  return createRpcClient(SchedulerService, `${LOCAL}:${port}`, { clock });
}

/** Looks again and again until `look` finds something. */
async function until<T>(look: () => Promise<T | undefined>): Promise<T> {
  for (let count = 0; count < LOOKS_MAX; count++) {
    const found = await look();
    if (found !== undefined) return found;
    await clock.sleep(LOOK_INTERVAL_MS, limited.signal);
  }
  throw new Error("Cannot find what was looked for in time");
}

function parsed(bytes: Uint8Array | undefined): unknown {
  return JSON.parse(new TextDecoder().decode(bytes));
}

/** A host as stock peers announce it, in a container whose memory has no limit. */
function stockHost(hostname: string, parts: Partial<Host> = {}): Partial<Host> {
  return {
    hostname,
    port: 4000,
    downloadPort: 4000,
    os: "linux",
    platform: "linux",
    kernelVersion: "6.1.0",
    cpu: CPU.create({ logicalCount: 8, physicalCount: 4, percent: 12.5, cgroup: { period: 100_000, quota: -1 } }),
    memory: Memory.create({ total: 64e9, cgroup: { limit: 2 ** 63 - 1024, usage: 1e9, usedPercent: 0 } }),
    network: Network.create({ maxTxBandwidth: 4e11, maxRxBandwidth: 4e11, idc: "a", location: "x|y" }),
    build: Build.create({ gitVersion: "1.5.1", gitCommit: "abcdef", rustVersion: "1.88" }),
    proxyPort: 4001,
    ...parts,
  };
}

/** The rules for a candidate parent that stock servers apply to it when it is echoed (wire.md §1.4). */
function assertValidParent(peer: Peer): void {
  const { id, state, task, host, cost, createdAt, updatedAt } = peer;
  assert.ok(id !== "" && state !== "" && cost && createdAt && updatedAt, "id, state, cost and times of the peer");
  assert.ok(task && task.id !== "" && task.state !== "" && URL.canParse(task.url), "id, state and url of the task");
  assert.ok(task.createdAt && task.updatedAt, "times of the task");
  assert.ok(host && host.id !== "" && host.hostname !== "" && host.type <= 3, "id, name and type of the host");
  assert.notEqual(isIP(host.ip), 0, "an IP address and no name");
  for (const port of [host.port, host.downloadPort]) assert.ok(port >= 1024 && port < 65_535, `port ${port}`);
  for (const { nanos } of [cost, createdAt, updatedAt]) assert.ok(Number.isInteger(nanos) && nanos >= 0 && nanos < 1e9);
}

Deno.test("health of the empty name is SERVING at the manager and at the scheduler from the start", async () => {
  await using manager = await manage();
  await using scheduler = await schedule();
  for (const port of [manager.grpc.port, scheduler.port]) {
    assert.equal(await checkHealth(`${LOCAL}:${port}`, { ...limited, clock, service: "" }), true);
  }
});

Deno.test("a peer is told of a live scheduler, with all that it needs, the same each time", async () => {
  await using manager = await manage();
  await using scheduler = await schedule(manager);
  using client = askManager(manager);
  const answer = await until(async () => {
    const { schedulers } = await client.listSchedulers(WHERE_TO, limited);
    return schedulers.length > 0 ? schedulers : undefined;
  });
  const [listed] = answer;
  assert.notEqual(isIP(listed?.ip ?? ""), 0);
  assert.deepEqual([listed?.port, listed?.state, listed?.schedulerClusterId], [scheduler.port, "active", 1]);
  assert.ok((parsed(listed?.features) as string[]).includes("schedule"), "or a stock manager hides it");
  const cluster = listed?.schedulerCluster;
  assert.ok(cluster, "without its cluster a stock peer finds no scheduler");
  assert.deepEqual(parsed(cluster.clientConfig), { load_limit: 200 });
  assert.deepEqual([parsed(cluster.seedClientConfig), parsed(cluster.scopes)], [{ seed_peer_cluster_id: 1 }, {}]);
  assert.deepEqual((await client.listSchedulers(WHERE_TO, limited)).schedulers, answer);
  const seed = { ...WHERE_TO, sourceType: SourceType.SEED_PEER_SOURCE };
  assert.deepEqual((await client.listSchedulers(seed, limited)).schedulers, answer);
});

Deno.test("a block list without patterns reaches peers without a null, which would break its reading", async () => {
  await using manager = await manage();
  await using _scheduler = await schedule(manager);
  const rest = `http://${LOCAL}:${manager.rest.port}/api/v1`;
  const signedIn = await fetch(`${rest}/users/signin`, {
    method: "POST",
    body: JSON.stringify({ name: "root", password: "dragonfly" }),
  });
  const authorization = `Bearer ${(await signedIn.json()).token}`;
  const block_list = { task: { download: { urls: null, applications: ["a"], tags: null, priorities: null } } };
  const body = JSON.stringify({
    peer_cluster_config: { load_limit: 10, block_list },
    seed_peer_cluster_config: { block_list },
  });
  const changed = await fetch(`${rest}/clusters/1`, { method: "PATCH", headers: { authorization }, body });
  assert.equal(changed.status, 200, await changed.text());
  using client = askManager(manager);
  const cluster = await until(async () =>
    (await client.listSchedulers(WHERE_TO, limited)).schedulers[0]?.schedulerCluster
  );
  const blocked = { task: { download: { applications: ["a"] } } };
  assert.deepEqual(parsed(cluster.clientConfig), { load_limit: 10, block_list: blocked });
  assert.deepEqual(parsed(cluster.seedClientConfig), { block_list: blocked, seed_peer_cluster_id: 1 });
});

Deno.test("a stock scheduler joins, is listed from its first sign of life on, and is gone when its stream ends", async () => {
  await using manager = await manage();
  using client = askManager(manager);
  const key = { hostname: "scheduler-0.scheduler.svc.cluster.local", ip: "10.0.0.5" };
  const listed = async () =>
    (await client.listSchedulers(WHERE_TO, limited)).schedulers.map(({ hostname }) => hostname);
  const sourceType = SourceType.SCHEDULER_SOURCE;
  const registered = await client.updateScheduler({
    ...key,
    sourceType,
    port: 8002,
    schedulerClusterId: 1,
    features: ["schedule", "preheat"],
    config: Buffer.from('{"manager_keep_alive_interval":5000000000}'),
  }, limited);
  assert.deepEqual([registered.state, await listed()], ["inactive", []]);
  const stream = client.keepAlive(limited);
  await stream.send({ ...key, sourceType, clusterId: 1 });
  await until(async () => (await listed()).includes(key.hostname) ? true : undefined);
  const known = await client.getScheduler({ ...key, sourceType, schedulerClusterId: 1 }, limited);
  assert.deepEqual([known.state, known.port, known.schedulerCluster?.id], ["active", 8002, 1]);
  await assert.rejects(client.listApplications({ ...key, sourceType }, limited), { code: "not_found" });
  stream.cancel();
  await until(async () => (await listed()).length === 0 ? true : undefined);
});

Deno.test("a scheduler whose row the manager has removed is listed again without a restart", async () => {
  const directory = await Deno.makeTempDir();
  try {
    const path = join(directory, "manager.db");
    await using manager = await manage(path);
    await using scheduler = await schedule(manager);
    using client = askManager(manager);
    const id = async () =>
      (await client.listSchedulers({ ...WHERE_TO, schedulerClusterId: 1 }, limited)).schedulers
        .find(({ port, state }) => port === scheduler.port && state === "active")?.id;
    const before = await until(id);
    using database = new DatabaseSync(path);
    database.exec("DELETE FROM scheduler");
    const after = await until(async () => {
      const now = await id();
      return now === before ? undefined : now;
    });
    assert.ok(after > before);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

Deno.test("ten connections of one peer are served, and unary calls are answered at once", async () => {
  await using scheduler = await schedule();
  using stack = new DisposableStack();
  const clients = Array.from({ length: 10 }, () => stack.use(ask(scheduler)));
  const startMs = clock.now();
  await Promise.all(clients.map((client, index) => announce(client, `host-${index}`, stockHost(`node-${index}`))));
  assert.ok(clock.now() - startMs < 5_000);
  const [first] = clients;
  assert.equal((await first?.listHosts({}, limited))?.hosts.length, 10);
});

Deno.test("candidate parents have all that validating servers want, may be echoed, and are never on the own host", async () => {
  await using scheduler = await schedule();
  using client = ask(scheduler);
  await announce(client, "a", stockHost("node-a"));
  await announce(client, "b", stockHost("node-b", { ip: "fd00::b", type: 1 }));
  const holders = [["a1", "a"], ["a2", "a"], ["b1", "b"]].map(([peerId = "", hostId = ""]) =>
    new HandPeer(client, peerId, TASK, hostId)
  );
  for (const holder of holders) {
    await holder.register({ metadataOnly: true });
    assert.equal((await holder.next())?.$case, "metadataOnlyResponse");
    await holder.send({ $case: "downloadPeerStartedRequest", value: {} });
    await holder.send({ $case: "downloadPeerFinishedRequest", value: {} });
    assert.equal(await holder.next(), undefined);
  }
  const child = new HandPeer(client, "a3", TASK, "a");
  await child.register();
  const parents = await child.parents();
  assert.deepEqual(parents.map(({ id }) => id), ["b1"], "the peers a1 and a2 are on the host of the child");
  for (const parent of parents) assertValidParent(parent);
  await child.send({ $case: "downloadPeerStartedRequest", value: {} });
  await child.send({ $case: "downloadPieceFailedRequest", value: { pieceNumber: 3, parentId: "b1", temporary: true } });
  await child.send({ $case: "reschedulePeerRequest", value: { candidateParents: parents, description: "missing" } });
  assert.equal((await child.next())?.$case, "needBackToSourceResponse");
  child.cancel();
});

Deno.test("a stream never has more than five answers, however often its peer asks", async () => {
  await using scheduler = await schedule();
  using client = ask(scheduler);
  for (let index = 0; index < 30; index++) {
    const holder = await peerOf(client, `holder-${index}`, TASK);
    await holder.register({ metadataOnly: true });
    await holder.next();
    await holder.send({ $case: "downloadPeerStartedRequest", value: {} });
    await holder.send({ $case: "downloadPeerFinishedRequest", value: {} });
    await holder.next();
  }
  const child = await peerOf(client, "child", TASK);
  await child.register();
  for (let answers = 1; answers <= 5; answers++) {
    const candidateParents = await child.parents();
    assert.ok(candidateParents.length <= 3);
    await child.send({ $case: "reschedulePeerRequest", value: { candidateParents } });
  }
  await assert.rejects(child.next(), { code: "failed_precondition" });
});

Deno.test("the half of a stream that a stock peer leaves open is reset, after the status is on its way", async () => {
  await using scheduler = await schedule();
  using client = ask(scheduler);
  await announce(client, "a", stockHost("node-a"));
  using limit = clock.deadline(limited.timeoutMs);
  const call = (hostId: string) => {
    const requests: AnnouncePeerRequest["request"][] = [
      { $case: "registerPeerRequest", value: { download: Download.create({ url: "http://origin/file" }) } },
      { $case: "downloadPeerBackToSourceStartedRequest", value: {} },
      { $case: "downloadPeerBackToSourceFinishedRequest", value: {} },
    ];
    const ids = { hostId, taskId: TASK, peerId: `${hostId}-p` };
    const messages = requests.map((request) => AnnouncePeerRequest.encode({ ...ids, request }).finish());
    return callHalfOpen(scheduler.port, SchedulerService.announcePeer.path, messages, limit.signal);
  };
  assert.deepEqual(await call("a"), ["headers", "message", "headers, end", "reset 0"]);
  assert.deepEqual((await call("unknown")).slice(-2), ["headers, end", "reset 0"]);
});

Deno.test("a scheduler takes thousands of piece reports from a peer that reads nothing meanwhile", async () => {
  await using scheduler = await schedule();
  using client = ask(scheduler);
  const peer = await peerOf(client, "p", TASK);
  await peer.register();
  await peer.send({ $case: "downloadPeerBackToSourceStartedRequest", value: {} });
  for (let number = 0; number < 3_000; number++) {
    await peer.send({ $case: "downloadPieceBackToSourceFinishedRequest", value: { piece: pieceReport(number) } });
  }
  await peer.send({ $case: "downloadPeerBackToSourceFinishedRequest", value: {} });
  assert.equal((await peer.next())?.$case, "needBackToSourceResponse");
  assert.equal(await peer.next(), undefined, "the stream ends with OK");
});

Deno.test("priorities that refuse, and that forbid the source, have the codes of stock schedulers", async () => {
  await using scheduler = await schedule();
  using client = ask(scheduler);
  for (const [priority, code] of [[1, "failed_precondition"], [2, "not_found"]] as const) {
    const peer = await peerOf(client, `p${priority}`, TASK);
    await peer.register({ priority });
    await assert.rejects(peer.next(), { code });
  }
});

Deno.test("after a restart of the scheduler a peer is served at once, for stock ones announce themselves late", async () => {
  const runtime = testRuntime();
  const first = await schedule(undefined, runtime);
  using client = ask(first);
  await announce(client, "a", stockHost("node-a"));
  await announce(client, "b", stockHost("node-b"));
  await first[Symbol.asyncDispose]();
  await using second = await schedule(undefined, runtime);
  using again = ask(second);
  const holder = new HandPeer(again, "p", TASK, "a");
  await holder.register();
  assert.equal((await holder.next())?.$case, "needBackToSourceResponse");
  await holder.send({ $case: "downloadPeerBackToSourceStartedRequest", value: {} });
  const child = new HandPeer(again, "q", TASK, "b");
  await child.register();
  for (const parent of await child.parents()) assertValidParent(parent);
  child.cancel();
  holder.cancel();
});

Deno.test("a scheduler that has lost its file answers NotFound; the peer announces its host and is served", async () => {
  await using scheduler = await schedule();
  using client = ask(scheduler);
  const early = new HandPeer(client, "p", TASK, "a");
  await early.register();
  await assert.rejects(early.next(), { code: "not_found" });
  await announce(client, "a", stockHost("node-a"));
  const again = new HandPeer(client, "p", TASK, "a");
  await again.register();
  assert.equal((await again.next())?.$case, "needBackToSourceResponse");
  again.cancel();
});

Deno.test("what is unknown is NotFound, but for a task that a known host has deleted", async () => {
  await using scheduler = await schedule();
  using client = ask(scheduler);
  await announce(client, "a", stockHost("node-a"));
  const task = { hostId: "a", taskId: TASK };
  await assert.rejects(client.statTask(task, limited), { code: "not_found" });
  await client.deleteTask(task, limited);
  const holder = new HandPeer(client, "p", TASK, "a");
  await holder.register({ metadataOnly: true });
  await holder.next();
  await client.deleteTask(task, limited);
  assert.equal((await client.statTask(task, limited)).peerCount, 0);
  await client.deleteHost({ hostId: "a" }, limited);
  await assert.rejects(client.deleteHost({ hostId: "a" }, limited), { code: "not_found" });
  await assert.rejects(client.deleteTask(task, limited), { code: "not_found" });
  holder.cancel();
});
