/** A whole cluster in this process: manager, scheduler, one seed peer and some peers. */
import type * as z from "zod";
import { formatHostPort, type HostPort } from "../config/addresses.ts";
import { DfdaemonConfig } from "../config/dfdaemon.ts";
import { fileMetaOf, parseConfig } from "../config/load.ts";
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
import {
  type LocalUpstream,
  managerSettings,
  type PeerPlace,
  peerSettings,
  schedulerSettings,
  type Settings,
} from "./local_cluster_settings.ts";

const READY_TIMEOUT_MS = 20_000;
const READY_POLL_MS = 50;
const CALL_TIMEOUT_MS = 2_000;

/** What {@link startLocalCluster} starts, and where. */
export interface LocalClusterOptions {
  /** Everything that the cluster writes is below it. */
  readonly dir: string;
  readonly manager: { readonly ip: string; readonly grpcPort: number; readonly restPort: number };
  readonly scheduler: { readonly ip: string; readonly port: number };
  readonly seed: PeerPlace;
  readonly peers: readonly PeerPlace[];
  /** Registries that are not at `https://<namespace>`. */
  readonly upstreams: readonly LocalUpstream[];
  /** What the manager serves as its console; left out, it has none. */
  readonly consolePack?: string | undefined;
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
  const { dir, clock, upstreams, consolePack } = options;
  const managerConfig = configOf(ManagerConfig, managerSettings({ dir, ...options.manager }));
  const manager = stack.use(await startManager(managerConfig, options.runtimeOf("manager"), { signal, consolePack }));
  const known = { manager: manager.grpc };
  const schedulerConfig = configOf(
    SchedulerConfig,
    schedulerSettings({ name: "scheduler", dir, ...options.scheduler, ...known }),
  );
  const scheduler = stack.use(await startScheduler(schedulerConfig, options.runtimeOf("scheduler"), { signal }));
  await untilReady(
    "the scheduler to be active at the manager",
    clock,
    signal,
    (wait) => hasScheduler(manager.grpc, clock, wait),
  );
  const start = async (name: string, place: PeerPlace) => {
    const settings = peerSettings({ name, isSeed: name === "seed", place, dir, upstreams, ...known });
    return stack.use(await startPeer(configOf(DfdaemonConfig, settings), options.runtimeOf(name), { signal }));
  };
  const seed = await start("seed", options.seed);
  const peers: PeerProcess[] = [];
  for (const [index, place] of options.peers.entries()) peers.push(await start(`peer-${index + 1}`, place));
  const count = peers.length + 1;
  await untilReady(
    "the peers to be known to the scheduler",
    clock,
    signal,
    (wait) => hasHosts(scheduler, count, clock, wait),
  );
  const opened = stack.move();
  return { manager, scheduler, seed, peers, [Symbol.asyncDispose]: () => opened.disposeAsync() };
}

function configOf<S extends z.ZodObject>(schema: S, settings: Settings): z.output<S> {
  return parseConfig(schema, "", fileMetaOf(schema).component, settings).config;
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

async function hasScheduler(manager: HostPort, clock: Clock, signal: AbortSignal): Promise<boolean> {
  using client = createRpcClient(ManagerService, formatHostPort(manager), { clock });
  const anyPeer = { sourceType: SourceType.PEER_SOURCE, hostname: "any", ip: manager.hostname, schedulerClusterId: 0 };
  const request = { ...anyPeer, version: VERSION, commit: "" };
  const { schedulers } = await client.listSchedulers(request, { timeoutMs: CALL_TIMEOUT_MS, signal });
  return schedulers.length > 0;
}

async function hasHosts(scheduler: HostPort, count: number, clock: Clock, signal: AbortSignal): Promise<boolean> {
  using client = createRpcClient(SchedulerService, formatHostPort(scheduler), { clock });
  const { hosts } = await client.listHosts({}, { timeoutMs: CALL_TIMEOUT_MS, signal });
  return hosts.length >= count;
}
