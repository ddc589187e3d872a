import { join } from "node:path";
import { formatHostPort } from "../config/addresses.ts";
import type { SchedulerConfig } from "../config/scheduler.ts";
import { isLoopback } from "../http/destination.ts";
import { metricsHandler } from "../http/ops.ts";
import { type HttpServer, startHttpServer } from "../http/serve.ts";
import { tlsPathsOf } from "../config/tls.ts";
import { RegistryAccess } from "../oci/registry_access.ts";
import { createRpcClient } from "../rpc/client.ts";
import { serviceName } from "../rpc/definition.ts";
import { HoldingsService } from "../rpc/gen/damselfly/v1/holdings.ts";
import { SavingsService } from "../rpc/gen/damselfly/v1/savings.ts";
import { TicketsService } from "../rpc/gen/damselfly/v1/tickets.ts";
import { startRpcServer } from "../rpc/server.ts";
import { schedulerAudience, TicketGate } from "../rpc/tickets.ts";
import type { AnnounceHostRequest } from "../rpc/gen/scheduler/v2/scheduler.ts";
import { startLedger } from "../rpc/tell_ledger.ts";
import type { Clock } from "../runtime/clock.ts";
import { isEveryAddress } from "../runtime/net.ts";
import { type StartOptions, whenFree } from "../runtime/port_wait.ts";
import { openOptionalTlsFiles, type TlsFiles } from "../runtime/tls_files.ts";
import { RequestRate } from "../runtime/request_rate.ts";
import type { Runtime } from "../runtime/runtime.ts";
import { Answers } from "./answers.ts";
import { emptyCacheState } from "./cache/state.ts";
import { CacheScheduling } from "./cache_service.ts";
import { cacheTasksService } from "./cache_tasks_service.ts";
import { DEFAULT_SETTINGS, type Settings } from "./core/settings.ts";
import { emptyState } from "./core/state.ts";
import { explanationsService } from "./explanations_service.ts";
import { holdingsService } from "./holdings_service.ts";
import { HostsFile } from "./hosts_file.ts";
import { HostCalls } from "./jobs/host_calls.ts";
import { Jobs } from "./jobs/jobs.ts";
import { jobsService } from "./jobs/jobs_service.ts";
import { startQueueWorker, takesQueuedJobs } from "./jobs/queue/start_queue.ts";
import { startManagerLink } from "./manager_link.ts";
import { Replicator } from "./replicator.ts";
import { SchedulerMetrics } from "./scheduler_metrics.ts";
import { StockTraffic } from "./stock_traffic.ts";
import { SeedTrigger } from "./seed_trigger.ts";
import { Scheduling } from "./service.ts";
import { swarmsService } from "./swarms_service.ts";

/** How often limits of time are looked at; a wait may be longer by as much. */
const TICK_INTERVAL_MS = 200;

/** A running scheduler. Disposing it ends the streams of its peers, which go on without it. */
export interface SchedulerProcess extends AsyncDisposable {
  /** Where its gRPC server listens. */
  readonly hostname: string;
  readonly port: number;
  /** Where its metrics are; undefined when they are off. */
  readonly metricsPort: number | undefined;
}

/**
 * Starts a scheduler. It serves at once, with what its configuration says; the manager, if there is one, is told in
 * the background. Rejects with `unavailable` or `already_exists` when it cannot listen.
 */
