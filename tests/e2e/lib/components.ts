/** Our own processes with their YAML files, started as a user starts them. */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { stringify } from "yaml";
import { SchedulerService } from "../../../src/rpc/gen/scheduler/v2/scheduler.ts";
import { callOnce, grpcServes } from "./grpc.ts";
import { answers } from "./http.ts";
import { downloadTraffic, proxyRequests, type Traffic, uploadTraffic } from "./metrics.ts";
import { run } from "./programs.ts";
import { type RunningProcess, startProcess } from "./process.ts";
import { acceptsAll } from "./tcp.ts";

const START_TIMEOUT_MS = 60_000;
/** A peer may first have to wait until its ports are free of another one that has just left them. */
export const PEER_START_TIMEOUT_MS = 120_000;
const MIRROR_PORT = 4001;
/** Of the upload service, the mirror, metrics, health and pieces; a peer has opened all of them when it serves. */
export const PEER_PORTS = [4000, MIRROR_PORT, 4002, 4003, 4005];
const MANAGER_GRPC_PORT = 65003;
const MANAGER_REST_PORT = 8080;
export const SCHEDULER_PORT = 8002;
/** Short, so that nobody waits long for the news of a process that has just been started. */
const REFRESH_INTERVAL = "1s";

/** The checkout. */
export const REPOSITORY = fileURLToPath(new URL("../../..", import.meta.url));

/** The ways a component is started. */
export type Launch = (component: string, configFile: string) => {
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env?: Record<string, string>;
};

/** `deno task <component> --config FILE` in the checkout. */
export const fromCheckout: Launch = (component, configFile) => ({
  command: Deno.execPath(),
  args: ["task", "--quiet", component, "--config", configFile],
  cwd: REPOSITORY,
});

/** Where a component runs: its address, and the folder of its files. */
export interface Place {
  readonly name: string;
  readonly ip: string;
  readonly dir: string;
  /** The network namespace that has the address, where it is not one of loopback. */
  readonly netns?: string;
}

/** A manager, with its embedded database where nothing else is said. */
export interface Manager extends AsyncDisposable {
  readonly process: RunningProcess;
  readonly grpcUrl: string;
  readonly restUrl: string;
}

/** Starts a manager; `settings` are tables of its YAML that differ from those of {@link managerConfig}. */
export async function startManager(
  place: Place,
  launch: Launch = fromCheckout,
  settings: Readonly<Record<string, unknown>> = {},
): Promise<Manager> {
  const process = await startComponent(launch, "manager", place, { ...managerConfig(place), ...settings });
  const restUrl = `http://${place.ip}:${MANAGER_REST_PORT}`;
  await process.ready("the REST API", START_TIMEOUT_MS, (signal) => answers(`${restUrl}/healthy`, signal));
  await process.ready(
    "the gRPC API",
    START_TIMEOUT_MS,
    (signal) => grpcServes(`${place.ip}:${MANAGER_GRPC_PORT}`, signal),
  );
  const grpcUrl = `http://${place.ip}:${MANAGER_GRPC_PORT}`;
  return { process, grpcUrl, restUrl, [Symbol.asyncDispose]: () => process.stop() };
}

/** A manager.yaml for standard ports on an address of its own. */
export function managerConfig({ ip, dir }: Place): Record<string, unknown> {
  return {
    server: {
      grpc: { advertiseIP: ip, listenIP: ip, port: MANAGER_GRPC_PORT },
      rest: { addr: `${ip}:${MANAGER_REST_PORT}` },
    },
    database: { type: "sqlite", sqlite: { path: join(dir, "manager.db") } },
  };
}

/** A scheduler. */
export interface Scheduler extends AsyncDisposable {
  readonly process: RunningProcess;
  /** Ids of the hosts that announced themselves. */
  hostIds(): Promise<string[]>;
}

