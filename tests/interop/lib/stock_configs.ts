/** YAML of Dragonfly's own components, for standard ports on addresses of their own. */
import { join } from "node:path";
import type { PeerOptions, Place } from "../../e2e/lib/components.ts";
import type { JobQueues, StockDatabase } from "./databases.ts";

/** Any key of 32 bytes: nothing but this test trusts it. */
const JWT_KEY = "cmluZy1yaW5nLXJpbmctcmluZy1yaW5nLXJpbmc=";
/** Dragonfly's default is a minute; a test has no minute for the news. */
const SCHEDULER_REFRESH = "10s";
const PEER_REFRESH = "5s";
/** The peer's own default; a host that a scheduler forgot comes back with its next announcement. */
const ANNOUNCE_INTERVAL = "5m";

/** A manager.yaml. */
export function stockManagerConfig({ ip, dir }: Place, { mysql, name, redis, backendDB }: StockDatabase): unknown {
  return {
    server: {
      logDir: join(dir, "log"),
      pluginDir: join(dir, "plugins"),
      grpc: { advertiseIP: ip, listenIP: ip, port: { start: 65003, end: 65003 } },
      rest: { addr: `${ip}:8080` },
    },
    auth: { jwt: { realm: "Dragonfly", key: JWT_KEY, timeout: "48h", maxRefresh: "48h" } },
    database: { type: "mysql", mysql: { ...mysql, dbname: name, migrate: true }, redis: { ...redis, backendDB } },
    network: { enableIPv6: false },
  };
}

/** Where a scheduler of either kind finds its jobs. */
export function redisOf(database: JobQueues | undefined): Record<string, unknown> {
  if (database === undefined) return {};
  const { redis: { addrs, brokerDB }, backendDB } = database;
  return { database: { redis: { addrs, brokerDB, backendDB } } };
}

/**
 * How often a stock scheduler looks for parents before it sends a peer to the source beside its seed peer, which then
 * fetches too. Twice a second; its default is 4, which seed peers on a busy machine do not keep to. Our peers wait 5 s.
 */
const LOOKS_FOR_PARENTS = 7;

/** A scheduler.yaml. It takes its jobs out of the manager's Redis, where that has one. */
export function stockSchedulerConfig(
  { name, ip, dir }: Place,
  managerAddr: string,
  clusterId: number,
  database: JobQueues | undefined,
): unknown {
  return {
    server: {
      host: name,
      ...{ advertiseIP: ip, listenIP: ip, port: 8002 },
      ...{ logDir: join(dir, "log"), pluginDir: join(dir, "plugins") },
    },
    ...redisOf(database),
    scheduler: { retryBackToSourceLimit: LOOKS_FOR_PARENTS, retryLimit: LOOKS_FOR_PARENTS + 1 },
    dynConfig: { refreshInterval: SCHEDULER_REFRESH },
    manager: { addr: managerAddr, schedulerClusterID: clusterId, keepAlive: { interval: "5s" } },
    job: { enable: database !== undefined },
    network: { enableIPv6: false },
  };
}

/** A dfdaemon.yaml. Blobs are what a registry mirror has a rule for; without one Dragonfly shares nothing. */
export function stockPeerConfig({ name, ip, dir }: Place, options: PeerOptions): unknown {
  const { managerUrl, idc, location, isSeed = false, registryUrl, hasTasksByUrl = false, announceInterval } = options;
  return {
    host: {
      hostname: name,
      ip,
      ...(idc === undefined ? {} : { idc }),
      ...(location === undefined ? {} : { location }),
    },
    server: { pluginDir: join(dir, "plugins"), cacheDir: join(dir, "cache") },
    download: { server: { socketPath: join(dir, "dfdaemon.sock") } },
    upload: { server: { ip, port: 4000 } },
    manager: { addr: managerUrl },
    seedPeer: { enable: isSeed, type: "super" },
    dynconfig: { refreshInterval: PEER_REFRESH },
    scheduler: { announceInterval: announceInterval ?? ANNOUNCE_INTERVAL },
    storage: { server: { ip, tcpPort: 4005, quicPort: 4006 }, dir: join(dir, "storage"), keep: true },
    proxy: {
      server: { ip, port: 4001 },
      rules: [{ regex: "blobs/sha256.*" }],
      registryMirror: { addr: registryUrl, enableTaskIDBasedBlobDigest: !hasTasksByUrl },
    },
    // What a test pulls stays, however full the disk of the machine is.
    gc: { policy: { diskHighThresholdPercent: 99, diskLowThresholdPercent: 98 } },
    health: { server: { ip, port: 4003 } },
    metrics: { server: { ip, port: 4002 } },
    stats: { server: { ip, port: 4004 } },
  };
}
