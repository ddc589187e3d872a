import * as z from "zod";
import { DamselflyError } from "../core/error.ts";
import { duration, flag, int, ip, listenAddress, parsed, path, port, section, text } from "./fields.ts";
import { goServerKeys, goTopKeys, grpcTls, metrics, network, redis, tracing } from "./shared.ts";

const HOUR_MS = 60 * 60 * 1000;
const NO_SQL_SERVER = "the database is SQLite";

function parseDatabaseType(type: string): "sqlite" {
  if (type === "sqlite") return type;
  const isKnown = ["mysql", "mariadb", "postgres", "polardb"].includes(type);
  const what = isKnown ? "is not supported yet" : "is not a database";
  throw new DamselflyError("invalid_argument", `Cannot use database type "${type}": it ${what}, write sqlite`);
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
  requestRateLimit: int(1).default(4000).describe("Most gRPC requests per second.").meta({
    ignored: "gRPC requests are not limited by rate yet",
  }),
  tls: grpcTls("the gRPC server"),
}, "gRPC server for schedulers and peers.");

const rest = section({
  addr: listenAddress().default({ hostname: "0.0.0.0", port: 8080 }).describe("Where the REST API and console listen."),
  tls: section({
    cert: path().optional().describe("PEM file of the certificate; refused so far, let an ingress end TLS."),
    key: path().optional().describe("PEM file of the key of the certificate; refused so far."),
  }, "TLS of the REST API.").refine(
    ({ cert, key }) => cert === undefined && key === undefined,
    "REST over TLS is not supported yet, remove cert and key and let an ingress end TLS",
  ),
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
    key: text().optional().describe(
      "Secret that signs sessions; left out, it is random and sessions end when the manager restarts.",
    ),
    timeout: duration().default(336 * HOUR_MS).describe("Lifetime of a session."),
    maxRefresh: duration().default(168 * HOUR_MS).describe(
      "How long after its end a session may be renewed.",
    ),
  }, "Sessions of the REST API and console."),
}, "Who may use the REST API.");

const sqlTls = section({
  caCert: path().optional().describe("PEM file of the authority of the database server."),
  cert: path().optional().describe("PEM file of our own certificate."),
  key: path().optional().describe("PEM file of the key of our own certificate."),
  insecureSkipVerify: flag().default(false).describe("Do not check the certificate of the database server."),
}, "TLS of the connection to the database.");

const mysql = section({
  user: text().optional().describe("Database user."),
  password: text().optional().describe("Password of the database user."),
  host: text().optional().describe("Host of the database server."),
  port: port().default(3306).describe("Port of the database server."),
  dbname: text().default("manager").describe("Name of the database."),
  tlsConfig: text().optional().describe("TLS mode of Go's MySQL driver."),
  tls: sqlTls,
  migrate: flag().default(true).describe("Create and change tables at start."),
}, "MySQL or MariaDB.").meta({ ignored: NO_SQL_SERVER });

const postgres = section({
  user: text().optional().describe("Database user."),
  password: text().optional().describe("Password of the database user."),
  host: text().optional().describe("Host of the database server."),
  port: port().default(5432).describe("Port of the database server."),
  dbname: text().default("manager").describe("Name of the database."),
  sslMode: text().default("disable").describe("TLS mode of the connection."),
  preferSimpleProtocol: flag().default(false).describe("Do not prepare statements."),
  timezone: text().default("UTC").describe("Time zone of the connection."),
  migrate: flag().default(true).describe("Create and change tables at start."),
}, "PostgreSQL.").meta({ ignored: NO_SQL_SERVER });

const polardb = section({
  user: text().optional().describe("Database user."),
  password: text().optional().describe("Password of the database user."),
  addrList: text().optional().describe("Addresses of the database servers."),
  dbname: text().default("manager").describe("Name of the database."),
  migrate: flag().default(true).describe("Create and change tables at start."),
}, "PolarDB.").meta({ ignored: NO_SQL_SERVER });

const database = section({
  type: parsed("sqlite", parseDatabaseType).default("sqlite").describe("Kind of database; mysql in Dragonfly."),
  sqlite: section({
    path: path().default("/var/lib/dragonfly/manager.db").describe("File of the database; it is created if absent."),
  }, "SQLite, which is built in."),
  mysql,
  mariadb: mysql,
  postgres,
  polardb,
  redis: redis({
    proxy: section({
      enable: flag().default(false).describe("Forward schedulers' connections to Redis."),
      addr: listenAddress().default({ hostname: "0.0.0.0", port: 65100 }).describe("Where the forwarder listens."),
    }, "Redis through the manager."),
  }),
}, "Where the manager keeps its data.");

const cache = section({
  redis: section({
    ttl: duration().default(5 * 60_000).describe("Lifetime of an answer cached in Redis."),
  }, "Cache in Redis."),
  local: section({
    size: int(1).default(8000).describe("Most cached answers."),
    ttl: duration().default(3 * 60_000).describe("Lifetime of an answer cached in memory."),
  }, "Cache in memory."),
}, "Cache of gRPC answers.").meta({ ignored: "answers are computed afresh from the embedded database" });

const job = section({
  preheat: section({
    registryTimeout: duration().default(60_000).describe("Longest wait for a registry.").meta({
      ignored: "the manager has a fixed limit for registries",
    }),
    tls: section({
      insecureSkipVerify: flag().default(false).describe("Do not check certificates of registries."),
      caCert: text("path or PEM").optional().describe("Authority of registries' certificates."),
    }, "TLS towards registries.").meta({ ignored: "registries are checked against the system's authorities" }),
  }, "Resolving images for preheat."),
  syncPeers: section({
    interval: duration().default(24 * HOUR_MS).describe("Time between two counts of peers."),
    timeout: duration().default(10 * 60_000).describe("Longest time of one count."),
    batchSize: int(1).default(500).describe("Peers stored in one transaction."),
  }, "Counting the peers of each cluster.").meta({ ignored: "peers are not counted by a job" }),
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
