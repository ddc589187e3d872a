import * as z from "zod";
import { formatHostPort, type HostPort } from "./addresses.ts";
import { duration, flag, hostPort, int, list, listenAddress, path, section, table, text } from "./fields.ts";

const PORT_DEFAULT = 6379;
const ADDRESSES_MAX = 100;
const ONE_CONNECTION = "all share one connection to each database";

const tls = table(
  {
    caCert: path().optional().describe("PEM file of the authority of the Redis server; left out, the system's count."),
    cert: path().optional().describe("PEM file of our own certificate."),
    key: path().optional().describe("PEM file of the key of our own certificate."),
    insecureSkipVerify: flag().default(false).describe("Do not check the certificate of the Redis server."),
  },
  "TLS of the connection to Redis and to its sentinels; its files are read again every 10 s. Left out, it is plain.",
).refine(
  ({ cert, key }) => (cert === undefined) === (key === undefined),
  "TLS needs both cert and key",
);

/** `redis.*` of manager and scheduler, and the keys that differ. */
function redisTable<S extends z.core.$ZodLooseShape>(extra: S) {
  return section({
    addrs: list(hostPort(), ADDRESSES_MAX).default([]).describe(
      "Addresses: of one server; of several nodes of a Redis Cluster; with masterName, of the sentinels.",
    ),
    host: text().optional().describe("Host of the Redis server, the form before addrs."),
    port: int(0, 65535).optional().describe("Port of the Redis server, the form before addrs."),
    masterName: text().optional().describe("Name of the master that the sentinels watch."),
    username: text().optional().describe("Redis user."),
    password: text().optional().describe("Password of the Redis user."),
    sentinelUsername: text().optional().describe("User for the sentinels."),
    sentinelPassword: text().optional().describe("Password for the sentinels."),
    brokerDB: int(0).default(1).describe("Redis database of the job queue."),
    backendDB: int(0).default(2).describe("Redis database of job results."),
    poolSize: int(1).optional().describe("Most connections to Redis.").meta({ ignored: ONE_CONNECTION }),
    poolTimeout: duration().optional().describe("Longest wait for a free connection.").meta({
      ignored: ONE_CONNECTION,
    }),
    tls: tls.optional(),
    ...extra,
  }, "Connection to Redis; left out, there is none.");
}

const proxy = section({
  enable: flag().default(false).describe("Forward schedulers' connections to Redis."),
  addr: listenAddress().default({ hostname: "0.0.0.0", port: 65100 }).describe("Where the forwarder listens."),
}, "Redis through the manager.").refine(
  ({ enable }) => !enable,
  "the manager does not forward connections to Redis: write the addresses of Redis itself into database.redis.addrs " +
    "of the schedulers, and proxy.enable: false here",
).meta({ ignored: "connections are not forwarded; enable: true is refused" });

/** `database.redis` of the manager. */
export const managerRedis = redisTable({
  db: int(0).default(0).describe("Redis database of what managers share; a Redis Cluster has only one."),
  proxy,
}).superRefine((value, context) => {
  if (redisServersOf(value) !== undefined) return;
  const { masterName, username, password } = value;
  if ([masterName, username, password].every((text) => text === undefined)) return;
  context.addIssue("database.redis needs addrs, the addresses of the servers or sentinels");
});
/** What `redis` of the manager says; schedulers use less of it. */
export type RedisTable = Omit<z.infer<typeof managerRedis>, "proxy">;

/** `redis` of the scheduler. */
export function schedulerRedis() {
  return redisTable({
    db: int(0).default(0).describe("Redis database of Dragonfly's persistent tasks.").meta({
      ignored: "only jobs are in Redis",
    }),
  });
}

/** The servers that a table names: one, the nodes of a cluster, or the sentinels of a master. */
export type RedisServers =
  | { readonly kind: "single"; readonly addrs: readonly [HostPort] }
  | { readonly kind: "cluster"; readonly addrs: readonly HostPort[] }
  | { readonly kind: "sentinel"; readonly addrs: readonly HostPort[]; readonly masterName: string };

/** Which servers are meant, by the rule of Dragonfly's client; undefined where Redis is not configured. */
export function redisServersOf(
  { addrs, host, port = PORT_DEFAULT, masterName }: Pick<RedisTable, "addrs" | "host" | "port" | "masterName">,
): RedisServers | undefined {
  const all = addrs.length > 0 || host === undefined ? addrs : [{ hostname: host, port }];
  const [first, ...others] = all;
  if (first === undefined) return undefined;
  if (masterName !== undefined) return { kind: "sentinel", addrs: all, masterName };
  return others.length > 0 ? { kind: "cluster", addrs: all } : { kind: "single", addrs: [first] };
}

/** What the servers are called in messages. */
export function redisPlaceOf(servers: RedisServers): string {
  const addresses = servers.addrs.map(formatHostPort).join(",");
  return servers.kind === "sentinel" ? `${servers.masterName} by ${addresses}` : addresses;
}
