/** What the manager of the bench remembers: as much as an installation with many clusters has. */
import { hashPassword } from "../../../src/manager/password.ts";
import type { ServiceKey } from "../../../src/manager/store/services.ts";
import { openSqliteStore } from "../../../src/manager/store/sqlite_store.ts";
import type { Store } from "../../../src/manager/store/store.ts";
import { createRpcClient } from "../../../src/rpc/client.ts";
import { KeepAliveRequest, ManagerService, SourceType } from "../../../src/rpc/gen/manager/v2/manager.ts";
import { realClock } from "../../../src/runtime/clock.ts";
import { silentLog } from "../../../src/runtime/log.ts";
import { realRandom } from "../../../src/runtime/random.ts";

export const CLUSTERS = 100;
export const PEERS = 10_000;
export const PEOPLE = 50;
export const PASSWORD = "only for benches";
const KEEP_ALIVE_INTERVAL_MS = 5_000;
/** Until all services are alive. */
const ALIVE_TIMEOUT_MS = 30_000;
const clock = realClock();

/** Fills the SQLite database at `path`: clusters with scopes of every kind, their services, peers and people. */
export async function fillDatabase(path: string): Promise<void> {
  await using store = await openSqliteStore(path, { clock, log: silentLog() });
  for (let n = 0; n < CLUSTERS; n++) await addCluster(store, n);
  const passwordHash = await hashPassword(PASSWORD, realRandom());
  for (let n = 0; n < PEOPLE; n++) {
    await store.users.create({ name: nameOf(n), email: `${nameOf(n)}@example.org`, passwordHash });
  }
}

/** The name of the nth person. */
export function nameOf(n: number): string {
  return `person-${n}`;
}

async function addCluster(store: Store, n: number): Promise<void> {
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
  const place = { idc: `idc-${n}`, location: "" };
  const { scheduler, seedPeer } = servicesOf(n, id, seedPeerClusterId);
  const keepAliveIntervalMs = KEEP_ALIVE_INTERVAL_MS;
  await store.schedulers.upsert({ ...scheduler, ...place, port: 8002, features: ["schedule"], keepAliveIntervalMs });
  const ports = { port: 4000, downloadPort: 4001, objectStoragePort: 0 };
  await store.seedPeers.upsert({ ...seedPeer, ...place, ...ports, type: "super" });
  await store.peers.replace(id, Array.from({ length: PEERS / CLUSTERS }, (_, m) => peerOf(n, m, id)));
}

function servicesOf(
  n: number,
  clusterId: number,
  seedPeerClusterId: number,
): Record<"scheduler" | "seedPeer", ServiceKey> {
  return {
    scheduler: { hostname: `scheduler-${n}`, ip: `10.${n}.0.1`, clusterId },
    seedPeer: { hostname: `seed-${n}`, ip: `10.${n}.0.2`, clusterId: seedPeerClusterId },
  };
}

function peerOf(n: number, m: number, clusterId: number) {
  return {
    ...{ hostname: `node-${n}-${m}`, ip: `10.${n}.1.${m}`, clusterId, type: "normal", state: "active" } as const,
    ...{ idc: `idc-${n}`, location: `region-${n % 10}|zone-${n}` },
    ...{ port: 4000, downloadPort: 4000, proxyPort: 4001, objectStoragePort: 0 },
    ...{ os: "linux", platform: "debian", platformFamily: "debian", platformVersion: "12", kernelVersion: "6.1.0" },
    ...{ gitVersion: "v1.0.0", gitCommit: "0123abc", buildPlatform: "linux" },
  };
}

/** The scheduler of the nth cluster; an empty database counts clusters from 1. */
export function schedulerOf(n: number): ServiceKey {
  return servicesOf(n, n + 1, n + 1).scheduler;
}

/** Keeps all services alive until it is disposed, by streams as they have them. Resolves when all of them are. */
export async function keepAlive(address: string): Promise<Disposable> {
  using stack = new DisposableStack();
  const client = stack.use(createRpcClient(ManagerService, address, { clock }));
  const stop = new AbortController();
  stack.defer(() => stop.abort());
  for (let n = 0; n < CLUSTERS; n++) {
    const { scheduler, seedPeer } = servicesOf(n, n + 1, n + 1); // an empty database counts from 1
    for (
      const request of [
        KeepAliveRequest.create({ sourceType: SourceType.SCHEDULER_SOURCE, ...scheduler }),
        KeepAliveRequest.create({ sourceType: SourceType.SEED_PEER_SOURCE, ...seedPeer }),
      ]
    ) {
      const stream = client.keepAlive({ signal: stop.signal });
      const say = () => void stream.send(request).catch(() => {});
      say();
      stack.use(clock.every(KEEP_ALIVE_INTERVAL_MS, say));
    }
  }
  const limited = { signal: stack.use(clock.deadline(ALIVE_TIMEOUT_MS)).signal, timeoutMs: ALIVE_TIMEOUT_MS };
  const caller = {
    sourceType: SourceType.SCHEDULER_SOURCE,
    hostname: "bench",
    ip: "127.0.0.1",
    version: "",
    commit: "",
  };
  while ((await client.listSeedPeers(caller, limited)).seedPeers.length < CLUSTERS);
  return stack.move();
}
