import {
  at,
  becomes,
  decideIf,
  type Fate,
  goDuration,
  gone,
  isOff,
  isOn,
  type OldForm,
  type OldKey,
  oldPort,
  oldSize,
  saysSomething,
  type Table,
  wholeNumber,
} from "./old_form.ts";
import { GO_PROXY_KEYS, goProxyDefaults } from "./go_proxy.ts";
import { parseListenAddress } from "../addresses.ts";

const LOG_FILES = "logs go to standard output";
const NO_LIMIT = "there is no such limit; waits have limits of seconds";
const NO_TUNING = "connections are kept and renewed without settings";
const TLS = "it had TLS: write caCert, cert and key of upload.server and upload.client, so that peers use TLS again";

/** A port that differs from the default of old is somebody's choice; the old default gives way to ours. */
function portUnless(oldDefault: number, key: string): OldKey {
  return (value) => {
    const port = oldPort(value);
    if (port !== oldDefault) return [{ kind: "becomes", key, value: port }];
    return [{ kind: "gone", why: `${oldDefault} was the default; today's is that of ${key}` }];
  };
}

/** Whether a table of `security` switched TLS on. */
function hadTls(value: unknown): boolean {
  const table = (value ?? {}) as Table;
  return isOff(table["insecure"]) || ["cacert", "caCert", "cert", "key"].some((key) => saysSomething(table[key]));
}

function listener(table: string, oldDefault: number, today: string): Record<string, OldKey> {
  return {
    [`${table}.tcpListen.port`]: portUnless(oldDefault, `${today}.${today === "storage.server" ? "tcpPort" : "port"}`),
    [`${table}.tcpListen.listen`]: becomes(`${today}.ip`),
    [`${table}.tcpListen.namespace`]: decideIf(
      saysSomething,
      "run dfdaemon in the network of the host (hostNetwork: true in Kubernetes) instead",
    ),
    [`${table}.security`]: decideIf(hadTls, TLS),
  };
}

/** The seed peer's table, which moved once in the time of the old form. */
function seedPeer(table: string): Record<string, OldKey> {
  return {
    [`${table}.enable`]: becomes("seedPeer.enable", isOn),
    [`${table}.type`]: becomes("seedPeer.type"),
    [`${table}.clusterID`]: becomes("seedPeer.clusterID", wholeNumber),
    [`${table}.keepAlive`]: gone("the manager is told at fixed times that a seed peer lives"),
  };
}

function managerAddresses(value: unknown, file: Table): Fate[] {
  if (!isOn(at(file, "scheduler.manager.enable"))) {
    return [{ kind: "gone", why: "scheduler.manager.enable was not true, so that no manager was asked" }];
  }
  const [first, ...others] = addressesOf(value);
  if (first === undefined) return [];
  const fates: Fate[] = [{ kind: "becomes", key: "manager.addr", value: `http://${first}` }];
  if (others.length > 0) {
    const what = `one manager is asked: write a name that leads to all of them, or leave ${others.join(", ")} out`;
    fates.push({ kind: "decide", what });
  }
  return fates;
}

function schedulerAddresses(value: unknown, file: Table): Fate[] {
  if (isOn(at(file, "scheduler.manager.enable"))) {
    return [{ kind: "gone", why: "the manager names the schedulers" }];
  }
  return addressesOf(value).map((addr) => ({ kind: "scheduler", addr }));
}

/** The addresses of a list of texts, or of tables with `type` and `addr`. */
function addressesOf(value: unknown): string[] {
  const rows = Array.isArray(value) ? value : [value];
  return rows.map((row) => String(typeof row === "object" && row !== null ? (row as Table)["addr"] ?? "" : row))
    .filter((addr) => addr !== "");
}

/** `:8000`, on which the old peer served metrics. */
function metricsAddress(value: unknown): Fate[] {
  if (typeof value !== "string") return [{ kind: "becomes", key: "metrics", value }];
  const { hostname, port } = parseListenAddress(value);
  return [
    { kind: "becomes", key: "metrics.server.ip", value: hostname },
    { kind: "becomes", key: "metrics.server.port", value: port },
  ];
}

/** A share of the disk; the mark at which removing stops has to be below it. */
function diskPercent(value: unknown): Fate[] {
  const high = Math.round(Number(value));
  if (!(high >= 2 && high <= 99)) return [{ kind: "gone", why: "it was no limit" }];
  const low: Fate = { kind: "becomes", key: "gc.policy.diskLowThresholdPercent", value: Math.max(1, high - 20) };
  return [{ kind: "becomes", key: "gc.policy.diskHighThresholdPercent", value: high }, low];
}

