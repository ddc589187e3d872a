import assert from "node:assert/strict";
import { parseDigest } from "../../core/digest.ts";
import { DamselflyError } from "../../core/error.ts";
import { piecePlan } from "../../core/piece.ts";
import type { Download, Host } from "../../rpc/gen/common/v2/common.ts";
import { ManagerService, SchedulerCluster, SeedPeer } from "../../rpc/gen/manager/v2/manager.ts";
import { AsyncQueue } from "../../rpc/async_queue.ts";
import {
  type AnnouncePeerRequest,
  type AnnouncePeerResponse,
  SchedulerService,
} from "../../rpc/gen/scheduler/v2/scheduler.ts";
import { type CallContext, service, startRpcServer } from "../../rpc/server.ts";
import { MemoryDisk } from "../../testing/memory_disk.ts";
import { testRuntime } from "../../testing/test_runtime.ts";
import { settle, VirtualClock } from "../../testing/virtual_clock.ts";
import type { Control, HeldTask } from "./control.ts";
import { type ControlOptions, startControl } from "./start_control.ts";

const NEVER = new AbortController().signal;
const LIST_PATH = "/cache/schedulers.json";
const TASK_ID = "ab".repeat(32);

/** A scheduler that remembers who told it what. It forgets all of it when told to. */
class FakeScheduler implements AsyncDisposable {
  readonly hosts = new Map<string, Host>();
  readonly registers: Download[] = [];
  readonly events: string[] = [];
  readonly deleted: string[] = [];
  announcements = 0;
  /** What becomes of those who ask about a task. */
  fate: (taskId: string) => "answered" | "ignored" | "broken" = () => "answered";
  readonly #changed = new Set<() => void>();
  #server: Awaited<ReturnType<typeof startRpcServer>> | undefined;
  port = 0;

  static async start(port = 0): Promise<FakeScheduler> {
    const fake = new FakeScheduler();
    await fake.listen(port);
    return fake;
  }

  async listen(port: number): Promise<void> {
    const handlers = service(SchedulerService, {
      announceHost: ({ host }) => {
        if (host !== undefined) this.hosts.set(host.id, host);
        this.announcements++;
        this.#wake();
        return Promise.resolve({});
      },
      deleteHost: ({ hostId }) => {
        this.hosts.delete(hostId);
        this.#wake();
        return Promise.resolve({});
      },
      deleteTask: ({ taskId }) => {
        this.deleted.push(taskId);
        return Promise.resolve({});
      },
      announcePeer: (requests, context) => this.#converse(requests, context),
    });
    const { log, clock } = testRuntime();
    this.#server = await startRpcServer({
      listen: { hostname: "127.0.0.1", port },
      services: [handlers],
      log,
      clock,
      drainTimeoutMs: 10,
    });
    this.port = this.#server.port;
  }

  setHealthy(isHealthy: boolean): void {
    this.#server?.setServing("", isHealthy);
  }

  /** Resolves when `isSo` holds. */
  async until(isSo: () => boolean): Promise<void> {
    while (!isSo()) await new Promise<void>((resolve) => this.#changed.add(resolve));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server?.[Symbol.asyncDispose]();
    this.#server = undefined;
  }

  async *#converse(
    requests: AsyncIterable<AnnouncePeerRequest>,
    { signal }: CallContext,
  ): AsyncGenerator<AnnouncePeerResponse> {
    for await (const { hostId, taskId, request } of requests) {
      this.events.push(request?.$case ?? "");
      this.#wake();
      const fate = this.fate(taskId);
      if (fate === "broken") throw new DamselflyError("unavailable", "The scheduler breaks off");
      if (fate === "ignored") await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve()));
      if (request?.$case === "registerPeerRequest") {
        if (!this.hosts.has(hostId)) throw new DamselflyError("not_found", "No such host");
        const { download } = request.value;
        if (download === undefined) throw new DamselflyError("invalid_argument", "No download");
        this.registers.push(download);
        yield download.metadataOnly
          ? { response: { $case: "metadataOnlyResponse", value: {} } }
          : { response: { $case: "needBackToSourceResponse", value: { description: "no peer has it" } } };
        this.#wake();
      }
      if (request?.$case.endsWith("FinishedRequest") && request.$case.startsWith("downloadPeer")) return;
    }
  }

  #wake(): void {
    for (const resolve of this.#changed) resolve();
    this.#changed.clear();
  }
}

