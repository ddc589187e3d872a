/**
 * How many ListSchedulers a manager answers, with a hundred clusters whose scopes differ: the calls that one core
 * would answer in a second, counted by the processor time of the manager, and how long a call takes at a steady rate.
 *
 *     deno task bench:manager [calls per second]
 */
import { Arrivals } from "../../src/manager/warm/arrivals.ts";
import { createManagerService } from "../../src/manager/service/manager_service.ts";
import type { ServiceKey } from "../../src/manager/store/services.ts";
import type { Store } from "../../src/manager/store/store.ts";
import { createRpcClient, type RpcClient } from "../../src/rpc/client.ts";
import { ListSchedulersRequest, ManagerService, SourceType } from "../../src/rpc/gen/manager/v2/manager.ts";
import { startRpcServer } from "../../src/rpc/server.ts";
import { realClock } from "../../src/runtime/clock.ts";
import { silentLog } from "../../src/runtime/log.ts";
import { MemoryMetrics } from "../../src/testing/memory_metrics.ts";
import { memoryStore } from "../../src/testing/memory_store.ts";
import { serveAsPart, spawnPart } from "./part.ts";

const IP = "127.0.0.1";
const CLUSTERS = 100;
/** Hosts that ask, one after the other; they fit different clusters. */
const HOSTS = 2_000;
const KEEP_ALIVE_INTERVAL_MS = 5_000;
const CHANNELS = 4;
/** Calls that are under way at once when as many are made as can be. */
const CALLS_AT_ONCE = 64;
/** The same at a steady rate; what is due beyond that waits, and the wait counts. */
const STEADY_CALLS_MAX = 1_000;
const MEASURED_MS = 5_000;
const LATE_PERCENT = 99;
const clock = realClock();
const never = new AbortController().signal;
const limited = { signal: never, timeoutMs: 10_000 };
const [rate = 2_500] = Deno.args.filter((arg) => /^\d+$/.test(arg)).map(Number);

/** The call, whose answer is counted and not read: that costs a caller more than it costs the manager. */
const COUNTED = {
  listSchedulers: { ...ManagerService.listSchedulers, responseDeserialize: (bytes: Uint8Array) => bytes.length },
} as const;
type Manager = RpcClient<typeof COUNTED>;
/** Less than the schedulers of all clusters take. */
const ANSWER_BYTES_MIN = CLUSTERS * 200;

/** Clusters with scopes of every kind, each with a live scheduler and a live seed peer. */
async function fill(store: Store): Promise<void> {
  const keys: { readonly scheduler: ServiceKey; readonly seedPeer: ServiceKey }[] = [];
  for (let n = 0; n < CLUSTERS; n++) {
    const { id, seedPeerClusterId } = await store.clusters.create({
      name: `cluster-${n}`,
      bio: "",
      isDefault: n === 0,
      scopes: {
        idc: `idc-${n}`,
        location: `region-${n % 10}|zone-${n}`,
        cidrs: [`10.${n}.0.0/16`],
        hostnames: [`^rack-${n}-`],
      },
      schedulerClusterConfig: { candidate_parent_limit: 3, filter_parent_limit: 15, job_rate_limit: 10 },
      peerClusterConfig: { load_limit: 200 },
      seedPeerClusterConfig: { load_limit: 2_000 },
    });
    const scheduler = { hostname: `scheduler-${n}`, ip: `10.${n}.0.1`, clusterId: id };
    const seedPeer = { hostname: `seed-${n}`, ip: `10.${n}.0.2`, clusterId: seedPeerClusterId };
    const place = { idc: `idc-${n}`, location: "" };
    const keepAliveIntervalMs = KEEP_ALIVE_INTERVAL_MS;
    await store.schedulers.upsert({ ...scheduler, ...place, port: 8002, features: ["schedule"], keepAliveIntervalMs });
    const ports = { port: 4000, downloadPort: 4001, objectStoragePort: 0 };
    await store.seedPeers.upsert({ ...seedPeer, ...place, ...ports, type: "super" });
    keys.push({ scheduler, seedPeer });
  }
  const keepAlive = () =>
    Promise.all(keys.flatMap(({ scheduler, seedPeer }) => [
      store.schedulers.keepAlive(scheduler),
      store.seedPeers.keepAlive(seedPeer),
    ]));
  await keepAlive();
  clock.every(KEEP_ALIVE_INTERVAL_MS, () => void keepAlive());
}

