/** A whole cluster in this process: manager, scheduler, one seed peer and some peers. */
import { join } from "node:path";
import { formatHostPort, type HostPort } from "../config/addresses.ts";
import { DfdaemonConfig } from "../config/dfdaemon.ts";
import { parseConfig } from "../config/load.ts";
import { ManagerConfig } from "../config/manager.ts";
import { SchedulerConfig } from "../config/scheduler.ts";
import { DamselflyError, errorText } from "../core/error.ts";
import { VERSION } from "../core/version.ts";
import { type Manager, startManager } from "../manager/manager.ts";
import { type PeerProcess, startPeer } from "../peer/peer.ts";
import { createRpcClient } from "../rpc/client.ts";
import { ManagerService, SourceType } from "../rpc/gen/manager/v2/manager.ts";
import { SchedulerService } from "../rpc/gen/scheduler/v2/scheduler.ts";
import type { Clock } from "../runtime/clock.ts";
import type { Runtime } from "../runtime/runtime.ts";
import { type SchedulerProcess, startScheduler } from "../scheduler/scheduler.ts";

const READY_TIMEOUT_MS = 20_000;
const READY_POLL_MS = 50;
const CALL_TIMEOUT_MS = 2_000;
/** Short, because what is new in a cluster that has just been started is what people look at. */
const REFRESH_INTERVAL = "1s";

/** Where a peer listens; the other ports follow from the first, as the standard ones do. */
export interface PeerPlace {
  readonly ip: string;
  /** 4000 usually; 0 lets the system choose all ports. */
  readonly firstPort: number;
}

/** What {@link startLocalCluster} starts, and where. */
export interface LocalClusterOptions {
  /** Everything that the cluster writes is below it. */
  readonly dir: string;
  readonly manager: { readonly ip: string; readonly grpcPort: number; readonly restPort: number };
  readonly scheduler: { readonly ip: string; readonly port: number };
  readonly seed: PeerPlace;
  readonly peers: readonly PeerPlace[];
  /** Registries that are not at `https://<namespace>`. */
  readonly upstreams: readonly { readonly namespace: string; readonly addr: string }[];
  readonly clock: Clock;
  /** The effects of each part, named `manager`, `scheduler`, `seed` or `peer-<n>`. */
  readonly runtimeOf: (name: string) => Runtime;
}

/** A running cluster. */
export interface LocalCluster extends AsyncDisposable {
  readonly manager: Manager;
  readonly scheduler: SchedulerProcess;
  readonly seed: PeerProcess;
  readonly peers: readonly PeerProcess[];
}

/**
 * Starts a cluster and waits until its scheduler is active at the manager and its peers have announced themselves.
 * Throws `already_exists` or `unavailable` when a port is taken, `timeout` when the parts do not find each other.
 */
export async function startLocalCluster(options: LocalClusterOptions, signal: AbortSignal): Promise<LocalCluster> {
  await using stack = new AsyncDisposableStack();
  const manager = stack.use(await startManager(managerConfig(options), options.runtimeOf("manager")));
  const managerAddress = formatHostPort(manager.grpc);
  const scheduler = stack.use(
    await startScheduler(schedulerConfig(options, managerAddress), options.runtimeOf("scheduler")),
  );
  const { clock } = options;
  await untilReady("the scheduler to be active at the manager", clock, signal, () => hasScheduler(manager.grpc, clock));
  const start = async (name: string, place: PeerPlace) =>
    stack.use(await startPeer(peerConfig(name, place, options, managerAddress), options.runtimeOf(name)));
  const seed = await start("seed", options.seed);
  const peers: PeerProcess[] = [];
  for (const [index, place] of options.peers.entries()) peers.push(await start(`peer-${index + 1}`, place));
  const count = peers.length + 1;
  await untilReady("the peers to be known to the scheduler", clock, signal, () => hasHosts(scheduler, count, clock));
  const opened = stack.move();
  return { manager, scheduler, seed, peers, [Symbol.asyncDispose]: () => opened.disposeAsync() };
}

