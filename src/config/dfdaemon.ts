import { CACHE_TTL_MS } from "../core/persistent_cache.ts";
import * as z from "zod";
import { DamselflyError } from "../core/error.ts";
import { proxy } from "./dfdaemon_proxy.ts";
import {
  choice,
  cidr,
  duration,
  flag,
  grpcAddress,
  int,
  interval,
  ip,
  list,
  parsed,
  path,
  port,
  section,
  size,
  text,
  textMap,
} from "./fields.ts";
import { logFlags, logLevel, network, requestRateLimit, tracing } from "./shared.ts";
import { mutualTlsKeys, needsWholeTls } from "./tls.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const UNLIMITED_BYTES_PER_SECOND = 50e9;
/** With less, pieces that wait for their turn look like pieces of parents that hang, to the other side at least. */
const BYTES_PER_SECOND_MIN = 1e6;
const NO_BUFFERS = "buffers have a fixed size";
const NO_PERSISTENT = "there are no persistent tasks";
const NO_UPLOADS = "nothing is uploaded to object storage";

function parseProtocol(name: string): "tcp" {
  if (name === "tcp") return name;
  const why = name === "quic" ? "QUIC is not supported" : "it is not a protocol";
  throw new DamselflyError("invalid_argument", `Cannot use protocol "${name}": ${why}, write tcp`);
}

function rateLimits() {
  return {
    requestRateLimit: requestRateLimit(400),
    requestBufferSize: int(1).default(1_000).describe(
      "Most gRPC requests that wait; one too many is refused, of the caller who has the most; 50 in Dragonfly.",
    ).meta({
      aliases: ["requestbufferSize"],
    }),
  };
}

function bandwidth(what: string) {
  return size().refine((bytes) => bytes >= BYTES_PER_SECOND_MIN, "must be 1MB or more").default(
    UNLIMITED_BYTES_PER_SECOND,
  ).describe(`Most bytes per second ${what}, of all tasks together; at least 1MB.`);
}

function httpServer(what: string, defaultPort: number, defaultIp = "0.0.0.0") {
  return section({
    server: section({
      ip: ip().default(defaultIp).describe(`IP address ${what} listens on.`),
      port: port().default(defaultPort).describe(`Port ${what} listens on.`),
    }, `Listener of ${what}.`),
  }, `HTTP server: ${what}.`);
}

const host = section({
  idc: text().optional().describe("Data centre of this host; close peers are preferred as parents."),
  location: text().optional().describe("Place of this host, from wide to narrow, separated by |."),
  hostname: text().optional().describe("Name of this host, part of its id; the system's if left out."),
  ip: ip().optional().describe("IP address that other peers connect to; the first local IPv4 one if left out."),
  schedulerClusterID: int(1).optional().describe(
    "Cluster to join; left out, the manager finds it by IP, name, IDC and location.",
  ),
}, "This host.");

const server = section({
  cacheDir: path().default("/var/cache/dragonfly/dfdaemon").describe(
    "Directory of what helps the next start, such as the last good list of schedulers.",
  ),
  pluginDir: path().default("/usr/local/lib/dragonfly/plugins/dfdaemon/").describe("Directory of backend plugins.")
    .meta({
      ignored: "plugins of Dragonfly cannot be loaded",
    }),
  adaptiveRateLimit: section({
    bucketCount: int(1).default(50).describe("Buckets of the observed time window."),
    bucketInterval: duration().default(200).describe("Length of a bucket."),
    cpuThreshold: int(1, 100).default(100).describe("CPU use above which requests are refused, in percent."),
    memoryThreshold: int(1, 100).default(90).describe("Memory use above which requests are refused, in percent."),
    shedCooldown: duration().default(5000).describe("Time that refusing goes on at least."),
    collectInterval: duration().default(3000).describe("Time between two looks at the load."),
  }, "Refusing gRPC requests under load.").meta({
    ignored: "the load of the host is not looked at; upload.server.requestRateLimit limits requests",
  }),
}, "The process.");