export async function startScheduler(
  config: SchedulerConfig,
  runtime: Runtime,
  { signal }: StartOptions = {},
): Promise<SchedulerProcess> {
  const { clock, log } = runtime;
  const settings = settingsOf(config);
  await using stack = new AsyncDisposableStack();
  const metrics = new SchedulerMetrics(runtime.metrics, config.metrics);
  const openTls = async (table: Parameters<typeof tlsPathsOf>[0]) => {
    return stack.use(await openOptionalTlsFiles(tlsPathsOf(table), runtime));
  };
  const seedTls = await openTls(config.seedPeer.tls);
  const peerTls = await openTls(config.peer.tls);
  const trigger = stack.use(new SeedTrigger(clock, { timeoutMs: config.seedPeer.taskDownloadTimeout, tls: seedTls }));
  const state = emptyState(settings, clock.now());
  const answers = new Answers(config.manager.schedulerClusterID, clock);
  const parts = { disk: runtime.disk, clock, log, known: state.hosts };
  const { file, hosts: known } = await HostsFile.open(hostsPath(config), parts);
  stack.use(file);
  const onAnnounced = (request: AnnounceHostRequest) => file.note(request);
  const replicator = stack.use(new Replicator(clock, { seeds: seedTls, peers: peerTls }));
  const cacheState = emptyCacheState(settings, clock.now());
  const cache = new CacheScheduling({ state: cacheState, answers, replicator, metrics, runtime });
  const calls = stack.use(new HostCalls(clock, { seeds: seedTls, peers: peerTls }));
  const registries = stack.use(registryAccess(config, runtime));
  const hosts = () => [...state.hosts.values()].map((host) => answers.host(host));
  const jobs = new Jobs({ calls, hosts, registries, runtime });
  const manager = openManager(config, { clock, tls: await openTls(config.manager.tls) }, stack);
  const own = { address: "" };
  const gate = new TicketGate({ manager: manager?.tickets, audience: () => schedulerAudience(own.address), clock });
  const traffic = manager && new StockTraffic(runtime.random.uuid(), clock);
  const scheduling = new Scheduling({ state, answers, trigger, cache, jobs, metrics, runtime, onAnnounced, traffic });
  for (const host of known) scheduling.restore(host);
  const listen = { hostname: config.server.listenIP, port: config.server.port };
  const services = [
    ...[scheduling.service(), jobsService(jobs, metrics), explanationsService(state, answers)],
    holdingsService({ loop: scheduling.loop, metrics, clock }),
    ...[swarmsService({ state, answers, calls, clock, gate }), cacheTasksService({ state: cacheState, answers, gate })],
  ];
  const tls = await openTls(config.server.tls);
  const onceFree = whenFree(runtime, signal);
  const rate = new RequestRate({ perSecond: config.server.requestRateLimit, key: "server.requestRateLimit", clock });
  const served = { ...runtime, requests: runtime, listen, services, tls, rate };
  const server = stack.use(await onceFree(listen, () => startRpcServer(served)));
  server.setServing(serviceName(HoldingsService), true);
  const { enable, addr: metricsAddr } = config.metrics;
  const metricsServer = enable && stack.use(await onceFree(metricsAddr, () => startMetrics(config, runtime)));
  stack.defer(() => scheduling.stop());
  stack.use(clock.every(TICK_INTERVAL_MS, () => scheduling.tick()));
  const onSettings = (settings: Settings) => scheduling.loop.dispatch({ type: "settings_changed", settings });
  const identity = identityOf(config, runtime, server.port);
  own.address = formatHostPort({ hostname: identity.ip, port: identity.port });
  if (manager !== undefined && traffic !== undefined) {
    const { addr, tls, ledger } = manager;
    stack.use(startManagerLink({ manager: addr, tls, ...identity, settings, onSettings, runtime }));
    stack.use(startLedger({ ...runtime, owed: traffic, manager: ledger }));
    if (identity.takesQueuedJobs) {
      stack.use(await startQueueWorker(config, identity, { jobs, hosts, clusterId: identity.clusterId }, runtime));
    }
  }
  log.info("The scheduler serves", { hostname: listen.hostname, port: server.port });
  const owned = stack.move();
  return {
    hostname: listen.hostname,
    port: server.port,
    metricsPort: metricsServer ? metricsServer.port : undefined,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** What the manager of the configuration is asked beside the link to it; undefined when there is none. */
function openManager(
  { manager: { addr } }: SchedulerConfig,
  options: { readonly clock: Clock; readonly tls: TlsFiles | undefined },
  stack: AsyncDisposableStack,
) {
  if (addr === undefined) return undefined;
  const address = formatHostPort(addr);
  const ledger = stack.use(createRpcClient(SavingsService, address, options));
  return { addr, tls: options.tls, ledger, tickets: stack.use(createRpcClient(TicketsService, address, options)) };
}

/** A file of its own for each scheduler of a machine, which differ by where they listen. */
function hostsPath({ server: { cacheDir, listenIP, port } }: SchedulerConfig): string {
  return join(cacheDir, `hosts-${listenIP}-${port}.json`);
}

/** The settings that a configuration means (wire.md §4.5). */
function settingsOf({ scheduler, seedPeer }: SchedulerConfig): Settings {
  const { algorithm, retryInterval, retryLimit, retryBackToSourceLimit, backToSourceCount, gc } = scheduler;
  return {
    ...DEFAULT_SETTINGS,
    algorithm,
    sourcePeersMax: backToSourceCount,
    sourceStartTimeoutMs: retryBackToSourceLimit * retryInterval,
    noParentTimeoutMs: retryLimit * retryInterval,
    triggersSeedPeers: seedPeer.enable,
    gc: {
      pieceTimeoutMs: gc.pieceDownloadTimeout,
      peerIntervalMs: gc.peerGCInterval,
      peerTtlMs: gc.peerTTL,
      taskIntervalMs: gc.taskGCInterval,
      hostIntervalMs: gc.hostGCInterval,
      hostTtlMs: gc.hostTTL,
    },
  };
}

/** The way to the registries of preheats. */
function registryAccess(config: SchedulerConfig, runtime: Runtime): RegistryAccess {
  const { server, preheat: { allowedRegistries: allowed } } = config;
  const isOnLoopback = isLoopback(addressOf(server, runtime));
  return new RegistryAccess({ runtime, allowed, key: "preheat.allowedRegistries", isOnLoopback });
}

/** The address that peers are told. */
function addressOf({ advertiseIP, listenIP }: SchedulerConfig["server"], runtime: Runtime): string {
  return advertiseIP ?? (isEveryAddress(listenIP) ? runtime.localIps()[0] : undefined) ?? listenIP;
}

/** How the manager knows this scheduler, and where peers find it. */
function identityOf(config: SchedulerConfig, runtime: Runtime, port: number) {
  const { server, host, manager, dynconfig } = config;
  return {
    takesQueuedJobs: takesQueuedJobs(config),
    hostname: server.host ?? runtime.hostname(),
    ip: addressOf(server, runtime),
    port: server.advertisePort ?? port,
    idc: host.idc,
    location: host.location,
    clusterId: manager.schedulerClusterID,
    keepAliveIntervalMs: manager.keepAlive.interval,
    refreshIntervalMs: dynconfig.refreshInterval,
  };
}

function startMetrics({ metrics: { addr } }: SchedulerConfig, { metrics, clock, net, log }: Runtime): HttpServer {
  return startHttpServer({
    listen: addr,
    handler: metricsHandler(metrics),
    onError: (error) => log.error("A request for metrics failed", { error }),
    clock,
    net,
  });
}
