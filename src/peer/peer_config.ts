import { join } from "node:path";
import type { DfdaemonConfig } from "../config/dfdaemon.ts";
import { loadConfig } from "../config/load.ts";
import { formatHostPort } from "../config/addresses.ts";
import { PeerDynconfig } from "../config/peer_dynconfig.ts";
import { DamselflyError } from "../core/error.ts";
import type { HostIdentity } from "../core/host_id.ts";
import { unmapIp } from "../core/ip.ts";
import { VERSION } from "../core/version.ts";
import type { Clock } from "../runtime/clock.ts";
import { RequestRate } from "../runtime/request_rate.ts";
import type { Runtime } from "../runtime/runtime.ts";
import { blockListOf, NO_SETTINGS } from "./control/cluster_settings.ts";
import type { ControlOptions } from "./control/start_control.ts";
import { interceptedHosts } from "./proxy/intercepted_hosts.ts";
import { limitBandwidth } from "./piece/bandwidth_limit.ts";
import type { StorageOptions } from "./storage/open_storage.ts";
import type { DownloadLimits } from "./task/download.ts";
import type { TasksOptions } from "./task/tasks.ts";

/**
 * A parent that makes no progress for this long is given up. It is looked for at every quarter of it, so that a silent
 * parent costs at most 5 s (promise P1).
 */
const PARENT_STALL_TIMEOUT_MS = 4_000;
/** The last good list of schedulers, in `server.cacheDir`. */
const SCHEDULER_LIST_FILE = "schedulers.json";

/** Who this host is: as configured, else as the machine says (wire.md §3.2). Throws `failed_precondition`. */
export function hostIdentity(
  { host, seedPeer }: Pick<DfdaemonConfig, "host" | "seedPeer">,
  runtime: Pick<Runtime, "hostname" | "localIps">,
): HostIdentity {
  const ip = host.ip ?? runtime.localIps()[0];
  if (ip === undefined) {
    throw new DamselflyError("failed_precondition", "Cannot find an IP address of this machine: set host.ip");
  }
  return { ip: unmapIp(ip), hostname: host.hostname ?? runtime.hostname(), isSeed: seedPeer.enable };
}

/** Where content is kept, and how much of it. */
export function storageOptions({ storage, gc: { policy } }: DfdaemonConfig): StorageOptions {
  return {
    dir: storage.dir,
    keep: storage.keep,
    taskTtlMs: policy.taskTTL,
    diskThresholdBytes: policy.diskThreshold,
    diskHighThresholdPercent: policy.diskHighThresholdPercent,
    diskLowThresholdPercent: policy.diskLowThresholdPercent,
  };
}

/** Where the persistent cache is kept: beside the tasks, within the same limits. */
export function cacheStorageOptions(config: DfdaemonConfig): StorageOptions {
  return { ...storageOptions(config), family: "persistent-cache-tasks" };
}

/** How tasks are downloaded. */
export function tasksOptions({ download, scheduler }: DfdaemonConfig): TasksOptions {
  return {
    pieceLengthRule: download.pieceLength,
    concurrentPieceCount: download.concurrentPieceCount,
    maxScheduleCount: scheduler.maxScheduleCount,
    collectedPieceTimeoutMs: download.collectedPieceTimeout,
    parentStallTimeoutMs: PARENT_STALL_TIMEOUT_MS,
  };
}

/** What all downloads together may take of the links. */
export function downloadLimits({ download, proxy }: DfdaemonConfig, clock: Clock): DownloadLimits {
  return {
    parents: limitBandwidth(download.bandwidthLimit, clock),
    source: limitBandwidth(download.backToSourceBandwidthLimit, clock),
    prefetch: limitBandwidth(proxy.prefetchBandwidthLimit, clock),
  };
}

/** How many calls a gRPC server takes in a second. */
export function requestRate(
  server: "upload" | "download",
  config: Pick<DfdaemonConfig, "upload" | "download">,
  clock: Clock,
): RequestRate {
  const { requestRateLimit: perSecond, requestBufferSize: waitingMax } = config[server].server;
  return new RequestRate({ perSecond, waitingMax, key: `${server}.server.requestRateLimit`, clock });
}

/** How the mirror and proxy choose where to go, and what of the content there is shared. */
export function mirrorOptions({ proxy }: DfdaemonConfig, { ip }: HostIdentity) {
  const { addr: defaultAddr, upstreams } = proxy.registryMirror;
  return {
    upstream: { defaultAddr, upstreams, allowed: proxy.allowedRegistries },
    blobIdByDigest: proxy.registryMirror.enableTaskIDBasedBlobDigest,
    rules: proxy.rules,
    accessLeaseTtlMs: proxy.accessLeaseTtl,
    tagLeaseMs: proxy.tagLease,
    disableBackToSource: proxy.disableBackToSource,
    prefetch: proxy.prefetch,
    credentials: proxy.server.basicAuth,
    requestsPerSecond: proxy.server.requestRateLimit,
    whiteList: proxy.whiteList,
    isIntercepted: interceptedHosts(proxy.server.interceptHosts, { defaultAddr, upstreams }),
    serverIp: ip,
  };
}

/** Where the authority is that signs for intercepted hosts; undefined when no TLS is. */
export function authorityPaths({ caCert, caKey, generateCA }: DfdaemonConfig["proxy"]["server"]) {
  return caCert === undefined || caKey === undefined
    ? undefined
    : { cert: caCert, key: caKey, mayGenerate: generateCA };
}

/** The ports that this host is announced with. */
export interface AnnouncedPorts {
  readonly upload: number;
  readonly proxy: number;
}

/**
 * How this host finds and talks to its schedulers: through the manager, or where there is none by the local dynconfig
 * file. Throws what reading that file throws.
 */
export async function controlOptions(
  config: DfdaemonConfig,
  { identity, ports, dynconfigPath }: {
    readonly identity: HostIdentity;
    readonly ports: AnnouncedPorts;
    readonly dynconfigPath: string | undefined;
  },
  runtime: Runtime,
): Promise<Omit<ControlOptions, "heldTasks" | "heldCopies" | "bandwidth">> {
  const { host, manager, scheduler, seedPeer, storage, upload, server } = config;
  return {
    host: {
      ...identity,
      idc: host.idc,
      location: host.location,
      uploadPort: ports.upload,
      proxyPort: ports.proxy,
      disableShared: upload.disableShared,
      storageDir: storage.dir,
      version: VERSION,
    },
    ...(manager.addr === undefined
      ? await localDynconfig(dynconfigPath, identity.isSeed, runtime)
      : { managerAddress: formatHostPort(manager.addr) }),
    schedulerClusterId: host.schedulerClusterID ?? 0,
    seedPeerClusterId: seedPeer.clusterID,
    listPath: join(server.cacheDir, SCHEDULER_LIST_FILE),
    refreshIntervalMs: config.dynconfig.refreshInterval,
    announceIntervalMs: scheduler.announceInterval,
  };
}

async function localDynconfig(path: string | undefined, isSeed: boolean, runtime: Runtime) {
  const { config, warnings } = await loadConfig(PeerDynconfig, path === undefined ? {} : { path }, runtime);
  for (const warning of warnings) runtime.log.warn(warning);
  const { addr, addrs } = config.scheduler;
  const { blockList } = isSeed ? config.seedClientConfig : config.clientConfig;
  return {
    localSchedulers: addrs.length > 0 ? addrs : addr === undefined ? [] : [addr],
    localSettings: { ...NO_SETTINGS, blockList: blockListOf(blockList.task.download) },
  };
}
