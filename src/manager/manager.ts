import { DamselflyError } from "../core/error.ts";
import type { ManagerConfig } from "../config/manager.ts";
import { tlsPathsOf } from "../config/tls.ts";
import { metricsHandler } from "../http/ops.ts";
import { startHttpServer } from "../http/serve.ts";
import { openRedisDatabases, type RedisDatabases } from "../redis/redis_databases.ts";
import type { Log } from "../runtime/log.ts";
import type { Endpoint } from "../runtime/net.ts";
import { type StartOptions, whenFree } from "../runtime/port_wait.ts";
import { RequestRate } from "../runtime/request_rate.ts";
import type { Runtime } from "../runtime/runtime.ts";
import { exposeVersion } from "../runtime/version_metric.ts";
import { openOptionalTlsFiles } from "../runtime/tls_files.ts";
import { startRpcServer } from "../rpc/server.ts";
import { Tickets } from "../rpc/tickets.ts";
import { SchedulerCacheTasks } from "./cache_tasks/scheduler_cache_tasks.ts";
import { type ConsoleFiles, parseConsolePack } from "./console/console_pack.ts";
import { fillEmptyStore } from "./first_start.ts";
import { openStore, placeOf } from "./open_store.ts";
import { Jobs } from "./jobs/jobs.ts";
import { MachineryQueue } from "./jobs/machinery/queue.ts";
import { StockCalls } from "./jobs/machinery/stock_calls.ts";
import { type OpenedImages, openImages } from "./jobs/open_images.ts";
import { SchedulerCalls } from "./jobs/scheduler_calls.ts";
import { managerKey } from "./manager_key.ts";
import { removeOldRows } from "./old_rows.ts";
import { API_GROUPS } from "./rest/routes.ts";
import { prepareRest } from "./rest_server.ts";
import { Seal } from "./seal.ts";
import { createManagerService } from "./service/manager_service.ts";
import { savingsService } from "./service/savings_service.ts";
import { removeDeadServices } from "./service/dead_services.ts";
import { SchedulerSwarms } from "./swarms/scheduler_swarms.ts";
import { Arrivals } from "./warm/arrivals.ts";
import { startWarming } from "./warm/start_warming.ts";

const WITHOUT_REDIS =
  "until then each manager limits sign-ins and jobs by itself, and stock schedulers get only such " +
  "jobs as they take over gRPC";
/** More than the rows of a first start: each failed attempt found one more of them there. */
const FILL_ATTEMPTS_MAX = 20;

/** A running manager; where it listens is known even when the configuration says port 0. */
export interface Manager extends AsyncDisposable {
  readonly grpc: Endpoint;
  readonly rest: Endpoint;
  /** What `rest` serves, as `GET /api/v1/clusters/:id`. */
  readonly routes: readonly string[];
  /** Present when metrics are enabled. */
  readonly metrics: Endpoint | undefined;
}

/** What a manager is started with besides its configuration. */
export interface ManagerOptions extends StartOptions {
  /** The console as its build left it; left out, REST says how to build it. */
  readonly consolePack?: string | undefined;
}

/**
 * Starts the manager: its store, gRPC for schedulers and peers, REST and the console for people, and metrics if
 * enabled. Fails with the errors of the store, and when a port is in use.
 */