const download = section({
  server: section({
    socketPath: path().default("/var/run/dragonfly/dfdaemon.sock").describe(
      "Unix socket that the command line tools use.",
    ),
    ...rateLimits(),
  }, "gRPC server for the command line tools."),
  protocol: parsed("tcp", parseProtocol).default("tcp").describe("Transport of pieces between peers."),
  pieceLength: choice("damselfly", "dragonfly").default("damselfly").describe(
    "Rule for the length of pieces of what no other peer has; dragonfly where most peers are Dragonfly's own.",
  ),
  bandwidthLimit: bandwidth("downloaded from peers"),
  backToSourceBandwidthLimit: bandwidth("downloaded from sources"),
  pieceTimeout: duration().default(6 * MINUTE_MS).describe("Longest download of one piece.").meta({
    ignored: "a parent that makes no progress is given up after 5 s, however long the piece takes",
  }),
  collectedPieceTimeout: duration().default(6 * MINUTE_MS).describe(
    "Longest wait for a parent's next piece.",
  ),
  concurrentPieceCount: int(1, 1024).default(16).describe("Pieces of one task that are downloaded at the same time."),
}, "Downloading tasks.");

const upload = section({
  server: needsWholeTls(section({
    ip: ip().default("0.0.0.0").describe("IP address the gRPC server for peers listens on."),
    port: port().default(4000).describe("Port the gRPC server for peers listens on."),
    ...mutualTlsKeys("the gRPC server for peers"),
    ...rateLimits(),
  }, "gRPC server for peers.")),
  client: needsWholeTls(section(mutualTlsKeys("connections to parents"), "Connections to parents.")),
  disableShared: flag().default(false).describe("Never give pieces to other peers."),
  bandwidthLimit: bandwidth("given to peers, who share it evenly"),
}, "Giving pieces to other peers.");

const scheduler = needsWholeTls(section({
  announceInterval: interval().default(5 * MINUTE_MS).describe(
    "Time between two announcements of this host.",
  ),
  scheduleTimeout: duration().default(3 * HOUR_MS).describe(
    "Longest conversation with a scheduler about one task.",
  ).meta({ ignored: "it lasts as long as the download, and each wait in it has a limit of seconds" }),
  maxScheduleCount: int(1).default(5).describe("Answers of the scheduler about one task before the source is asked."),
  enableBackToSource: flag().default(true).describe("Download from the source when the scheduler fails.").meta({
    ignored: "set proxy.disableBackToSource instead",
  }),
  ...mutualTlsKeys("connections to schedulers"),
}, "Schedulers."));

const storage = section({
  server: section({
    ip: ip().default("0.0.0.0").describe("IP address the piece server listens on."),
    tcpPort: port().default(4005).describe("Port the piece server listens on."),
    quicPort: port().default(4006).describe("UDP port of the piece server.").meta({ ignored: "QUIC is not supported" }),
    tcpFastopen: flag().default(false).describe("TCP Fast Open for the piece server.").meta({
      ignored: "TCP Fast Open cannot be set",
    }),
  }, "Server that hands pieces to other peers."),
  dir: path().default("/var/lib/dragonfly").describe("Directory of content and its metadata."),
  keep: flag().default(true).describe("Keep what was downloaded across restarts; false in Dragonfly."),
  writePieceTimeout: duration().default(6 * MINUTE_MS).describe("Longest write of one piece to disk.").meta({
    ignored: "a write takes the time that the disk needs",
  }),
  writeBufferSize: size().default(512 * 1024).describe("Buffer of one write, in bytes.").meta({ ignored: NO_BUFFERS }),
  readBufferSize: size().default(512 * 1024).describe("Buffer of one read, in bytes.").meta({ ignored: NO_BUFFERS }),
  cacheCapacity: size().default(64 * 1024 ** 2).describe("Memory for tasks that are preheated into memory, in bytes.")
    .meta({
      ignored: "there is no memory cache besides the system's page cache",
    }),
}, "Content on disk.");

const policy = section({
  taskTTL: duration().default(720 * HOUR_MS).describe(
    "Time since its last use after which a task is removed.",
  ),
  persistentTaskTTL: duration().default(24 * HOUR_MS).describe("The same for persistent tasks.").meta({
    ignored: NO_PERSISTENT,
  }),
  persistentCacheTaskTTL: duration().refine(
    (ms) => ms >= CACHE_TTL_MS.min && ms <= CACHE_TTL_MS.max,
    "must be from 5m to 168h",
  ).default(24 * HOUR_MS).describe(
    "Time for which a file in the persistent cache is kept when its import names none.",
  ),
  pageCacheIdleTimeout: duration().default(40 * MINUTE_MS).describe(
    "Time until a task leaves the page cache.",
  ).meta({
    ignored: "the system manages the page cache",
  }),
  diskThreshold: size().default(0).describe("Bytes that tasks may take; 0 means the whole disk.").meta({
    aliases: ["distThreshold"],
  }),
  diskHighThresholdPercent: int(1, 99).default(80).describe(
    "Use at which the oldest tasks begin to go, in percent of diskThreshold, or of what others leave of the disk; of the whole disk in Dragonfly.",
  )
    .meta({
      aliases: ["distHighThresholdPercent"],
    }),
  diskLowThresholdPercent: int(1, 99).default(60).describe("Use at which they stop going, in percent.").meta({
    aliases: ["distLowThresholdPercent"],
  }),
}, "What is removed, and when.").refine(
  ({ diskLowThresholdPercent: low, diskHighThresholdPercent: high }) => low < high,
  "diskLowThresholdPercent must be less than diskHighThresholdPercent",
);

