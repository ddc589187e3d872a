import { DamselflyError } from "../../core/error.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { Metrics } from "../../runtime/metrics.ts";
import {
  type ListSchedulersRequest,
  type ListSchedulersResponse,
  type Scheduler,
  type SeedPeer,
  SourceType,
  type UpdateSchedulerRequest,
  type UpdateSeedPeerRequest,
} from "../../rpc/gen/manager/v2/manager.ts";
import { type RpcService, service } from "../../rpc/server.ts";
import type { ServiceKey } from "../store/services.ts";
import type { Store } from "../store/store.ts";
import type { Arrivals } from "../warm/arrivals.ts";
import { Directory } from "./directory.ts";
import { KeepAlives } from "./keep_alive.ts";
import { applicationMessage } from "./messages.ts";
import { AnsweringManagerService } from "./scheduler_answers.ts";
import { searchCounters } from "./search_counters.ts";
import {
  checkClusterId,
  checkHost,
  checkPort,
  checkSeedPeerType,
  checkSource,
  checkTexts,
  parseFeatures,
  parseKeepAliveIntervalMs,
} from "./validate.ts";

/** What the gRPC service works on. */
export interface ManagerServiceOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly metrics: Metrics;
  /** Told of each host that looks for schedulers. */
  readonly arrivals: Pick<Arrivals, "note">;
}

/** The service, and the way to end the streams that would keep its server from stopping. */
export interface StoppableService {
  readonly rpc: RpcService;
  stop(): void;
}

/** The gRPC service manager.v2.Manager (wire.md §1, §5). */
export function createManagerService(
  { store, clock, metrics, arrivals }: ManagerServiceOptions,
): StoppableService {
  const directory = new Directory(store, clock);
  const keepAlives = new KeepAlives(store, clock);
  const counters = searchCounters(metrics);
  const rpc = service(AnsweringManagerService, {
    async listSchedulers(request) {
      return await counters.count(request, () => listSchedulers(directory, arrivals, request));
    },
    async getScheduler(request) {
      return await directory.scheduler(checkedKey(request, "scheduler_cluster_id", request.schedulerClusterId));
    },
    updateScheduler: (request) => updateScheduler(store, directory, request),
    async keepAlive(requests) {
      await keepAlives.serve(requests);
      return {};
    },
    async listApplications(request) {
      checkHost(request);
      const applications = await store.applications.all();
      if (applications.length > 0) return { applications: applications.map(applicationMessage) };
      // An empty answer would tell stock schedulers the same, but they know this one.
      throw new DamselflyError("not_found", "Cannot list applications: there is none");
    },
    async getSeedPeer(request) {
      return await directory.seedPeer(checkedKey(request, "seed_peer_cluster_id", request.seedPeerClusterId));
    },
    async listSeedPeers(request) {
      checkHost(request);
      checkTexts({ version: request.version, commit: request.commit });
      return { seedPeers: await directory.seedPeers() };
    },
    updateSeedPeer: (request) => updateSeedPeer(store, directory, request),
    async deleteSeedPeer(request) {
      const key = checkedKey(request, "seed_peer_cluster_id", request.seedPeerClusterId);
      if (await store.seedPeers.unregister(key)) return {};
      throw new DamselflyError(
        "not_found",
        `Cannot delete seed peer ${key.hostname} (${key.ip}): it is not registered`,
      );
    },
  });
  return {
    rpc,
    stop() {
      keepAlives.stop();
      directory[Symbol.dispose]();
    },
  };
}

async function listSchedulers(
  directory: Directory,
  arrivals: ManagerServiceOptions["arrivals"],
  request: ListSchedulersRequest,
): Promise<ListSchedulersResponse> {
  const { hostname, ip, idc = "", location = "", version, commit, schedulerClusterId } = request;
  checkHost(request);
  checkTexts({ idc, location, version, commit });
  arrivals.note({ hostname, ip });
  if (schedulerClusterId !== 0) return await directory.schedulersOf(schedulerClusterId);
  return await directory.schedulersFor({ hostname, ip, idc, location });
}

async function updateScheduler(
  store: Store,
  directory: Directory,
  request: UpdateSchedulerRequest,
): Promise<Scheduler> {
  const { port, idc = "", location = "", features, config } = request;
  const key = checkedKey(request, "scheduler_cluster_id", request.schedulerClusterId);
  checkSource(request.sourceType, SourceType.SCHEDULER_SOURCE);
  checkPort(port, "port");
  checkTexts({ idc, location });
  const keepAliveIntervalMs = parseKeepAliveIntervalMs(config);
  await store.schedulers.upsert({
    ...key,
    port,
    idc,
    location,
    features: parseFeatures(features),
    keepAliveIntervalMs,
  });
  return await directory.scheduler(key);
}

async function updateSeedPeer(store: Store, directory: Directory, request: UpdateSeedPeerRequest): Promise<SeedPeer> {
  const { type, port, downloadPort, idc = "", location = "" } = request;
  const key = checkedKey(request, "seed_peer_cluster_id", request.seedPeerClusterId);
  checkSource(request.sourceType, SourceType.SEED_PEER_SOURCE);
  checkSeedPeerType(type);
  checkPort(port, "port");
  checkPort(downloadPort, "download_port");
  checkTexts({ idc, location });
  await store.seedPeers.upsert({ ...key, type, port, downloadPort, objectStoragePort: 0, idc, location });
  return await directory.seedPeer(key);
}

function checkedKey(
  host: { readonly hostname: string; readonly ip: string },
  clusterField: string,
  clusterId: number,
): ServiceKey {
  checkHost(host);
  checkClusterId(clusterId, clusterField);
  return { hostname: host.hostname, ip: host.ip, clusterId };
}