/** `dfget.yaml` of Dragonfly 2.0 and 2.1, which the peers and seed peers written in Go read. */
export const GO_PEER: OldForm = {
  name: "the form of Dragonfly 2.0 and 2.1 for peers written in Go (dfget.yaml)",
  component: "dfdaemon",
  keys: {
    aliveTime: gone("dfdaemon runs until it is stopped"),
    gcInterval: becomes("gc.interval", goDuration),
    metrics: metricsAddress,
    workHome: gone("no working directory is needed"),
    workHomeMode: gone("no working directory is needed"),
    cacheDir: becomes("server.cacheDir"),
    cacheDirMode: gone("only this user can write there"),
    logDir: gone(LOG_FILES),
    logMaxSize: gone(LOG_FILES),
    logMaxAge: gone(LOG_FILES),
    logMaxBackups: gone(LOG_FILES),
    pluginDir: gone("plugins of Dragonfly cannot be loaded"),
    dataDir: becomes("storage.dir"),
    dataDirMode: gone("only this user can write there"),
    keepStorage: becomes("storage.keep", isOn),
    console: gone(LOG_FILES),
    verbose: (value) => isOn(value) ? [{ kind: "becomes", key: "log.level", value: "debug" }] : [],
    "pprof-port": gone("there is no Go profiler"),
    jaeger: gone("traces are told of with tracing.protocol and tracing.endpoint (OTLP)"),
    telemetry: gone("traces are told of with tracing.protocol and tracing.endpoint (OTLP)"),
    security: decideIf(
      (value) => isOn((value as Table | undefined)?.["autoIssueCert"]),
      "the manager issues no certificates: write files into caCert, cert and key of manager, scheduler, upload.server " +
        "and upload.client, or leave TLS out",
    ),
    "scheduler.manager.enable": gone("manager.addr alone says that there is a manager"),
    "scheduler.manager.netAddrs": managerAddresses,
    "scheduler.manager.refreshInterval": becomes("dynconfig.refreshInterval", goDuration),
    ...seedPeer("scheduler.manager.seedPeer"),
    ...seedPeer("scheduler.seedPeer"),
    "scheduler.netAddrs": schedulerAddresses,
    "scheduler.scheduleTimeout": gone("a scheduler is waited for 5 s, and then the source is asked"),
    "scheduler.disableAutoBackSource": decideIf(
      isOn,
      "proxy.disableBackToSource: true forbids all downloads from sources but those of seed peers; without it a peer " +
        "whose scheduler is away goes to the source",
    ),
    "host.advertiseIP": becomes("host.ip"),
    "host.listenIP": (value) => [
      { kind: "becomes", key: "upload.server.ip", value },
      { kind: "becomes", key: "storage.server.ip", value },
    ],
    "host.netTopology": gone("host.location says where a host is"),
    "host.securityDomain": decideIf(
      saysSomething,
      "peers of several domains of one cluster share with each other: make a cluster for each domain in the manager",
    ),
    "download.calculateDigest": gone("what has a digest is always checked"),
    "download.totalRateLimit": becomes("download.bandwidthLimit", oldSize),
    "download.perPeerRateLimit": gone("there is no limit per task; download.bandwidthLimit is that of all"),
    "download.trafficShaperType": gone("there is no limit per task"),
    "download.pieceDownloadTimeout": gone("a parent that makes no progress is given up after 5 s"),
    "download.watchdogTimeout": gone("a parent that makes no progress is given up after 5 s"),
    "download.grpcDialTimeout": gone(NO_LIMIT),
    "download.getPiecesMaxRetry": gone(NO_LIMIT),
    "download.transportOption": gone(NO_TUNING),
    "download.resourceClients": gone("sources are asked by HTTP and HTTPS without settings"),
    "download.syncPieceViaHTTPS": gone("pieces are checked against their digests, and go over TCP"),
    "download.splitRunningTasks": gone("whoever wants what is being downloaded joins the download"),
    "download.recursiveConcurrent": gone("directories are downloaded by dfget"),
    "download.cacheRecursiveMetadata": gone("directories are downloaded by dfget"),
    "download.prefetch": gone("of whatever a range is asked for the whole is downloaded"),
    "download.concurrent": gone(NO_LIMIT),
    "download.concurrent.goroutineCount": becomes("download.concurrentPieceCount", wholeNumber),
    "download.downloadGRPC.unixListen.socket": becomes("download.server.socketPath"),
    "download.downloadGRPC.security": gone("the socket is only for its user"),
    ...listener("download.peerGRPC", 65000, "upload.server"),
    "upload.rateLimit": becomes("upload.bandwidthLimit", oldSize),
    ...listener("upload", 65002, "storage.server"),
    objectStorage: decideIf(
      (value) => isOn((value as Table | undefined)?.["enable"]),
      "there is no gateway for object storage: clients have to ask the object storage itself",
    ),
    "storage.dataPath": becomes("storage.dir"),
    "storage.taskExpireTime": becomes("gc.policy.taskTTL", goDuration),
    "storage.diskGCThreshold": becomes("gc.policy.diskThreshold", oldSize),
    "storage.diskGCThresholdPercent": diskPercent,
    "storage.strategy": gone("what dfget writes is a copy of what peers are given"),
    "storage.multiplex": gone("a content is always kept once"),
    "storage.reloadGoroutineCount": gone("what is on disk is read as it is needed"),
    "storage.writeBufferSize": gone("buffers have a fixed size"),
    "health.path": gone("it is /healthy"),
    ...listener("health", 40901, "health.server"),
    ...GO_PROXY_KEYS,
    reload: gone("SIGHUP makes dfdaemon read its file again"),
    "announcer.schedulerInterval": becomes("scheduler.announceInterval", goDuration),
    peerExchange: gone("schedulers say which peers there are"),
    networkTopology: gone("schedulers learn from pieces how fast hosts are"),
  },
  always: goProxyDefaults,
};
