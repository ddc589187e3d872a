import * as z from "zod";
import { DamselflyError } from "../core/error.ts";
import { parseCidr } from "../core/ip.ts";
import { duration, flag, int, interval, ip, list, listenAddress, parsed, path, port, section, text } from "./fields.ts";
import { allowedRegistries, goServerKeys, goTopKeys, metrics, network, requestRateLimit, tracing } from "./shared.ts";
import { database } from "./manager_database.ts";
import { grpcTls } from "./tls.ts";

const HOUR_MS = 60 * 60 * 1000;
const KEY_BYTES_MIN = 32;
/** Fewer different characters are no secret. */
const KEY_CHARACTERS_MIN = 8;

/** Dragonfly's documentation and chart have a key that everybody knows; like every short one it signs in anybody. */
function parseKey(key: string): string {
  const isShort = new TextEncoder().encode(key).length < KEY_BYTES_MIN;
  if (!isShort && new Set(key).size >= KEY_CHARACTERS_MIN) return key;
  const why = isShort ? `it has less than ${KEY_BYTES_MIN} bytes` : "it repeats itself";
  throw new DamselflyError(
    "invalid_argument",
    `Cannot sign sessions with this key: ${why}; leave it out, or write what "openssl rand -base64 32" prints`,
  );
}

const grpcPort = z.union([
  port(),
  z.strictObject({
    start: port().describe("The port."),
    end: port().optional().describe("Last port of the range; it is not used."),
  }).transform(({ start }) => start),
]).meta({ type: "port, or a table with start and end" });

const grpc = section({
  advertiseIP: ip().optional().describe("IP address that others are told to connect to.").meta({
    ignored: "nobody is told: schedulers and peers are configured with the manager's address",
  }),
  listenIP: ip().default("0.0.0.0").describe("IP address the gRPC server listens on."),
  port: grpcPort.default(65003).describe("Port the gRPC server listens on."),
  requestRateLimit: requestRateLimit(4000),
  tls: grpcTls("the gRPC server, and of calls to schedulers for jobs"),
}, "gRPC server for schedulers and peers.");

const rest = section({
  addr: listenAddress().default({ hostname: "0.0.0.0", port: 8080 }).describe("Where the REST API and console listen."),
  tls: section({
    cert: path().optional().describe("PEM file of the certificate; it is read again when it changes."),
    key: path().optional().describe("PEM file of the key of the certificate."),
  }, "TLS of the REST API.").refine(
    ({ cert, key }) => (cert === undefined) === (key === undefined),
    "TLS needs both cert and key",
  ),
  trustedProxies: section({
    cidrs: list(parsed("CIDR", parseCidr, ({ text }) => text)).default([]).describe(
      "Networks of the reverse proxies before the manager; only these are believed when they name a caller.",
    ),
    header: text("header").default("X-Forwarded-For").describe(
      "Header in which they name it; the last stranger counts.",
    ),
  }, "Who is believed about a caller's address, by which failed sign-ins are limited."),
}, "REST API and console.");

const server = section({
  name: text().default("d7y/manager").describe("Name of this manager.").meta({ ignored: "it is shown nowhere" }),
  ...goServerKeys(),
  cacheDir: path().optional().describe("Directory of cached files.").meta({ ignored: "no cache files are written" }),
  grpc,
  rest,
}, "Servers of the manager.");

const auth = section({
  jwt: section({
    realm: text().default("Dragonfly").describe("Realm named in challenges."),
    key: parsed(`secret of ${KEY_BYTES_MIN} bytes or more`, parseKey).optional().describe(
      "Secret that signs sessions; left out, one is made and kept in the database.",
    ),
    timeout: duration().default(336 * HOUR_MS).describe("Lifetime of a session."),
    maxRefresh: duration().default(168 * HOUR_MS).describe(
      "How long after signing in a session may be renewed.",
    ),
  }, "Sessions of the REST API and console."),
  allowDefaultPassword: flag().default(false).describe(
    "Let root do all from other machines with the password that everybody knows; otherwise it can only be changed, by whoever comes first.",
  ),
  openSignUp: flag().default(true).describe(
    "Let everybody make an account, which may read; otherwise those who may change users make them.",
  ),
}, "Who may use the REST API.");

const cache = section({
  redis: section({
    ttl: duration().default(5 * 60_000).describe("Lifetime of an answer cached in Redis."),
  }, "Cache in Redis."),
  local: section({
    size: int(1).default(8000).describe("Most cached answers."),
    ttl: duration().default(3 * 60_000).describe("Lifetime of an answer cached in memory."),
  }, "Cache in memory."),
}, "Cache of gRPC answers.").meta({ ignored: "answers are kept as long as they are true" });

const job = section({
  preheat: section({
    registryTimeout: duration().default(60_000).describe("Longest wait for a registry.").meta({
      ignored: "an answer of a registry is waited for 30 s",
    }),
    tls: section({
      insecureSkipVerify: flag().default(false).describe(
        "Do not check certificates where images are read; peers check them all the same, so caCert is the better way.",
      ),
      caCert: text("path or PEM").optional().describe(
        "Authorities of registries' certificates, besides Mozilla's; schedulers and peers trust them for a preheat.",
      ),
    }, "TLS towards registries."),
    allowedRegistries: allowedRegistries(),
    legacyAPI: section({
      enable: flag().default(false).describe("Serve /_ping and /preheats, which Harbor before 2.12 asks for."),
      requireToken: flag().default(true).describe(
        "Only for personal access tokens with scope job; otherwise whoever reaches the port can order preheats.",
      ),
    }, "The API of preheats of old Harbors."),
  }, "Preheats."),
  syncPeers: section({
    interval: interval().default(24 * HOUR_MS).describe(
      "Time between two counts of peers, which one of the managers makes; a minute at least.",
    ),
    timeout: duration().default(10 * 60_000).describe("Longest time of one count."),
    batchSize: int(1).default(500).describe("Peers stored in one transaction.").meta({
      ignored: "the peers of a cluster are stored together, or not at all",
    }),
  }, "Counting the peers of each cluster."),
  rateLimit: section({
    fillInterval: duration().default(60_000).describe("Time between two refills of the limit."),
    capacity: int(1).default(10).describe("Most jobs at once."),
    quantum: int(1).default(10).describe("Jobs added at each refill."),
  }, "Limit of jobs.").meta({ ignored: "a cluster's job_rate_limit sets the limit" }),
  gc: section({
    interval: duration().default(3 * HOUR_MS).describe("Time between two clean-ups of jobs."),
    ttl: duration().default(6 * HOUR_MS).describe("Age at which a job is removed."),
  }, "Removal of old jobs.").meta({ ignored: "jobs are removed by a setting in the database" }),
}, "Jobs.");

/** Every key of the manager's YAML (manager-rest.md §7.1); durations in milliseconds. */
export const ManagerConfig = z.strictObject({
  ...goTopKeys(),
  server,
  auth,
  database,
  cache,
  job,
  objectStorage: z.unknown().optional().describe("Object storage, gone since Dragonfly 2.2.").meta({
    type: "table",
    ignored: "there is no object storage gateway",
  }),
  metrics: metrics({
    enablePeerGauge: flag().default(true).describe("Count peers per version.").meta({
      ignored: "peers are not counted",
    }),
  }),
  network: network(),
  tracing: tracing("manager"),
}).meta({ component: "manager", file: "/etc/dragonfly/manager.yaml", fileEnv: "MANAGER_CONFIG" });
export type ManagerConfig = z.infer<typeof ManagerConfig>;