async function runManager(): Promise<never> {
  const log = silentLog();
  const store = await memoryStore(clock, log);
  await fill(store);
  const { rpc } = createManagerService({
    ...{ store, clock, metrics: new MemoryMetrics(), arrivals: new Arrivals(clock) },
  });
  const listen = { hostname: IP, port: 0 };
  return await serveAsPart({ port: (await startRpcServer({ listen, services: [rpc], log, clock })).port });
}

const requests = Array.from({ length: HOSTS }, (_, n) =>
  ListSchedulersRequest.create({
    sourceType: SourceType.PEER_SOURCE,
    hostname: n % 4 === 0 ? `rack-${n % CLUSTERS}-node-${n}` : `node-${n}`,
    ip: `10.${(n * 7) % 256}.${n % 200}.10`,
    idc: n % 3 === 0 ? `idc-${n % CLUSTERS}` : "",
    location: n % 3 === 1 ? `region-${n % 10}|zone-${n % CLUSTERS}` : "",
  }));

async function call(manager: Manager, n: number): Promise<void> {
  const bytes = await manager.listSchedulers(requests[n % HOSTS] ?? fail(), limited);
  if (bytes < ANSWER_BYTES_MIN) throw new Error(`An answer had ${bytes} bytes`);
}

function fail(): never {
  throw new Error("there is no such request");
}

/** Makes as many calls as it can while `isGoingOn` says so of their number; how many. */
async function flood(managers: readonly Manager[], isGoingOn: (count: number) => boolean): Promise<number> {
  let count = 0;
  await Promise.all(Array.from({ length: CALLS_AT_ONCE }, async (_, index) => {
    const manager = managers[index % managers.length] ?? fail();
    while (isGoingOn(count)) await call(manager, count++);
  }));
  return count;
}

/** Makes calls at a steady rate, whether or not the earlier ones were answered; their times in milliseconds. */
async function steady(managers: readonly Manager[], ms: number): Promise<number[]> {
  const startedAt = clock.now();
  const times: Promise<number>[] = [];
  let underWay = 0;
  while (clock.now() - startedAt < ms) {
    const due = Math.floor((clock.now() - startedAt) / 1_000 * rate);
    while (times.length < due && underWay < STEADY_CALLS_MAX) {
      const dueAt = startedAt + times.length * 1_000 / rate;
      const manager = managers[times.length % managers.length] ?? fail();
      underWay++;
      times.push(call(manager, times.length).then(() => (underWay--, clock.now() - dueAt)));
    }
    await clock.sleep(1, never);
  }
  return (await Promise.all(times)).toSorted((a, b) => a - b);
}

async function main(): Promise<void> {
  await using stack = new AsyncDisposableStack();
  const part = stack.use(await spawnPart(import.meta.filename ?? "", "manager", ["manager"]));
  const address = `${IP}:${part.port}`;
  const managers = Array.from(
    { length: CHANNELS },
    () => stack.use(createRpcClient(COUNTED, address, { clock })),
  );
  await flood(managers, (count) => count < 2 * HOSTS);
  const cpuBefore = part.cpuSeconds();
  const endsAt = clock.now() + MEASURED_MS;
  const calls = await flood(managers, () => clock.now() < endsAt);
  const cpuSeconds = part.cpuSeconds() - cpuBefore;
  const perSecond = Math.round(calls * 1_000 / MEASURED_MS);
  console.log(`ListSchedulers, ${CLUSTERS} clusters: ${perSecond} calls/s; ${Math.round(calls / cpuSeconds)} per core`);
  const times = await steady(managers, MEASURED_MS);
  const [median, late] = [50, LATE_PERCENT].map((percent) => times[Math.floor(times.length * percent / 100)] ?? 0);
  console.log(`at ${rate} calls/s: median ${median?.toFixed(1)} ms, p${LATE_PERCENT} ${late?.toFixed(1)} ms`);
}

await (Deno.args.includes("manager") ? runManager() : main());