interface Listed {
  readonly port: number;
  readonly clusterId: number;
  /** What normal peers and seed peers are told of the cluster, as JSON. */
  readonly config?: { readonly client?: unknown; readonly seedClient?: unknown };
}

/** What a manager that is out of order does. */
function outOfOrder(): never {
  throw new DamselflyError("unavailable", "No database");
}

function jsonBytes(value: unknown): Uint8Array {
  return value === undefined ? new Uint8Array() : new TextEncoder().encode(JSON.stringify(value));
}

/** A manager that lists what it is told to list. */
async function startManager(list: () => readonly Listed[]) {
  const asked: string[] = [];
  const seedPeers = new AsyncQueue<string>(100);
  const handlers = service(ManagerService, {
    updateSeedPeer: ({ hostname, port, seedPeerClusterId }) => {
      seedPeers.tryPush(`${hostname} ${port} ${seedPeerClusterId}`);
      return Promise.resolve(SeedPeer.create());
    },
    keepAlive: async (requests) => {
      for await (const { hostname, clusterId } of requests) seedPeers.tryPush(`alive ${hostname} ${clusterId}`);
      seedPeers.tryPush("gone");
      return {};
    },
    listSchedulers: ({ hostname, ip, idc, schedulerClusterId }) => {
      asked.push(`${hostname} ${ip} ${idc} ${schedulerClusterId}`);
      const schedulers = list().map(({ port, clusterId, config }, index) => ({
        id: index + 1,
        hostname: "scheduler",
        ip: "127.0.0.1",
        port,
        state: "active",
        schedulerClusterId: clusterId,
        schedulerCluster: config === undefined ? undefined : SchedulerCluster.create({
          clientConfig: jsonBytes(config.client),
          seedClientConfig: jsonBytes(config.seedClient),
        }),
        seedPeers: [],
        features: Buffer.from("[]"),
      }));
      return Promise.resolve({ schedulers });
    },
  });
  const { log, clock } = testRuntime();
  const listen = { hostname: "127.0.0.1", port: 0 };
  const server = await startRpcServer({ listen, services: [handlers], log, clock, drainTimeoutMs: 10 });
  const heard = seedPeers[Symbol.asyncIterator]();
  const nextOfSeedPeers = async () => (await heard.next()).value as string;
  return {
    asked,
    nextOfSeedPeers,
    address: `127.0.0.1:${server.port}`,
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

function options(changes: Partial<ControlOptions> = {}): ControlOptions {
  return {
    host: {
      ip: "127.0.0.1",
      hostname: "node-1",
      isSeed: false,
      idc: "fra",
      uploadPort: 4000,
      proxyPort: 4001,
      disableShared: false,
      storageDir: "/",
      version: "2.3.0",
    },
    schedulerClusterId: 0,
    listPath: LIST_PATH,
    refreshIntervalMs: 60_000,
    announceIntervalMs: 300_000,
    heldTasks: () => [],
    heldCopies: () => [],
    bandwidth: () => ({ txBandwidth: 7_000, rxBandwidth: 9_000 }),
    ...changes,
  };
}

function download(): Download {
  return {
    url: "http://registry/blob",
    type: 0,
    priority: 6,
    filteredQueryParams: [],
    requestHeader: {},
    disableBackToSource: false,
    needBackToSource: false,
    certificateChain: [],
    prefetch: false,
    isPrefetch: false,
    needPieceContent: false,
    forceHardLink: false,
    overwrite: false,
    enableTaskIdBasedBlobDigest: true,
    metadataOnly: false,
  };
}

async function decide(control: Control, taskId = TASK_ID): Promise<string | undefined> {
  await using session = await control.openSession(taskId, "peer-1", NEVER);
  if (session === undefined) return undefined;
  await session.send({ kind: "register", download: download() }, NEVER);
  return (await session.nextDecision(NEVER))?.kind;
}

Deno.test("the cluster of the first healthy scheduler is the host's, and all of that cluster's schedulers are announced to", async () => {
  await using first = await FakeScheduler.start();
  await using second = await FakeScheduler.start();
  await using other = await FakeScheduler.start();
  await using sick = await FakeScheduler.start();
  sick.setHealthy(false);
  await using manager = await startManager(() => [
    { port: sick.port, clusterId: 1 },
    { port: first.port, clusterId: 2 },
    { port: other.port, clusterId: 3 },
    { port: second.port, clusterId: 2 },
  ]);
  await using control = await startControl(options({ managerAddress: manager.address }), testRuntime());
  await first.until(() => first.announcements > 0);
  await second.until(() => second.announcements > 0);
  assert.equal(other.announcements, 0);
  assert.deepEqual(manager.asked, ["node-1 127.0.0.1 fra 0"]);
  const host = first.hosts.get("127.0.0.1-node-1");
  assert.deepEqual([host?.port, host?.proxyPort, host?.network?.idc], [4000, 4001, "fra"]);
  assert.ok((host?.network?.maxTxBandwidth ?? 0) > 0);
  assert.deepEqual([host?.network?.txBandwidth, host?.network?.rxBandwidth], [7_000, 9_000]);
  assert.equal(host?.schedulerClusterId, 2);
  assert.equal(control.hostId, "127.0.0.1-node-1");
});

Deno.test("a host starts without the manager from the list it kept", async () => {
  const disk = new MemoryDisk();
  await using scheduler = await FakeScheduler.start();
  {
    await using manager = await startManager(() => [{ port: scheduler.port, clusterId: 1 }]);
    await using _control = await startControl(options({ managerAddress: manager.address }), testRuntime({ disk }));
    await scheduler.until(() => scheduler.announcements === 1);
  }
  await using broken = await startManager(outOfOrder);
  await using control = await startControl(options({ managerAddress: broken.address }), testRuntime({ disk }));
  await scheduler.until(() => scheduler.announcements === 2);
  assert.equal(await decide(control), "back_to_source");
});

Deno.test("a list that was kept before settings were is as good", async () => {
  const disk = new MemoryDisk();
  await using scheduler = await FakeScheduler.start();
  await disk.mkdirAll("/cache");
  await disk.writeTextAtomic(LIST_PATH, JSON.stringify([{ ip: "127.0.0.1", port: scheduler.port, clusterId: 1 }]));
  await using _control = await startControl(options({ managerAddress: "127.0.0.1:1" }), testRuntime({ disk }));
  await scheduler.until(() => scheduler.announcements === 1);
});

Deno.test("a kept list that is damaged is no reason not to start", async () => {
  const runtime = testRuntime();
  await runtime.disk.mkdirAll("/cache");
  await runtime.disk.writeTextAtomic(LIST_PATH, '[{"ip":"example.com"');
  await using broken = await startManager(outOfOrder);
  await using control = await startControl(options({ managerAddress: broken.address }), runtime);
  assert.equal(await control.openSession(TASK_ID, "peer-1", NEVER), undefined);
  assert.ok(runtime.log.lines.some(({ message }) => message.startsWith("The saved list")));
});

Deno.test("the local dynconfig names the schedulers when there is no manager", async () => {
  await using scheduler = await FakeScheduler.start();
  const localSchedulers = [{ hostname: "127.0.0.1", port: scheduler.port }];
  await using control = await startControl(options({ localSchedulers }), testRuntime());
  assert.equal(await decide(control), "back_to_source");
});

Deno.test("a scheduler whose name has no address does not cost the host the others", async () => {
  await using scheduler = await FakeScheduler.start();
  const localSchedulers = [
    { hostname: "no-such-host.invalid", port: 8002 },
    { hostname: "127.0.0.1", port: scheduler.port },
  ];
  const runtime = testRuntime();
  await using control = await startControl(options({ localSchedulers }), runtime);
  assert.equal(await decide(control), "back_to_source");
  assert.ok(runtime.log.lines.some(({ fields }) => JSON.stringify(fields).includes("no-such-host.invalid")));
});

Deno.test("without manager and schedulers there is no session, and no wait", async () => {
  await using control = await startControl(options(), testRuntime());
  assert.equal(await control.openSession(TASK_ID, "peer-1", NEVER), undefined);
});

Deno.test("a scheduler that does not know the host is told and asked again at once", async () => {
  await using scheduler = await FakeScheduler.start();
  const localSchedulers = [{ hostname: "127.0.0.1", port: scheduler.port }];
  await using control = await startControl(options({ localSchedulers }), testRuntime());
  await scheduler.until(() => scheduler.announcements === 1);
  scheduler.hosts.clear();
  assert.equal(await decide(control), "back_to_source");
  assert.equal(scheduler.announcements, 2);
});

Deno.test("a scheduler that restarts is announced to and told what the host has, without any pull", async () => {
  const before = await FakeScheduler.start();
  const localSchedulers = [{ hostname: "127.0.0.1", port: before.port }];
  const held: HeldTask[] = [{
    taskId: TASK_ID,
    url: "http://registry/blob",
    plan: piecePlan(1000, 512),
    digest: parseDigest(`sha256:${TASK_ID}`),
  }];
  await using _control = await startControl(
    options({ localSchedulers, heldTasks: () => held }),
    testRuntime(),
  );
  await before.until(() => before.registers.length === 1);
  await before[Symbol.asyncDispose]();
  await using after = await FakeScheduler.start(before.port);
  await after.until(() => after.events.includes("downloadPeerFinishedRequest"));
  assert.deepEqual(after.events, [
    "registerPeerRequest",
    "downloadPeerStartedRequest",
    "downloadPeerFinishedRequest",
  ]);
  const [told] = after.registers;
  assert.deepEqual([told?.metadataOnly, told?.actualContentLength, told?.actualPieceCount], [true, 1000, 2]);
});

Deno.test("when a scheduler has died, the next one of the ring answers the same pull", async () => {
  const schedulers = [await FakeScheduler.start(), await FakeScheduler.start()];
  const localSchedulers = schedulers.map(({ port }) => ({ hostname: "127.0.0.1", port }));
  await using control = await startControl(options({ localSchedulers }), testRuntime());
  for (const scheduler of schedulers) await scheduler.until(() => scheduler.announcements === 1);
  assert.equal(await decide(control), "back_to_source");
  const [asked, spare] = schedulers[0]?.registers.length === 1 ? schedulers : schedulers.toReversed();
  await asked?.[Symbol.asyncDispose]();
  await using _spare = spare;
  assert.equal(await decide(control), "back_to_source");
  assert.equal(spare?.registers.length, 1);
  await using again = await FakeScheduler.start(asked?.port);
  await again.until(() => again.announcements === 1);
});

/** Asks for a decision that takes too long, and waits as long as a pull does. */
async function decideInVain(control: Control, scheduler: FakeScheduler, clock: VirtualClock): Promise<void> {
  const [startedAt, events] = [clock.now(), scheduler.events.length];
  const decision = decide(control).then(() => "decided", (error: DamselflyError) => error.code);
  await scheduler.until(() => scheduler.events.length > events);
  await settle();
  await clock.advance(5_000);
  assert.equal(await decision, "timeout");
  assert.equal(clock.now() - startedAt, 5_000);
}

/** Whether the scheduler is asked again as soon as it has shown that it lives. */
async function isUsableSoon(control: Control): Promise<boolean> {
  for (let turns = 0; turns < 1_000; turns++) {
    await using session = await control.openSession(TASK_ID, "peer-2", NEVER);
    if (session !== undefined) return true;
    await settle();
  }
  return false;
}

Deno.test("a decision that is late costs that pull five seconds, and other tasks nothing", async () => {
  await using scheduler = await FakeScheduler.start();
  const clock = new VirtualClock();
  const localSchedulers = [{ hostname: "127.0.0.1", port: scheduler.port }];
  await using control = await startControl(options({ localSchedulers }), testRuntime({ clock }));
  scheduler.fate = (taskId) => taskId === TASK_ID ? "ignored" : "answered";
  for (let pull = 0; pull < 4; pull++) {
    await decideInVain(control, scheduler, clock);
    assert.equal(await isUsableSoon(control), true);
    assert.equal(await decide(control, "cd".repeat(32)), "back_to_source");
  }
  assert.equal(scheduler.announcements, 1);
});

Deno.test("a scheduler that lives and decides nothing for ten seconds is left alone for ten", async () => {
  await using scheduler = await FakeScheduler.start();
  const clock = new VirtualClock();
  const localSchedulers = [{ hostname: "127.0.0.1", port: scheduler.port }];
  await using control = await startControl(options({ localSchedulers }), testRuntime({ clock }));
  scheduler.fate = () => "ignored";
  await decideInVain(control, scheduler, clock);
  assert.equal(await isUsableSoon(control), true);
  await decideInVain(control, scheduler, clock);
  await clock.advance(9_000);
  assert.equal(await isUsableSoon(control), false);
  await clock.advance(1_000);
  await scheduler.until(() => scheduler.announcements === 2);
});

Deno.test("a scheduler that broke off and is there again is used again within seconds", async () => {
  await using scheduler = await FakeScheduler.start();
  const localSchedulers = [{ hostname: "127.0.0.1", port: scheduler.port }];
  await using control = await startControl(options({ localSchedulers }), testRuntime());
  scheduler.fate = () => "broken";
  const startedAt = performance.now();
  await assert.rejects(decide(control), { code: "unavailable" });
  assert.equal(await control.openSession(TASK_ID, "peer-2", NEVER), undefined);
  scheduler.fate = () => "answered";
  await scheduler.until(() => scheduler.announcements === 2);
  assert.ok(performance.now() - startedAt < 5_000);
  assert.equal(await isUsableSoon(control), true);
});
Deno.test("a scheduler that leaves the list is told goodbye, and the others are not told twice", async () => {
  await using stays = await FakeScheduler.start();
  await using leaves = await FakeScheduler.start();
  let list = [{ port: stays.port, clusterId: 1 }, { port: leaves.port, clusterId: 1 }];
  await using manager = await startManager(() => list);
  const changes = { managerAddress: manager.address, refreshIntervalMs: 20 };
  const runtime = testRuntime();
  await using _control = await startControl(options(changes), runtime);
  await leaves.until(() => leaves.announcements === 1);
  await stays.until(() => stays.announcements === 1);
  list = list.slice(0, 1);
  await leaves.until(() => leaves.hosts.size === 0);
  const kept = JSON.parse(await runtime.disk.readText(LIST_PATH));
  assert.deepEqual(kept.schedulers.map(({ port }: Listed) => port), [stays.port]);
  assert.equal(stays.announcements, 1);
});

Deno.test("a host that stops tells its schedulers", async () => {
  await using scheduler = await FakeScheduler.start();
  const localSchedulers = [{ hostname: "127.0.0.1", port: scheduler.port }];
  {
    await using _control = await startControl(options({ localSchedulers }), testRuntime());
    await scheduler.until(() => scheduler.hosts.size === 1);
  }
  assert.equal(scheduler.hosts.size, 0);
});

Deno.test("the deletion of a task is told to its scheduler", async () => {
  await using scheduler = await FakeScheduler.start();
  const localSchedulers = [{ hostname: "127.0.0.1", port: scheduler.port }];
  await using control = await startControl(options({ localSchedulers }), testRuntime());
  await control.taskDeleted(TASK_ID, NEVER);
  assert.deepEqual(scheduler.deleted, [TASK_ID]);
});

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
