import { redisPlaceOf, type RedisServers, redisServersOf, type RedisTable } from "../config/redis.ts";
import type { Runtime } from "../runtime/runtime.ts";
import { openClientTlsFiles } from "../runtime/tls_files.ts";
import type { RedisOptions } from "./client.ts";
import { openRedis, type Redis } from "./redis.ts";

/** The databases of Redis that Dragonfly's jobs go through (manager-rest.md §7.1). */
export interface RedisQueues extends AsyncDisposable {
  /** Queues of jobs for schedulers. */
  readonly broker: Redis;
  /** What becomes of these jobs. */
  readonly backend: Redis;
}

/** All databases of Redis, each for one purpose. */
export interface RedisDatabases extends RedisQueues {
  /** What managers share. */
  readonly shared: Redis;
}

/**
 * Connects to the databases of Redis; undefined when none is configured. It does not wait for them. `without` says what
 * becomes of the work while they are away. Fails when a file of TLS cannot be used; later ones are for new connections.
 */
export async function openRedisDatabases(
  config: RedisTable,
  runtime: Runtime,
  without: string,
): Promise<RedisDatabases | undefined> {
  await using stack = new AsyncDisposableStack();
  const open = await opener(config, runtime, { without, stack });
  if (open === undefined) return undefined;
  const shared = open(config.db);
  const [broker, backend] = [open(config.brokerDB), open(config.backendDB)];
  const opened = stack.move();
  return { shared, broker, backend, [Symbol.asyncDispose]: () => opened.disposeAsync() };
}

/** Connects to those that jobs go through, as {@link openRedisDatabases} does. */
export async function openRedisQueues(
  config: Omit<RedisTable, "db">,
  runtime: Runtime,
  without: string,
): Promise<RedisQueues | undefined> {
  await using stack = new AsyncDisposableStack();
  const open = await opener(config, runtime, { without, stack });
  if (open === undefined) return undefined;
  const [broker, backend] = [open(config.brokerDB), open(config.backendDB)];
  const opened = stack.move();
  return { broker, backend, [Symbol.asyncDispose]: () => opened.disposeAsync() };
}

/** What opens a database, which `stack` then owns; a cluster has only one. */
async function opener(
  config: Omit<RedisTable, "db">,
  runtime: Runtime,
  { without, stack }: { readonly without: string; readonly stack: AsyncDisposableStack },
): Promise<((database: number) => Redis) | undefined> {
  const servers = redisServersOf(config);
  if (servers === undefined) return undefined;
  const { username, password, sentinelUsername, sentinelPassword } = config;
  const login = { username, password, sentinelUsername, sentinelPassword } satisfies Partial<RedisOptions>;
  const tls = config.tls === undefined ? undefined : {
    files: stack.use(await openClientTlsFiles(config.tls, runtime)),
    checksCertificate: !config.tls.insecureSkipVerify,
  };
  const opened = new Map<string, Redis>();
  return (database) => {
    const place = placeOf(servers, database);
    const known = opened.get(place);
    if (known !== undefined) return known;
    const redis = stack.use(openRedis(place, { ...login, servers, database, tls }, { ...runtime, without }));
    opened.set(place, redis);
    return redis;
  };
}

/** What a database is called in the log, without credentials. */
function placeOf(servers: RedisServers, database: number): string {
  return servers.kind === "cluster" ? redisPlaceOf(servers) : `${redisPlaceOf(servers)}/${database}`;
}