/** Starts a scheduler; `settings` are tables of its YAML that differ from those of {@link schedulerConfig}. */
export async function startScheduler(
  place: Place,
  managerUrl: string,
  clusterId: number,
  launch: Launch = fromCheckout,
  settings: Readonly<Record<string, unknown>> = {},
): Promise<Scheduler> {
  const config = { ...schedulerConfig(place, managerUrl, clusterId), ...settings };
  const process = await startComponent(launch, "scheduler", place, config);
  const target = `${place.ip}:${SCHEDULER_PORT}`;
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

/** A scheduler.yaml for the standard port on an address of its own. */
export function schedulerConfig(
  { name, ip }: Place,
  managerUrl: string | undefined,
  clusterId: number,
): Record<string, unknown> {
  return {
    server: { host: name, advertiseIP: ip, listenIP: ip, port: SCHEDULER_PORT },
    ...(managerUrl === undefined ? {} : { manager: { addr: managerUrl, schedulerClusterID: clusterId } }),
    dynconfig: { refreshInterval: REFRESH_INTERVAL },
  };
}

/** What tells one peer from another. */
export interface PeerOptions {
  readonly managerUrl?: string;
  readonly idc?: string;
  readonly location?: string;
  readonly isSeed?: boolean;
  /** The cluster of a seed peer, where it is not the default one. */
  readonly seedClusterId?: number;
  /** Registries that are not at `https://<namespace>`. */
  readonly upstreams?: readonly { readonly namespace: string; readonly addr: string; readonly ca?: string }[];
  /** Registry of requests that name none. */
  readonly registryUrl?: string;
  /** Authorities that vouch for all registries. */
  readonly cert?: string;
  /** The rule that pieces are cut by: ours, or Dragonfly's. */
  readonly pieceLength?: "damselfly" | "dragonfly";
  /** The task of a blob is its URL's, as in Dragonfly's own default, and not its digest's. */
  readonly hasTasksByUrl?: boolean;
  /** Of what comes from other peers, as the YAML has it. */
  readonly bandwidthLimit?: string;
  /** Where its traces go. */
  readonly tracing?: Readonly<Record<string, string>>;
  /** Of what it gives to other peers. */
  readonly uploadLimit?: string;
  /** A Go duration. */
  readonly announceInterval?: string;
  /** Of `proxy.server`, besides the address. */
  readonly proxyServer?: Readonly<Record<string, unknown>>;
  /** Of the mirror and proxy; 4001 unless it is another. */
  readonly mirrorPort?: number;
}

/** A peer or seed peer. */
export interface Peer extends AsyncDisposable {
  readonly process: RunningProcess;
  readonly ip: string;
  /** The id it announces itself with (wire.md §3). */
  readonly hostId: string;
  readonly mirrorUrl: string;
  downloaded(): Promise<Traffic>;
  uploaded(): Promise<number>;
  /** Requests to its mirror so far. */
  proxyRequests(): Promise<number>;
}

export async function startPeer(
  place: Place,
  options: PeerOptions,
  launch: Launch = fromCheckout,
): Promise<Peer> {
  const process = await startComponent(launch, "dfdaemon", place, peerConfig(place, options));
  const { name, ip } = place;
  const { mirrorPort = MIRROR_PORT } = options;
  const ports = PEER_PORTS.map((port) => port === MIRROR_PORT ? mirrorPort : port);
  await process.ready("its ports", PEER_START_TIMEOUT_MS, (signal) => acceptsAll(ip, ports, signal));
  const metricsUrl = `http://${ip}:4002/metrics`;
  return {
    process,
    ip,
    hostId: `${ip}-${name}${options.isSeed === true ? "-seed" : ""}`,
    mirrorUrl: `http://${ip}:${mirrorPort}`,
    downloaded: () => downloadTraffic(metricsUrl),
    uploaded: () => uploadTraffic(metricsUrl),
    proxyRequests: () => proxyRequests(metricsUrl),
    [Symbol.asyncDispose]: () => process.stop(),
  };
}

/** A dfdaemon.yaml for standard ports on an address of its own. */
export function peerConfig({ name, ip, dir }: Place, options: PeerOptions): unknown {
  const { managerUrl, idc, location, isSeed = false, upstreams = [], registryUrl, cert, pieceLength, bandwidthLimit } =
    options;
  return {
    host: { hostname: name, ip, ...given({ idc, location }) },
    server: { cacheDir: join(dir, "cache") },
    ...(managerUrl === undefined ? {} : { manager: { addr: managerUrl } }),
    seedPeer: { enable: isSeed, ...given({ clusterID: options.seedClusterId }) },
    scheduler: { announceInterval: options.announceInterval ?? REFRESH_INTERVAL },
    dynconfig: { refreshInterval: REFRESH_INTERVAL },
    storage: { dir: join(dir, "storage"), server: { ip, tcpPort: 4005 } },
    upload: { server: { ip, port: 4000 }, ...given({ bandwidthLimit: options.uploadLimit }) },
    download: { server: { socketPath: join(dir, "dfdaemon.sock") }, ...given({ pieceLength, bandwidthLimit }) },
    proxy: {
      server: { ...options.proxyServer, ip, port: options.mirrorPort ?? MIRROR_PORT },
      registryMirror: {
        ...given({ addr: registryUrl, cert }),
        enableTaskIDBasedBlobDigest: options.hasTasksByUrl !== true,
        upstreams,
      },
    },
    // What a test pulls stays, however full the disk of the machine is.
    gc: { policy: { diskHighThresholdPercent: 99, diskLowThresholdPercent: 98 } },
    health: { server: { ip, port: 4003 } },
    ...(options.tracing === undefined ? {} : { tracing: options.tracing }),
    metrics: { server: { ip, port: 4002 } },
  };
}

/** The settings that have a value. */
function given<T>(settings: Readonly<Record<string, T | undefined>>): Record<string, T | undefined> {
  return Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined));
}

/** The node whose container runtime is configured, and what it shall ask. */
export interface DfinitOptions {
  /** The folder that holds the node's /etc. */
  readonly hostRoot: string;
  readonly mirrorUrl: string;
  /** Registries of containerd. */
  readonly registries?: readonly { readonly hostNamespace: string; readonly serverAddr: string }[];
  /** `containerRuntime` of dfinit.yaml; left out, containerd with all registries. */
  readonly containerRuntime?: Readonly<Record<string, unknown>>;
  /** What dfinit is to do; left out, it configures the node. */
  readonly verb?: string;
}

/** Runs dfinit to its end; returns what it printed. */
export async function runDfinit(dir: string, options: DfinitOptions, launch: Launch = fromCheckout): Promise<string> {
  const file = join(dir, "dfinit.yaml");
  await writeFile(file, stringify(dfinitConfig(options)));
  const { command, args, ...where } = launch("dfinit", file);
  return await run(command, [
    ...args,
    "--root",
    options.hostRoot,
    ...(options.verb === undefined ? [] : [options.verb]),
  ], where);
}

/** A dfinit.yaml. */
export function dfinitConfig({ mirrorUrl, registries = [], containerRuntime }: DfinitOptions): unknown {
  const containerd = { proxyAllRegistries: true, registries };
  return { proxy: { addr: mirrorUrl }, containerRuntime: containerRuntime ?? { containerd } };
}

async function startComponent(
  launch: Launch,
  component: string,
  { name, dir, netns }: Place,
  config: unknown,
): Promise<RunningProcess> {
  await mkdir(dir, { recursive: true });
  const file = join(dir, `${component}.yaml`);
  await writeFile(file, stringify(config));
  return startProcess({ name, logDir: dir, netns, ...launch(component, file) });
}