/** Asks again and again within a limit of time; what the last attempt failed with is the cause of giving up. */
async function untilReady(
  what: string,
  clock: Clock,
  signal: AbortSignal,
  isReady: (signal: AbortSignal) => Promise<boolean>,
): Promise<void> {
  using limit = clock.deadline(READY_TIMEOUT_MS);
  const either = AbortSignal.any([signal, limit.signal]);
  let cause: unknown;
  while (!either.aborted) {
    try {
      if (await isReady(either)) return;
    } catch (error) {
      cause = error;
    }
    await clock.sleep(READY_POLL_MS, either).catch(() => {});
  }
  signal.throwIfAborted();
  const why = cause === undefined ? "" : `: ${errorText(cause)}`;
  throw new DamselflyError("timeout", `Waited ${READY_TIMEOUT_MS} ms for ${what}${why}`, { cause });
}

async function hasScheduler(manager: HostPort, clock: Clock): Promise<boolean> {
  using client = createRpcClient(ManagerService, formatHostPort(manager), { clock });
  const anyPeer = { sourceType: SourceType.PEER_SOURCE, hostname: "any", ip: manager.hostname, schedulerClusterId: 0 };
  const request = { ...anyPeer, version: VERSION, commit: "" };
  const { schedulers } = await client.listSchedulers(request, callOptions());
  return schedulers.length > 0;
}

async function hasHosts(scheduler: HostPort, count: number, clock: Clock): Promise<boolean> {
  using client = createRpcClient(SchedulerService, formatHostPort(scheduler), { clock });
  const { hosts } = await client.listHosts({}, callOptions());
  return hosts.length >= count;
}

function callOptions() {
  return { timeoutMs: CALL_TIMEOUT_MS, signal: new AbortController().signal };
}

function managerConfig({ dir, manager: { ip, grpcPort, restPort } }: LocalClusterOptions): ManagerConfig {
  return parseConfig(ManagerConfig, "", "manager", {
    "server.grpc.advertiseIP": ip,
    "server.grpc.listenIP": ip,
    "server.grpc.port": grpcPort,
    "server.rest.addr": formatHostPort({ hostname: ip, port: restPort }),
    "database.sqlite.path": join(dir, "manager.db"),
  }).config;
}

function schedulerConfig({ scheduler: { ip, port } }: LocalClusterOptions, managerAddress: string): SchedulerConfig {
  return parseConfig(SchedulerConfig, "", "scheduler", {
    "server.host": "scheduler",
    "server.advertiseIP": ip,
    "server.listenIP": ip,
    "server.port": port,
    "dynconfig.refreshInterval": REFRESH_INTERVAL,
    "manager.addr": managerAddress,
    "manager.keepAlive.interval": REFRESH_INTERVAL,
  }).config;
}

function peerConfig(
  name: string,
  { ip, firstPort }: PeerPlace,
  { dir, upstreams }: LocalClusterOptions,
  managerAddress: string,
): DfdaemonConfig {
  const port = (offset: number) => firstPort === 0 ? 0 : firstPort + offset;
  const home = join(dir, name);
  return parseConfig(DfdaemonConfig, "", name, {
    "host.hostname": name,
    "host.ip": ip,
    "server.cacheDir": join(home, "cache"),
    "manager.addr": managerAddress,
    "seedPeer.enable": name === "seed",
    "dynconfig.refreshInterval": REFRESH_INTERVAL,
    "upload.server.ip": ip,
    "upload.server.port": port(0),
    "proxy.server.ip": ip,
    "proxy.server.port": port(1),
    "proxy.registryMirror.upstreams": upstreams,
    "metrics.server.ip": ip,
    "metrics.server.port": port(2),
    "health.server.ip": ip,
    "health.server.port": port(3),
    "storage.dir": join(home, "storage"),
    "storage.server.ip": ip,
    "storage.server.tcpPort": port(5),
    "download.server.socketPath": join(home, "dfdaemon.sock"),
  }).config;
}
