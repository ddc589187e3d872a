import type { RedisServers } from "../config/redis.ts";
import { type ClientTlsFiles, nodeTlsOf } from "../runtime/tls_files.ts";

/** What Redis answers a command with. */
export type RedisReply = string | number | null | readonly RedisReply[];

/** How to reach one database of Redis. */
export interface RedisOptions {
  readonly servers: RedisServers;
  readonly username: string | undefined;
  readonly password: string | undefined;
  readonly sentinelUsername: string | undefined;
  readonly sentinelPassword: string | undefined;
  /** Of no effect in a Redis Cluster, which has only one. */
  readonly database: number;
  /** Undefined for connections in clear. */
  readonly tls: RedisTls | undefined;
}

/** TLS towards Redis. Without an authority those of the system count. */
export interface RedisTls {
  readonly files: ClientTlsFiles;
  readonly checksCertificate: boolean;
}

/** One connection, or what stands for one. Once broken it stays so, and is given up for another. */
export interface RedisClient {
  connect(): Promise<void>;
  /** Sends a command about `key`; undefined for one about none. It fails at once while there is no connection. */
  send(key: string | undefined, args: readonly string[]): Promise<RedisReply>;
  /** Ends it; what has no answer yet fails. */
  destroy(): Promise<void>;
}

/** How long a connection may take to be made, and how long one may be silent while an answer is due. */
export const CONNECT_TIMEOUT_MS = 3_000;
/** How often sentinels are asked whether they live, and after which silence they do not: then what waits for them ends. */
const SENTINEL_PING_INTERVAL_MS = 5_000;
const SENTINEL_SILENT_MAX_MS = 15_000;
/** Commands that wait at a time; more are refused. */
const COMMANDS_MAX = 1_000;
/** A command goes to another node of a cluster, or to a new master, so often at most. */
const REDIRECTIONS_MAX = 5;

/**
 * A client of the servers that `options` name, not connected yet. `onError` hears of what breaks it. The library is only
 * loaded here, for most managers have no Redis.
 */
export async function createRedisClient(options: RedisOptions, onError: (error: Error) => void): Promise<RedisClient> {
  const { RedisClient: SingleClient, createCluster, createSentinel } = await import("@redis/client");
  const { servers, tls, database } = options;
  const own = {
    // The old protocol, which every version speaks, and nothing that the server was not asked for.
    ...{ RESP: 2 as const, disableClientInfo: true, maintNotifications: "disabled" as const },
    ...{ disableOfflineQueue: true, commandsQueueMaxLength: COMMANDS_MAX },
  };
  const node = { ...own, ...loginOf(options.username, options.password) };
  const socket = { connectTimeout: CONNECT_TIMEOUT_MS, reconnectStrategy: false as const, ...tlsOf(tls) };
  const commandOptions = { timeout: 0 };
  if (servers.kind === "single") {
    const [{ hostname: host, port }] = servers.addrs;
    // createClient() would make a method of each command, which takes 0.2 s and 20 MB for each connection.
    const client = new SingleClient({ ...node, database, commandOptions, socket: { ...socket, host, port } });
    client.on("error", onError);
    return {
      connect: async () => void await client.connect(),
      send: (_key, args) => client.sendCommand([...args]),
      destroy: async () => await client.destroy(),
    };
  }
  if (servers.kind === "cluster") {
    const cluster = createCluster({
      rootNodes: servers.addrs.map(({ hostname: host, port }) => ({ socket: { host, port } })),
      defaults: { ...node, socket },
      ...{ RESP: 2 as const, commandOptions, maxCommandRedirections: REDIRECTIONS_MAX },
    });
    cluster.on("error", onError);
    return {
      connect: async () => void await cluster.connect(),
      send: (key, args) => cluster.sendCommand(key, false, [...args]),
      destroy: async () => await cluster.destroy(),
    };
  }
  const sentinel = createSentinel({
    name: servers.masterName,
    sentinelRootNodes: servers.addrs.map(({ hostname: host, port }) => ({ host, port })),
    nodeClientOptions: { ...node, database, socket },
    sentinelClientOptions: {
      ...own,
      ...loginOf(options.sentinelUsername, options.sentinelPassword),
      pingInterval: SENTINEL_PING_INTERVAL_MS,
      socket: { ...socket, socketTimeout: SENTINEL_SILENT_MAX_MS },
    },
    ...{ RESP: 2 as const, commandOptions, maxCommandRediscovers: REDIRECTIONS_MAX },
  });
  sentinel.on("error", onError);
  return {
    connect: async () => void await sentinel.connect(),
    send: (_key, args) => sentinel.sendCommand(false, [...args]),
    destroy: () => sentinel.destroy(),
  };
}

function loginOf(username: string | undefined, password: string | undefined) {
  return { ...(username === undefined ? {} : { username }), ...(password === undefined ? {} : { password }) };
}

function tlsOf(tls: RedisTls | undefined) {
  if (tls === undefined) return {};
  return { tls: true as const, rejectUnauthorized: tls.checksCertificate, ...nodeTlsOf(tls.files.current()) };
}