export async function startManager(
  config: ManagerConfig,
  runtime: Runtime,
  { signal, consolePack }: ManagerOptions = {},
): Promise<Manager> {
  await using stack = new AsyncDisposableStack();
  const { clock, log, metrics } = runtime;
  const console = consoleOf(consolePack, log);
  const store = await openStore(config.database, runtime, stack);
  await fillTogether(() => fillEmptyStore({ ...runtime, store, groups: API_GROUPS }));
  stack.use(removeDeadServices({ store, clock, log }));
  stack.use(removeOldRows({ store, clock, log }));

  exposeVersion(metrics, "manager");
  const arrivals = new Arrivals(clock);
  const service = createManagerService({ store, clock, metrics, arrivals });
  const key = await managerKey(config.auth.jwt.key, store, runtime.random);
  const tickets = new Tickets(key, clock);
  const services = [service.rpc, savingsService({ store, clock }), tickets.service()];
  const grpcListen = { hostname: config.server.grpc.listenIP, port: config.server.grpc.port };
  const tls = stack.use(await openOptionalTlsFiles(tlsPathsOf(config.server.grpc.tls), runtime));
  const onceFree = whenFree(runtime, signal);
  const rate = new RequestRate({
    ...{ perSecond: config.server.grpc.requestRateLimit, key: "server.grpc.requestRateLimit", clock },
  });
  const options = { ...runtime, requests: runtime, listen: grpcListen, services, tls, rate };
  const grpc = stack.use(await onceFree(grpcListen, () => startRpcServer(options)));
  stack.defer(() => service.stop());

  const { trust, images } = await openImages(config, runtime, stack);
  const redis = await openRedisDatabases(config.database.redis, runtime, WITHOUT_REDIS);
  if (redis !== undefined) stack.use(redis);
  const calls = withStockQueues(stack.use(new SchedulerCalls(clock, tls, trust)), { redis, images, trust }, runtime);
  const seal = new Seal({ key, purpose: "orders of jobs", random: runtime.random });
  const jobs = stack.use(new Jobs({ ...runtime, store, calls, images, seal, syncPeers: config.job.syncPeers }));
  const swarms = stack.use(new SchedulerSwarms({ store, tickets, clock, tls }));
  const cacheTasks = stack.use(new SchedulerCacheTasks({ store, tickets, clock, tls }));
  const warmArgs = startWarming({ store, jobs, calls, images, arrivals, key }, runtime, stack);
  const { routes, start } = await prepareRest(
    config,
    runtime,
    { store, jobs, swarms, cacheTasks, warmArgs, key, redis: redis?.shared, console },
    stack,
  );
  const rest = stack.use(await onceFree(config.server.rest.addr, start));
  const metricsServer = config.metrics.enable
    ? stack.use(
      await onceFree(config.metrics.addr, () =>
        startHttpServer({
          listen: config.metrics.addr,
          handler: metricsHandler(metrics),
          onError: (error) => log.error("Metrics could not be served", { error }),
          clock,
          net: runtime.net,
        })),
    )
    : undefined;

  const grpcEndpoint = { hostname: grpcListen.hostname, port: grpc.port };
  log.info("Manager is ready", { grpc: grpcEndpoint, rest: endpointOf(rest), database: placeOf(config.database) });
  const opened = stack.move();
  return {
    grpc: grpcEndpoint,
    rest: endpointOf(rest),
    routes,
    metrics: metricsServer === undefined ? undefined : endpointOf(metricsServer),
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

/** A console that cannot be read keeps no manager from its work. */
function consoleOf(pack: string | undefined, log: Log): ConsoleFiles | undefined {
  try {
    return pack === undefined ? undefined : parseConsolePack(pack);
  } catch (error) {
    log.warn("The console is not served", { error });
    return undefined;
  }
}

/** Where several managers start at once on one database, what another one made meanwhile is there the next time. */
async function fillTogether(fill: () => Promise<void>): Promise<void> {
  for (let attempt = 1;; attempt++) {
    try {
      return await fill();
    } catch (error) {
      const isTaken = error instanceof DamselflyError && error.code === "already_exists";
      if (!isTaken || attempt === FILL_ATTEMPTS_MAX) throw error;
    }
  }
}

/** Where Redis is configured, schedulers of Dragonfly's get their jobs from there. */
function withStockQueues(
  calls: SchedulerCalls,
  { redis, ...registries }: OpenedImages & { readonly redis: RedisDatabases | undefined },
  runtime: Runtime,
) {
  if (redis === undefined) return calls;
  return new StockCalls({ ...runtime, ...registries, calls, queue: new MachineryQueue({ ...runtime, ...redis }) });
}

function endpointOf({ hostname, port }: Endpoint): Endpoint {
  return { hostname, port };
}