const backend = section({
  requestHeader: textMap().default({}).describe("Headers added to requests to sources.").meta({
    ignored: "requests to sources carry the requester's headers only",
  }),
  maxRetries: int(0).default(1).describe("Retries of a request to a source.").meta({ ignored: "retries are fixed" }),
  enableCacheTemporaryRedirect: flag().default(true).describe("Remember redirects of sources.").meta({
    ignored: "redirects are followed afresh",
  }),
  cacheTemporaryRedirectTTL: duration().default(10 * MINUTE_MS).describe("How long they are remembered.")
    .meta({
      ignored: "redirects are followed afresh",
    }),
  putConcurrentChunkCount: int(1).default(16).describe("Chunks uploaded at once.").meta({ ignored: NO_UPLOADS }),
  putChunkSize: size().default(8 * 1024 ** 2).describe("Bytes of an uploaded chunk.").meta({ ignored: NO_UPLOADS }),
  putTimeout: duration().default(15 * MINUTE_MS).describe("Longest upload.").meta({ ignored: NO_UPLOADS }),
  enableHickoryDNS: flag().default(false).describe("Use Rust's resolver.").meta({
    ignored: "names are resolved by the system",
  }),
}, "Requests to sources.");

/** Every key of dfdaemon's YAML (node-side.md §4); durations in milliseconds, sizes in bytes. */
export const DfdaemonConfig = z.strictObject({
  host,
  server,
  download,
  upload,
  manager: needsWholeTls(section({
    addr: grpcAddress().optional().describe(
      "gRPC address of the manager; left out, the dynconfig file names the schedulers.",
    ),
    ...mutualTlsKeys("the connection to the manager"),
  }, "The manager.")),
  scheduler,
  seedPeer: section({
    enable: flag().default(false).describe("Be a seed peer, which downloads from sources first."),
    type: choice("super", "normal", "strong", "weak").default("super").describe("Kind of seed peer.").meta({
      ignored: "there is one kind of seed peer",
    }),
    clusterID: int(1).optional().describe(
      "Seed peer cluster to register with when the manager names none, as stock managers do not.",
    ),
  }, "Role of this peer."),
  dynconfig: section({
    refreshInterval: interval().default(MINUTE_MS).describe(
      "Time between two fetches of the list of schedulers.",
    ),
  }, "Settings that come from the manager."),
  storage,
  gc: section({
    interval: interval().default(15 * MINUTE_MS).describe("Time between two searches for tasks to remove."),
    policy,
  }, "Removing tasks."),
  proxy,
  security: section({
    enable: flag().default(false).describe("Reserved by Dragonfly.").meta({
      ignored: "it has no effect in Dragonfly either",
    }),
    deniedNetworks: list(cidr()).default([]).describe(
      "Networks in CIDR form whose addresses nobody is sent to: not for tasks, and not by the mirror or proxy. What proxy.registryMirror names is asked in any case; link-local and metadata addresses need not be listed.",
    ),
    allowedNetworks: list(cidr()).optional().describe(
      "Networks in CIDR form, besides which nobody is sent anywhere, loopback included; left out, all. What proxy.registryMirror names is asked in any case.",
    ),
  }, "Where requests of others may go."),
  health: httpServer("the health server", 4003),
  metrics: httpServer("the metrics server", 4002),
  stats: httpServer("the server of profiles and of the log's level, which answers this host only,", 4004, "127.0.0.1"),
  tracing: tracing("dfdaemon"),
  backend,
  network: network(),
  ...logFlags(),
  log: section({ level: logLevel() }, "Logs."),
}).meta({ component: "dfdaemon", file: "/etc/dragonfly/dfdaemon.yaml", fileEnv: "DFDAEMON_CONFIG" });
export type DfdaemonConfig = z.infer<typeof DfdaemonConfig>;
