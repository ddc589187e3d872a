/** Managers, schedulers and peers of either kind, started alike. */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { stringify } from "yaml";
import { ManagerService, SourceType } from "../../../src/rpc/gen/manager/v2/manager.ts";
import { SchedulerService } from "../../../src/rpc/gen/scheduler/v2/scheduler.ts";
import {
  type Launch,
  type Manager,
  type Peer,
  PEER_PORTS,
  PEER_START_TIMEOUT_MS,
  type PeerOptions,
  type Place,
  type Scheduler,
  startManager as startOurManager,
  startPeer as startOurPeer,
  startScheduler as startOurScheduler,
} from "../../e2e/lib/components.ts";
import { callOnce, grpcServes } from "../../e2e/lib/grpc.ts";
import { answers } from "../../e2e/lib/http.ts";
import { downloadTraffic, proxyRequests, uploadTraffic } from "../../e2e/lib/metrics.ts";
import { type RunningProcess, startProcess } from "../../e2e/lib/process.ts";
import { acceptsAll } from "../../e2e/lib/tcp.ts";
import { waitFor } from "../../e2e/lib/wait.ts";
import type { JobQueues, StockDatabase } from "./databases.ts";
import { redisOf, stockManagerConfig, stockPeerConfig, stockSchedulerConfig } from "./stock_configs.ts";
import type { StockPrograms } from "./stock_programs.ts";

const START_TIMEOUT_MS = 60_000;

/** Whose program it is. */
export type Kind = "stock" | "ours";

/** Starts components of either kind. */
export interface Starter {
  readonly stock: StockPrograms;
  /** How ours are started; left out, by the tasks of the checkout. */
  readonly launch?: Launch;
}

/** A manager; a stock one needs its database. */
export async function startManager(
  { stock, launch }: Starter,
  place: Place,
  database: StockDatabase | undefined,
): Promise<Manager> {
  if (database === undefined) return await startOurManager(place, launch);
  const process = await startStock("manager", await stock.path("manager"), place, stockManagerConfig(place, database));
  const restUrl = `http://${place.ip}:8080`;
  const target = `${place.ip}:65003`;
  await process.ready("the REST API", START_TIMEOUT_MS, (signal) => answers(`${restUrl}/healthy`, signal));
  await process.ready("the gRPC API", START_TIMEOUT_MS, (signal) => grpcServes(target, signal));
  return { process, restUrl, grpcUrl: `http://${target}`, [Symbol.asyncDispose]: () => process.stop() };
}

/** What a scheduler is told. */
export interface SchedulerOptions {
  readonly kind: Kind;
  readonly manager: Manager;
  readonly clusterId?: number;
  /** The manager's, where it has one, for its jobs. */
  readonly database?: JobQueues | undefined;
}

/** A scheduler; ready when it serves, and its manager may not list it yet: see {@link schedulerListed}. */
export async function startScheduler(
  { stock, launch }: Starter,
  place: Place,
  { kind, manager, clusterId = 1, database }: SchedulerOptions,
): Promise<Scheduler> {
  const redis = redisOf(database);
  if (kind === "ours") return await startOurScheduler(place, manager.grpcUrl, clusterId, launch, redis);
  const managerAddr = manager.grpcUrl.replace("http://", "");
  const config = stockSchedulerConfig(place, managerAddr, clusterId, database);
  return await startStockScheduler(await stock.path("scheduler"), place, config);
}

/** Resolves when the manager names the scheduler, which has this address, to a host of the cluster. */
export async function schedulerListed(
  { process }: Scheduler,
  ip: string,
  { grpcUrl }: Manager,
  clusterId: number,
): Promise<void> {
  await process.ready("being listed by its manager", START_TIMEOUT_MS, async () => {
    const listed = await listedSchedulers(grpcUrl.replace("http://", ""), ip, clusterId);
    return listed.includes(ip) || undefined;
  });
}

async function startStockScheduler(program: string, place: Place, config: unknown): Promise<Scheduler> {
  const process = await startStock("scheduler", program, place, config);
  const target = `${place.ip}:8002`;
  await process.ready("the gRPC API", START_TIMEOUT_MS, (signal) => grpcServes(target, signal));
  return {
    process,
    async hostIds() {
      const { hosts } = await callOnce(target, SchedulerService.listHosts, {});
      return hosts.map(({ id }) => id);
    },
    [Symbol.asyncDispose]: () => process.stop(),
  };
}

/**
 * Addresses of the active schedulers that the manager names to a host of the cluster: to one that has never asked, for a
 * stock manager says to a host for minutes what it said first, and at first a scheduler is not active.
 */
async function listedSchedulers(managerAddr: string, ip: string, clusterId: number): Promise<string[]> {
  const hostname = `ring-${crypto.randomUUID()}`;
  const { schedulers } = await callOnce(managerAddr, ManagerService.listSchedulers, {
    ...{ sourceType: SourceType.PEER_SOURCE, hostname, ip, version: "", commit: "" },
    schedulerClusterId: clusterId,
  });
  return schedulers.filter(({ state }) => state === "active").map((scheduler) => scheduler.ip);
}

/** A peer with the socket that command line tools use. */
export interface AnyPeer extends Peer {
  readonly kind: Kind;
  readonly socket: string;
}

/** A peer or seed peer; ready when it listens on all of its ports. */
export async function startPeer(
  { stock, launch }: Starter,
  kind: Kind,
  place: Place,
  options: PeerOptions,
): Promise<AnyPeer> {
  const socket = join(place.dir, "dfdaemon.sock");
  if (kind === "ours") return { kind, socket, ...await startOurPeer(place, options, launch) };
  const { name, ip } = place;
  const process = await startStockPeer(await stock.path("dfdaemon"), place, stockPeerConfig(place, options));
  const metricsUrl = `http://${ip}:4002/metrics`;
  return {
    kind,
    socket,
    process,
    ip,
    hostId: `${ip}-${name}${options.isSeed === true ? "-seed" : ""}`,
    mirrorUrl: `http://${ip}:4001`,
    downloaded: () => downloadTraffic(metricsUrl),
    uploaded: () => uploadTraffic(metricsUrl),
    proxyRequests: () => proxyRequests(metricsUrl),
    [Symbol.asyncDispose]: () => process.stop(),
  };
}

/** A stock peer ends when a port is still in TIME_WAIT, for a minute; its supervisor starts it again until it is not. */
async function startStockPeer(program: string, place: Place, config: unknown): Promise<RunningProcess> {
  return await waitFor(`the start of ${place.name}`, PEER_START_TIMEOUT_MS, async () => {
    const process = await startStock("dfdaemon", program, place, config, ["--console"]);
    await process.ready("its ports", START_TIMEOUT_MS, (signal) => acceptsAll(place.ip, PEER_PORTS, signal));
    return process;
  });
}

async function startStock(
  component: string,
  program: string,
  { name, dir, netns }: Place,
  config: unknown,
  flags: readonly string[] = [],
): Promise<RunningProcess> {
  for (const folder of ["log", "plugins"]) await mkdir(join(dir, folder), { recursive: true });
  const file = join(dir, `${component}.yaml`);
  await writeFile(file, stringify(config));
  return startProcess({ name, command: program, args: [...flags, "--config", file], logDir: dir, cwd: dir, netns });
}
