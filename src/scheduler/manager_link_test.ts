import assert from "node:assert/strict";
import { SchedulerConfig } from "../config/scheduler.ts";
import { DamselflyError } from "../core/error.ts";
import { AsyncQueue } from "../rpc/async_queue.ts";
import { createRpcClient } from "../rpc/client.ts";
import {
  Application,
  type KeepAliveRequest,
  ManagerService,
  Scheduler,
  SchedulerCluster,
  SeedPeer,
  SeedPeerCluster,
  type UpdateSchedulerRequest,
} from "../rpc/gen/manager/v2/manager.ts";
import { SchedulerService } from "../rpc/gen/scheduler/v2/scheduler.ts";
import { type Handlers, service, startRpcServer } from "../rpc/server.ts";
import { MemoryLog } from "../testing/memory_log.ts";
import { testRuntime } from "../testing/test_runtime.ts";
import { DEFAULT_SETTINGS, priorityOf, type Settings } from "./core/settings.ts";
import { startManagerLink } from "./manager_link.ts";
import { applicationsFromManager, limitsFromManager } from "./manager_settings.ts";
import { startScheduler } from "./scheduler.ts";

const LOCAL = "127.0.0.1";
const json = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));

/** A manager that remembers what it heard. */
async function startManager(handlers: Handlers<typeof ManagerService> = {}, port = 0) {
  const runtime = testRuntime();
  const registrations = new AsyncQueue<UpdateSchedulerRequest>(100);
  const signs = new AsyncQueue<KeepAliveRequest>(100);
  const server = await startRpcServer({
    listen: { hostname: LOCAL, port },
    services: [service(ManagerService, {
      updateScheduler: (request) => {
        registrations.tryPush(request);
        return Promise.resolve(Scheduler.create({ id: 1 }));
      },
      keepAlive: async (requests) => {
        for await (const request of requests) signs.tryPush(request);
        return {};
      },
      getScheduler: () => Promise.reject(new DamselflyError("not_found", "Cannot find the scheduler")),
      ...handlers,
    })],
    log: runtime.log,
    clock: runtime.clock,
    drainTimeoutMs: 1,
  });
  const next = <T>(queue: AsyncQueue<T>) => {
    const iterator = queue[Symbol.asyncIterator]();
    return async () => (await iterator.next()).value as T;
  };
  return {
    port: server.port,
    registration: next(registrations),
    sign: next(signs),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

function link(port: number, runtime = testRuntime(), takesQueuedJobs = false) {
  const settings = new AsyncQueue<Settings>(100);
  const process = startManagerLink({
    manager: { hostname: LOCAL, port },
    hostname: "node",
    ip: "10.0.0.1",
    port: 8002,
    idc: "idc",
    location: undefined,
    clusterId: 3,
    keepAliveIntervalMs: 20,
    refreshIntervalMs: 60_000,
    takesQueuedJobs,
    settings: DEFAULT_SETTINGS,
    onSettings: (next) => void settings.tryPush(next),
    runtime,
  });
  return { settings: settings[Symbol.asyncIterator](), [Symbol.asyncDispose]: () => process[Symbol.asyncDispose]() };
}

Deno.test("a scheduler registers, says at once that it lives, and goes on saying so", async () => {
  await using manager = await startManager();
  await using _link = link(manager.port);
  const { hostname, ip, port, schedulerClusterId, features, config } = await manager.registration();
  assert.deepEqual({ hostname, ip, port, schedulerClusterId, features }, {
    hostname: "node",
    ip: "10.0.0.1",
    port: 8002,
    schedulerClusterId: 3,
    features: ["schedule"],
  });
  assert.deepEqual(JSON.parse(new TextDecoder().decode(config)), { manager_keep_alive_interval: 20e6 });
  for (let i = 0; i < 3; i++) {
    const { hostname, ip, clusterId } = await manager.sign();
    assert.deepEqual([hostname, ip, clusterId], ["node", "10.0.0.1", 3]);
  }
});

Deno.test("a scheduler that takes jobs out of a queue tells a stock manager that it can be given preheats", async () => {
  await using manager = await startManager();
  await using _link = link(manager.port, testRuntime(), true);
  assert.deepEqual((await manager.registration()).features, ["schedule", "preheat"]);
});

Deno.test("limits and priorities come from the manager; no applications is no failure", async () => {
  const cluster = SchedulerCluster.create({
    config: json({ candidate_parent_limit: 5, filter_parent_limit: 50, job_rate_limit: 10 }),
    clientConfig: json({ load_limit: 7, block_list: {} }),
  });
  await using manager = await startManager({
    getScheduler: () => Promise.resolve(Scheduler.create({ schedulerCluster: cluster })),
    listApplications: () => Promise.reject(new DamselflyError("not_found", "Cannot find applications")),
  });
  await using running = link(manager.port);
  const { value } = await running.settings.next();
  assert.deepEqual(value, { ...DEFAULT_SETTINGS, candidateParentsMax: 5, filterParentsMax: 50, hostUploadsMax: 7 });
});

Deno.test("a manager that comes late is found, and one that restarts is told again", async () => {
  const runtime = testRuntime();
  const first = await startManager();
  const { port } = first;
  await first[Symbol.asyncDispose]();
  await using _link = link(port, runtime);
  {
    await using late = await startManager({}, port);
    await late.registration();
    await late.sign();
  }
  await using again = await startManager({}, port);
  await again.registration();
  await again.sign();
  const warnings = runtime.log.lines.filter(({ message }) => message.startsWith("The manager does not answer"));
  assert.ok(warnings.length <= 4, `an outage is not a line for each attempt: ${warnings.length}`);
});

Deno.test("a scheduler starts and serves although its manager cannot be reached", async () => {
  const gone = await startManager();
  await gone[Symbol.asyncDispose]();
  const config = SchedulerConfig.parse({
    server: { listenIP: LOCAL, port: 0 },
    manager: { addr: `${LOCAL}:${gone.port}` },
  });
  await using scheduler = await startScheduler(config, testRuntime());
  using client = createRpcClient(SchedulerService, `${LOCAL}:${scheduler.port}`, { clock: testRuntime().clock });
  const { signal } = new AbortController();
  assert.deepEqual(await client.listHosts({}, { signal, timeoutMs: 5_000 }), { hosts: [] });
});

Deno.test("settings that cannot be read are left out with a warning, the others count", () => {
  const log = new MemoryLog();
  const seedPeerCluster = SeedPeerCluster.create({ config: json({ load_limit: 9 }) });
  const scheduler = Scheduler.create({
    schedulerCluster: SchedulerCluster.create({
      config: json({ candidate_parent_limit: 99 }),
      clientConfig: Buffer.from("{"),
    }),
    seedPeers: [SeedPeer.create({ seedPeerCluster })],
  });
  assert.deepEqual(limitsFromManager(DEFAULT_SETTINGS, scheduler, log), { ...DEFAULT_SETTINGS, seedUploadsMax: 9 });
  assert.equal(log.lines.length, 2);
});

Deno.test("the priority of a download is its own, else its application's by URL, else its application's", () => {
  const log = new MemoryLog();
  const urls = [{ regex: "/slow/", value: 3 }, { regex: "(", value: 1 }];
  const applications = applicationsFromManager([
    Application.create({ name: "web", priority: { value: 5, urls } }),
    Application.create({ name: "none" }),
  ], log);
  const level = (priority: 0 | 2, application: string | undefined, url = "https://o/x") =>
    priorityOf(applications, { priority, application, url });
  assert.deepEqual([level(2, "web"), level(0, "web"), level(0, "web", "https://o/slow/x")], [2, 5, 3]);
  assert.deepEqual([level(0, "none"), level(0, undefined)], [0, 0]);
  assert.equal(log.lines.length, 1, "the pattern that cannot be read is named in the log");
});

Deno.test("peers are told the address that a scheduler listens on, unless it is told another or listens on all", async () => {
  await using manager = await startManager();
  const cases: [server: Record<string, unknown>, ip: string][] = [
    [{ listenIP: LOCAL }, LOCAL],
    [{ listenIP: LOCAL, advertiseIP: "10.0.0.9" }, "10.0.0.9"],
    [{ listenIP: "0.0.0.0" }, "192.0.2.7"],
  ];
  for (const [server, expected] of cases) {
    const config = SchedulerConfig.parse({
      server: { port: 0, ...server },
      manager: { addr: `${LOCAL}:${manager.port}` },
    });
    await using _scheduler = await startScheduler(config, { ...testRuntime(), localIps: () => ["192.0.2.7", LOCAL] });
    assert.equal((await manager.registration()).ip, expected);
  }
});

Deno.test("a scheduler that the manager has forgotten registers again by itself", async () => {
  let isForgotten = true;
  await using manager = await startManager({
    keepAlive: async (requests) => {
      for await (const _ of requests) {
        if (isForgotten) throw new DamselflyError("not_found", "Cannot keep the scheduler alive: it is not registered");
      }
      return {};
    },
  });
  await using _link = link(manager.port);
  await manager.registration();
  await manager.registration();
  isForgotten = false;
});

Deno.test("signs of life go on while the manager takes its time to tell the settings", async () => {
  await using manager = await startManager({
    getScheduler: (_, { signal }) =>
      new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(signal.reason))),
  });
  const { clock } = testRuntime();
  const startMs = clock.now();
  await using _link = link(manager.port);
  for (let count = 0; count < 5; count++) await manager.sign();
  assert.ok(clock.now() - startMs < 5_000, "before the call for settings ends");
});
