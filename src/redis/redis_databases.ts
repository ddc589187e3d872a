import { redisPlaceOf, type RedisServers, redisServersOf, type RedisTable } from "../config/redis.ts";
import type { Runtime } from "../runtime/runtime.ts";
import type { RedisOptions, RedisTls } from "./client.ts";
import { openRedis, type Redis } from "./redis.ts";

/** The databases of Redis, each for one purpose (manager-rest.md §7.1). */
export interface RedisDatabases extends AsyncDisposable {
  /** What managers share. */
  readonly shared: Redis;
  /** Queues of jobs for stock schedulers. */
  readonly broker: Redis;
  /** What becomes of these jobs. */
  readonly backend: Redis;
}

/**
 * Connects to the databases of Redis; undefined when none is configured. It does not wait for them. `without` says what
 * becomes of the work while they are away. Fails when a file of TLS cannot be read.
 */
export async function openRedisDatabases(
  config: RedisTable,
  runtime: Runtime,
  without: string,
): Promise<RedisDatabases | undefined> {
  const servers = redisServersOf(config);
  if (servers === undefined) return undefined;
  const tls = await redisTls(config, runtime);
  await using stack = new AsyncDisposableStack();
  const open = (database: number) => {
    const options = { ...optionsOf(config), servers, database, tls };
    return stack.use(openRedis(placeOf(servers, database), options, { ...runtime, without }));
  };
  const shared = open(config.db);
  // A cluster has one database.
  const [broker, backend] = servers.kind === "cluster"
    ? [shared, shared]
    : [open(config.brokerDB), open(config.backendDB)];
  const opened = stack.move();
  return { shared, broker, backend, [Symbol.asyncDispose]: () => opened.disposeAsync() };
}

function optionsOf({ username, password, sentinelUsername, sentinelPassword }: RedisTable) {
  return { username, password, sentinelUsername, sentinelPassword } satisfies Partial<RedisOptions>;
}

/** What a database is called in the log, without credentials. */
function placeOf(servers: RedisServers, database: number): string {
  return servers.kind === "cluster" ? redisPlaceOf(servers) : `${redisPlaceOf(servers)}/${database}`;
}

async function redisTls({ tls }: RedisTable, { disk }: Runtime): Promise<RedisTls | undefined> {
  if (tls === undefined) return undefined;
  const read = (path: string | undefined) => path === undefined ? undefined : disk.readText(path);
  const [ca, cert, key] = await Promise.all([tls.caCert, tls.cert, tls.key].map(read));
  return { ca, cert, key, checksCertificate: !tls.insecureSkipVerify };
}
