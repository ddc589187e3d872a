import * as z from "zod";
import { DamselflyError } from "../core/error.ts";
import { duration, flag, grpcAddress, int, interval, ip, parsed, path, port, section, text } from "./fields.ts";
import { schedulerRedis } from "./redis.ts";
import { allowedRegistries, goServerKeys, goTopKeys, metrics, network, requestRateLimit, tracing } from "./shared.ts";
import { grpcTls } from "./tls.ts";

/** Why Dragonfly's other queues have no workers. */
const ONE_QUEUE = "nobody puts jobs into that queue";
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

function parseAlgorithm(name: string): "default" | "swarm" {
  if (name === "default" || name === "swarm") return name;
  const what = `Cannot use algorithm "${name}": there are swarm and default, and no Go plugins`;
  throw new DamselflyError("invalid_argument", what);
}

const server = section({
  advertiseIP: ip().optional().describe(
    "IP address that peers are told to connect to; left out, the one listened on, or the host's own if that is every one.",
  ),
  advertisePort: port().optional().describe("Port that peers are told to connect to; server.port if left out."),
  listenIP: ip().default("0.0.0.0").describe("IP address the gRPC server listens on."),
  port: port().default(8002).describe("Port the gRPC server listens on."),
  host: text().optional().describe("Host name by which the manager knows this scheduler; the system's if left out."),
  requestRateLimit: requestRateLimit(4000),
  tls: grpcTls("the gRPC server"),
  ...goServerKeys(),
  cacheDir: path().default("/var/cache/dragonfly/scheduler").describe(
    "Directory of what helps the next start: the hosts that this scheduler knows. Its permissions let it write below /var/cache/dragonfly and /var/lib/dragonfly.",
  ),
}, "gRPC server of the scheduler.");

const gc = section({
  pieceDownloadTimeout: duration().default(30 * MINUTE_MS).describe(
    "Time without a new piece after which a downloading peer counts as gone.",
  ),
  peerGCInterval: duration().default(10_000).describe("Time between two searches for peers to forget."),
  peerTTL: duration().default(24 * HOUR_MS).describe(
    "Time after its last word at which a peer is forgotten.",
  ),
  taskGCInterval: duration().default(30 * MINUTE_MS).describe(
    "Time between two searches for tasks to forget.",
  ),
  hostGCInterval: duration().default(5 * MINUTE_MS).describe(
    "Time between two searches for hosts to forget.",
  ),
  hostTTL: duration().default(HOUR_MS).describe(
    "Time after its last announcement at which a host is forgotten.",
  ),
}, "Forgetting what is gone.");

const scheduler = section({
  algorithm: parsed("swarm", parseAlgorithm).default("swarm").describe(
    "How parents are chosen: `swarm` by place, measured speed and what children say; `default` by the rules of Dragonfly's algorithm of that name.",
  ),
  backToSourceCount: int(1).default(200).describe("Most peers of one task that may download from the source."),
  retryBackToSourceLimit: int(1).default(4).describe("Attempts to find a parent before a peer is sent to the source."),
  retryLimit: int(1).default(5).describe("Attempts to find a parent before the scheduler gives up."),
  retryInterval: duration().default(500).describe("Wait between two attempts to find a parent."),
  gc,
}, "Choosing parents.");

const jobWorkers = {
  enable: flag().default(true).describe(
    "Take jobs of a manager of Dragonfly's from Redis; ours sends its jobs over gRPC.",
  ),
  globalWorkerNum: int(1).default(500).describe("Workers of the queue of all clusters.").meta({ ignored: ONE_QUEUE }),
  schedulerWorkerNum: int(1).default(500).describe("Workers of the queue of all schedulers.").meta({
    ignored: ONE_QUEUE,
  }),
  localWorkerNum: int(1).default(1000).describe("Jobs from Redis that run at a time; 50 at most."),
  redis: schedulerRedis().describe("Redis, in the form before database.redis, which counts when it is there."),
};

/** Every key of the scheduler's YAML (manager-rest.md §7.2); durations in milliseconds. */
export const SchedulerConfig = z.strictObject({
  ...goTopKeys(),
  server,
  scheduler,
  database: section(
    { redis: schedulerRedis() },
    "Database of the scheduler; only jobs of a manager of Dragonfly's need it.",
  ),
  dynconfig: section({
    refreshInterval: interval().default(MINUTE_MS).describe(
      "Age at which the manager's settings are fetched anew.",
    ),
    type: text().optional().describe("Where settings come from, gone since Dragonfly 2.1.").meta({
      ignored: "manager.addr decides",
    }),
  }, "Settings that come from the manager.").meta({ aliases: ["dynConfig"] }),
  host: section({
    idc: text().optional().describe("Data centre of this scheduler."),
    location: text().optional().describe("Place of this scheduler, from wide to narrow, separated by |."),
  }, "Where the scheduler runs."),
  manager: section({
    addr: grpcAddress().optional().describe("gRPC address of the manager; left out, the scheduler works without one."),
    schedulerClusterID: int(1).default(1).describe("Cluster of the manager that this scheduler belongs to."),
    keepAlive: section({
      interval: interval().default(5000).describe("Time between two signs of life to the manager."),
    }, "Signs of life to the manager."),
    tls: grpcTls("the connection to the manager"),
  }, "The manager.").refine(
    ({ addr, tls }) => !addr?.tls || tls.cert !== undefined,
    "addr begins with https://, so tls.caCert, cert and key are needed; write http:// to go without TLS",
  ),
  seedPeer: section({
    enable: flag().default(true).describe("Ask seed peers to fetch what no peer has."),
    taskDownloadTimeout: duration().default(10 * HOUR_MS).describe(
      "Longest download of a task by a seed peer.",
    ),
    tls: grpcTls("connections to seed peers"),
  }, "Seed peers."),
  peer: section({
    tls: grpcTls("connections to peers that are no seed peers, for jobs and copies of the persistent cache"),
  }, "Peers."),
  job: section(jobWorkers, "Jobs from Redis."),
  preheat: section({ allowedRegistries: allowedRegistries() }, "Reading images for preheats."),
  storage: z.unknown().optional().describe("Records of downloads, gone since Dragonfly 2.2.").meta({
    type: "table",
    ignored: "no records of downloads are kept",
  }),
  metrics: metrics({
    enableHost: flag().default(false).describe("Traffic of each host as a series of its own, of 10,000 hosts at most."),
  }),
  network: network(),
  tracing: tracing("scheduler"),
}).meta({ component: "scheduler", file: "/etc/dragonfly/scheduler.yaml", fileEnv: "SCHEDULER_CONFIG" });
export type SchedulerConfig = z.infer<typeof SchedulerConfig>;
