/** The database of a manager that has looked after many hosts for long, without any of them. */
import type { PeerInput } from "../../../src/manager/store/peers.ts";
import { openSqliteStore } from "../../../src/manager/store/sqlite_store.ts";
import type { Store } from "../../../src/manager/store/store.ts";
import type { TrafficAmount } from "../../../src/manager/store/traffic.ts";
import { silentLog } from "../../../src/runtime/log.ts";
import { VirtualClock } from "../../../src/testing/virtual_clock.ts";

export const PEERS = 10_000;
export const JOBS = 1_000;

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const MIB = 1024 * 1024;
const DAYS = 10;
const MINUTES = 60;
const FAILED_JOBS = 7;
const REPOSITORIES = ["team/app", "team/worker", "library/nginx", "models/llama"];
/** Entries of the lists in the result of each job. */
const ENTRIES = 50;

/** Fills the database at `path`, which no manager uses yet, as if `nowMs` were now. */
export async function fillConsoleRows(path: string, nowMs: number): Promise<void> {
  const clock = new VirtualClock({ epochMs: nowMs });
  await using store = await openSqliteStore(path, { clock, log: silentLog() });
  const config = { schedulerClusterConfig: {}, seedPeerClusterConfig: {}, peerClusterConfig: {}, scopes: {} };
  const { id } = await store.clusters.create({ name: "cluster-1", bio: "", isDefault: true, ...config });
  await store.clusters.create({ name: "annex", bio: "without schedulers", isDefault: false, ...config });
  const service = { clusterId: id, idc: "fra", location: "eu|de" };
  const ports = { port: 4000, downloadPort: 4000, objectStoragePort: 0 };
  await store.seedPeers.upsert({ ...service, ...ports, hostname: "seed-1", ip: "10.0.1.1", type: "super" });
  await store.peers.replace(id, Array.from({ length: PEERS }, (_, n) => peer(id, n)));
  await addJobs(store);
  await addTraffic(store, clock);
}

function peer(clusterId: number, n: number): PeerInput {
  const unsaid = { os: "linux", platform: "debian", platformFamily: "debian", platformVersion: "12" };
  return {
    ...{
      ...unsaid,
      clusterId,
      hostname: `node-${n}`,
      ip: `10.${n >> 14}.${(n >> 7) & 127}.${n & 127}`,
      type: "normal",
    },
    ...{ port: 4000, downloadPort: 4000, proxyPort: 4001, objectStoragePort: 0, idc: "fra", location: "eu|de" },
    ...{ state: n % 10 === 0 ? "inactive" : "active", kernelVersion: "6.1", gitCommit: "" },
    ...n % 100 === 3
      ? { gitVersion: "v2.4.0", buildPlatform: "linux/amd64" }
      : { gitVersion: n % 50 === 1 ? "0.0.9" : "0.1.0", buildPlatform: "damselfly" },
  };
}

async function addJobs({ jobs }: Store): Promise<void> {
  const entries = Array.from({ length: ENTRIES }, (_, n) => {
    return { url: `https://r.example/v2/team/app/blobs/sha256:${n}`, hostname: `node-${n}`, ip: `10.0.0.${n}` };
  });
  const results = [{ success_tasks: entries, success_count: ENTRIES, failure_tasks: [], scheduler_cluster_id: 1 }];
  for (let n = 0; n < JOBS; n++) {
    const state = n < FAILED_JOBS ? "FAILURE" : "SUCCESS";
    await jobs.create({
      ...{ taskId: `group-${n}`, bio: "", type: n % 10 === 9 ? "delete_task" : "preheat", state, userId: 1 },
      args: { type: "image", url: `https://r.example/v2/team/app/manifests/${n}` },
      result: {
        state,
        job_states: [{ state, results, error: state === "FAILURE" ? "the registry answered 503" : "" }],
      },
      ...{ schedulerClusterIds: [1], seedPeerClusterIds: [] },
    });
  }
}

/** Ten days by the hour, and the last hour by the minute. */
async function addTraffic({ traffic }: Store, clock: VirtualClock): Promise<void> {
  const hourMs = Math.floor(clock.wallMs() / HOUR_MS) * HOUR_MS;
  let sequence = 0;
  const tell = (amounts: readonly TrafficAmount[]) => {
    return traffic.add({ senderId: "host-1", sequence: ++sequence, idc: "fra", amounts });
  };
  for (let n = DAYS * 24; n > 0; n--) {
    await tell(
      REPOSITORIES.map((repository, r) => amount(hourMs - n * HOUR_MS, repository, (n % 24 + 1) * (r + 1) * 100)),
    );
  }
  clock.jump(-MINUTES * MINUTE_MS);
  for (let n = 0; n < MINUTES; n++) {
    const ofMs = Math.floor(clock.wallMs() / HOUR_MS) * HOUR_MS;
    await tell([amount(ofMs, REPOSITORIES[n % REPOSITORIES.length] ?? "", 500 + 40 * (n % 13))]);
    clock.jump(MINUTE_MS);
  }
}

function amount(hourMs: number, repository: string, mib: number): TrafficAmount {
  const originBytes = mib * MIB / 10;
  const [peerBytes, localBytes] = [mib * MIB, mib * MIB / 5];
  return {
    ...{ hourMs, registry: "r.example", repository, application: "", originBytes, peerBytes, localBytes },
    ...{ servedBytes: originBytes + peerBytes + localBytes, pulls: 5 },
  };
}
