import { formatHostPort } from "../config/addresses.ts";
import type { DfdaemonConfig } from "../config/dfdaemon.ts";
import { DamselflyError } from "../core/error.ts";
import { hostIdOf } from "../core/host_id.ts";
import { createRpcClient, RpcChannels } from "../rpc/client.ts";
import { SavingsService } from "../rpc/gen/damselfly/v1/savings.ts";
import { TicketsService } from "../rpc/gen/damselfly/v1/tickets.ts";
import { startLedger } from "../rpc/tell_ledger.ts";
import { hostAudience, TicketGate } from "../rpc/tickets.ts";
import type { Endpoint } from "../runtime/net.ts";
import { type StartOptions, whenFree } from "../runtime/port_wait.ts";
import type { Runtime } from "../runtime/runtime.ts";
import { BandwidthMeter } from "./bandwidth_meter.ts";
import type { CacheTasks } from "./cache/cache_tasks.ts";
import { createCacheTasks } from "./cache/create_cache_tasks.ts";
import type { CacheCopy } from "./control/cache_control.ts";
import type { Control } from "./control/control.ts";
import { type PeerControl, startControl } from "./control/start_control.ts";
import { type GarbageCollection, startGarbageCollection } from "./garbage_collection.ts";
import { ContentEndpoint } from "./mirror/content.ts";
import type { HttpServer } from "../http/serve.ts";
import { Fallbacks } from "./mirror/fallbacks.ts";
import type { AnsweredTag } from "./mirror/manifests.ts";
import { createMirror } from "./mirror/mirror.ts";
import { Outputs } from "./mirror/outputs.ts";
import { isRuledOrigin } from "./mirror/swarm_rule.ts";
import { isConfiguredOrigin } from "./mirror/upstream.ts";
import { outputWriter } from "./output_writer.ts";
import { refuseOwnProxy } from "./own_proxy.ts";
import {
  authorityPaths,
  cacheStorageOptions,
  controlOptions,
  downloadLimits,
  hostIdentity,
  mirrorOptions,
  storageOptions,
  tasksOptions,
} from "./peer_config.ts";
import {
  type Foundation,
  type Served,
  startDownload,
  startOps,
  startPieces,
  startUpload,
  startWeb,
  UPLOAD_SERVICE,
} from "./peer_servers.ts";
import { createParentRpc } from "./piece/parent.ts";
import { createPieceClient, type PieceClient, pieceClientFor } from "./piece/vortex_client.ts";
import type { Interceptor } from "./proxy/interceptor.ts";
import { Proxy, type ProxyParts } from "./proxy/proxy.ts";
import { heardDisk, heardLimits, heardSource, hearTag } from "./records/listeners.ts";
import { owedTraffic } from "./records/owed.ts";
import { openRecords } from "./records/open_records.ts";
import { Recorder } from "./records/recorder.ts";
import { openRegistryClients } from "./registry_clients.ts";
import { BoundFetch } from "../http/bound_fetch.ts";
import { Destinations } from "../http/destination.ts";
import { type ExchangeParts, Exchanger, UPSTREAMS_KEY } from "./source/exchange.ts";
import type { Source, SourceQuestion } from "./source/source.ts";
import { withSharedBackoff } from "./source/source_backoff.ts";
import { createSource } from "./source/sources.ts";
import { openStorage } from "./storage/open_storage.ts";
import { openPeerTls, type PeerTls } from "./peer_tls.ts";
import { byEachId, type Neighbour, type Storage, type TaskRecord } from "./storage/storage.ts";
import type { TaskRequest, Tasks, Traffic } from "./task/task.ts";
import { HeadStarts } from "./task/head_start.ts";
import { NO_JOURNAL } from "./task/pull_journal.ts";
import { refusingTasks } from "./task/refusing_tasks.ts";
import { createTasks, type TasksParts } from "./task/tasks.ts";
import { Turns } from "./upload/turns.ts";

/** What has moved before anything can. */
const NO_TRAFFIC: Traffic = { backToSource: 0, remotePeer: 0, localPeer: 0 };
/** Connections to the gRPC servers of parents. */
const PARENT_CHANNELS_MAX = 1_024;

/** A running peer; ports are the real ones, also where the configuration says 0. */
export interface PeerProcess extends AsyncDisposable {
  readonly hostId: string;
  readonly mirror: Endpoint;
  readonly upload: Endpoint;
  /** Undefined when this host gives nothing to others. */
  readonly pieces: Endpoint | undefined;
  readonly metrics: Endpoint;
  readonly health: Endpoint;
  /** Bytes of all tasks since the start, by where they came from. */
  traffic(): Traffic;
}

/** What the command line says besides the configuration. */
export interface PeerOptions extends StartOptions {
  /** The file that names the schedulers where there is no manager. */
  readonly dynconfig?: string;
  /** False where it is measured what records of pulls cost: nothing is noted of any. */
  readonly recordsPulls?: boolean;
}

/**
 * Starts the peer of a host. It needs neither a manager nor a scheduler: whatever is down, the mirror serves, from the
 * source if it must. Throws when a port is taken, when a directory or file of the configuration cannot be used, and when
 * the environment makes the mirror its own proxy.
 */
export async function startPeer(
  config: DfdaemonConfig,
  runtime: Runtime,
  options: PeerOptions = {},
): Promise<PeerProcess> {
  await using stack = new AsyncDisposableStack();
  const { clock, log, metrics } = runtime;
  const identity = hostIdentity(config, runtime);
  const { ip: mirrorIp, port: mirrorPort } = config.proxy.server;
  const hosts = [mirrorIp, identity.ip, identity.hostname, ...runtime.localIps()];
  refuseOwnProxy((name) => runtime.env(name), { port: mirrorPort, hosts });
  const stores = await openStores(config, runtime, stack);
  const stop = new AbortController();
  const meter = new BandwidthMeter(clock);
  const hostId = hostIdOf(identity);
  const onceFree = whenFree(runtime, options.signal);
  const own = { ...stores, meter, turns: new Turns(clock), headStarts: new HeadStarts(clock) };
  const { recordsPulls = true } = options;
  const base: Foundation = { config, runtime, identity, hostId, ...own, stopping: stop.signal, onceFree, recordsPulls };

  const tls = await openPeerTls(config, runtime, stack);

  const mirrored = mirrorOptions(config, identity);
  const { source, ...origins } = stack.use(await openOrigins(base, mirrored));

  // The servers for peers listen first, because this host is announced with their ports.
  const opening = Promise.withResolvers<Served>();
  const announced: { control?: Control; traffic?: () => Traffic } = {};
  const pieces = stack.use(await startPieces(base));
  const upload = stack.use(
    await startUpload(base, servedBehind(opening.promise), {
      piecePort: pieces?.port ?? 0,
      destinations: origins.destinations,
      network: () => announced.control?.host().network,
      tls: tls.server,
      traffic: () => announced.traffic?.() ?? NO_TRAFFIC,
      gate: openGate(base, tls, stack),
    }),
  );
  const control = announced.control = stack.use(await openControl(base, upload.port, { ...options, ...tls }));

  const { all, cache } = openTasks(base, { source, control, tls }, stack);
  const tasks = refusingTasks(all, () => control.blockList(), metrics);
  const served = { tasks, cache, source };
  opening.resolve(served);

  tellLedger(base, tls, stack);
  const collection = stack.use(startCollection(config.gc.interval, base, control));
  const traffic = announced.traffic = () => all.traffic();
  stack.use(await startDownload(base, served, { control, collection, traffic }));
  let isReady = false;
  const ops = await startOps(base, () => isReady, stack);
  const interceptor = stack.use(await openInterception(config, runtime));
  const front = { ...origins, tasks, source, interceptor };
  const mirrorServer = stack.use(await startMirror(base, mirrored, front));
  upload.setServing(UPLOAD_SERVICE, true);
  isReady = true;
  log.info("Peer is ready", { hostId, mirror: `${mirrorServer.hostname}:${mirrorServer.port}` });

  stack.defer(() => stop.abort(new DamselflyError("unavailable", "This host is stopping")));
  const opened = stack.move();
  return {
    ...{ hostId, mirror: mirrorServer, pieces, ...ops },
    upload: { hostname: config.upload.server.ip, port: upload.port },
    traffic,
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

type Mirrored = ReturnType<typeof mirrorOptions>;

/** The way to the origins of contents, and where it may go. */
async function openOrigins(
  { config, runtime, identity, recorder, recordsPulls }: Foundation,
  { upstream, rules }: Mirrored,
) {
  const isConfigured = (origin: string) => isConfiguredOrigin(origin, upstream) || isRuledOrigin(origin, rules);
  await using stack = new AsyncDisposableStack();
  const bound = stack.use(new BoundFetch(runtime));
  const registries = stack.use(
    await openRegistryClients(config.proxy.registryMirror, { ...runtime, isConfigured, bound }),
  );
  const { deniedNetworks: denied, allowedNetworks: allowed } = config.security;
  const destinations = new Destinations(runtime.net, { isConfigured, key: UPSTREAMS_KEY, denied, allowed });
  const origins = { ...runtime, fetch: registries.fetch, destinations };
  const source = createSource({ ...origins, role: identity.isSeed ? "seed peer" : "peer" });
  const asked = withSharedBackoff(source, runtime.clock);
  const opened = stack.move();
  return {
    ...origins,
    trustOf: registries.trustOf,
    source: { ...source, ...recordsPulls ? heardSource(asked, runtime.clock, recorder) : asked },
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

/** Knows the manager, if there is one, when it asks this host for its pulls. */
function openGate(
  { config: { manager: { addr } }, runtime: { clock }, identity: { ip }, hostId }: Foundation,
  { managerTls: tls }: PeerTls,
  stack: AsyncDisposableStack,
): TicketGate {
  const manager = addr && stack.use(createRpcClient(TicketsService, formatHostPort(addr), { clock, tls }));
  return new TicketGate({ manager, audience: () => hostAudience({ hostId, ip }), clock });
}

/** Tells the manager, if there is one, what this host moves. */
function tellLedger(
  { config: { manager: { addr }, host }, runtime, records, recorder }: Foundation,
  { managerTls: tls }: PeerTls,
  stack: AsyncDisposableStack,
): void {
  if (addr === undefined) return;
  const manager = stack.use(createRpcClient(SavingsService, formatHostPort(addr), { clock: runtime.clock, tls }));
  stack.use(startLedger({ ...runtime, owed: owedTraffic(records, recorder, host.idc ?? ""), manager }));
}

/** What brings contents to this host: the tasks, and those of the persistent cache. */
function openTasks(
  base: Foundation,
  { source, control, tls }: { readonly source: Source; readonly control: PeerControl; readonly tls: PeerTls },
  stack: AsyncDisposableStack,
) {
  const { config, runtime, storage, meter, recorder, recordsPulls, headStarts } = base;
  const { clock, net } = runtime;
  const channels = stack.use(new RpcChannels({ clock, channelsMax: PARENT_CHANNELS_MAX, tls: tls.parents }));
  const pieceClient = stack.use(createPieceClient({ net, clock }));
  const parentRpc = createParentRpc(channels);
  const bare = downloadLimits(config, clock);
  const limits = recordsPulls ? heardLimits(bare, recorder) : bare;
  const received = { limits, onReceived: (bytes: number) => meter.received(bytes) };
  const journal = recordsPulls ? recorder.journal(() => control.managerTrouble()) : NO_JOURNAL;
  const swarm = { storage, source, control, parentRpc, pieceClient, journal, headStarts, ...received };
  const all = stack.use(createTasks({ ...swarm, runtime, options: tasksOptions(config) }));
  return { all, cache: stack.use(openCache(base, control, { ...received, channels, pieceClient })) };
}

/** The tasks of the persistent cache. */
function openCache(
  { config, runtime, identity, cacheStorage }: Foundation,
  control: PeerControl,
  { limits, onReceived, channels, pieceClient }: Pick<TasksParts, "limits" | "onReceived"> & {
    readonly channels: RpcChannels;
    readonly pieceClient: PieceClient;
  },
): CacheTasks {
  return createCacheTasks({
    ...{ runtime, identity, onReceived, storage: cacheStorage, control: control.cache, options: tasksOptions(config) },
    parentsLimit: limits.parents,
    parentRpc: createParentRpc(channels, "persistent_cache"),
    pieceClient: pieceClientFor("persistent_cache", pieceClient),
  });
}

/** The mirror and the proxy, on one port. */
function startMirror(
  base: Foundation,
  mirrored: Mirrored,
  { tasks, source, trustOf, interceptor, ...origins }: ExchangeParts & Pick<ProxyParts, "trustOf" | "destinations"> & {
    readonly tasks: Tasks;
    readonly source: Source;
    readonly interceptor: Interceptor | undefined;
  },
): Promise<HttpServer> {
  const { config, runtime, storage, recorder } = base;
  const front = {
    ...{ ...runtime, ...mirrored, exchanger: new Exchanger(origins) },
    onTag: (answer: AnsweredTag) => recorder.tagAnswered(answer),
    onTagAsked: (asked: SourceQuestion) => hearTag(asked, recorder),
    contents: new ContentEndpoint({
      ...runtime,
      ...mirrored,
      tasks,
      source,
      stored: (asked) => storedOf(storage, asked),
    }),
    destinations: origins.destinations,
    fallbacks: new Fallbacks(runtime),
    outputs: new Outputs(config.proxy.allowOutputPath ? outputWriter(storage, runtime) : undefined, runtime.log),
  };
  const proxy = new Proxy({ ...front, mirror: createMirror(front), trustOf, interceptor });
  return startWeb(base, config.proxy.server, proxy, runtime);
}

/** What signs for hosts whose TLS ends at the proxy; undefined when it is tunnelled. */
async function openInterception(config: DfdaemonConfig, runtime: Runtime): Promise<Interceptor | undefined> {
  const paths = authorityPaths(config.proxy.server);
  if (paths === undefined) return undefined;
  const { openInterceptor } = await import("./proxy/interceptor.ts"); // not needed without it, and slow to load
  return await openInterceptor(paths, runtime);
}

/** What is kept of a task, by whichever of its ids. */
function storedOf(storage: Storage, { taskId, digest }: TaskRequest) {
  const record = storage.find(storage.storedAs(taskId, digest))?.record;
  return record && { contentLength: record.plan.contentLength, responseHeaders: record.responseHeaders };
}

/** The storages of both families of tasks, which share the volume and its limit, and the records of pulls beside them. */
async function openStores(config: DfdaemonConfig, runtime: Runtime, stack: AsyncDisposableStack) {
  const { clock, log } = runtime;
  const heard: { recorder?: Recorder } = {};
  const disk = heardDisk(runtime.disk, clock, (ms) => heard.recorder?.diskWaited(ms));
  const deps = { disk, clock, log, volume: new Set<Neighbour>() };
  const storage = stack.use(await openStorage(storageOptions(config), deps));
  const cacheStorage = stack.use(await openStorage(cacheStorageOptions(config), deps));
  const records = stack.use(await openRecords(config.storage.dir, runtime));
  const recorder = heard.recorder = stack.use(new Recorder({ clock, log, store: records }));
  return { storage, cacheStorage, records, recorder };
}

async function openControl(
  base: Foundation,
  uploadPort: number,
  options: PeerOptions & Pick<PeerTls, "managerTls" | "schedulerTls">,
): Promise<PeerControl> {
  const { config, runtime, identity, storage, cacheStorage, meter } = base;
  const { managerTls, schedulerTls } = options;
  const ports = { upload: uploadPort, proxy: config.proxy.server.port };
  const found = await controlOptions(config, { identity, ports, dynconfigPath: options.dynconfig }, runtime);
  return await startControl(
    {
      ...{ ...found, managerTls, schedulerTls },
      heldTasks: () => sealedTasks(storage),
      heldCopies: () => sealedTasks(cacheStorage).filter(isCopy),
      bandwidth: () => meter.bandwidth(),
    },
    runtime,
  );
}

/** What this host has all of, by each of its ids, most recently used first. */
function sealedTasks(storage: Storage): TaskRecord[] {
  return storage.list().filter(({ isSealed }) => isSealed).sort((a, b) => b.updatedAtMs - a.updatedAtMs)
    .flatMap(byEachId);
}

function isCopy(task: TaskRecord): task is TaskRecord & CacheCopy {
  return task.retention !== undefined;
}

/** Removes what is out of date or in the way from both storages; standard tasks make way first. */
function startCollection(
  intervalMs: number,
  { storage, cacheStorage, runtime: { clock, log } }: Foundation,
  control: PeerControl,
): GarbageCollection {
  const tellTask = ({ taskId }: TaskRecord, signal: AbortSignal) => control.taskDeleted(taskId, signal);
  const tellCopy = async (task: TaskRecord, signal: AbortSignal) => {
    // The scheduler forgets by itself what has expired.
    if (isCopy(task) && task.retention.expiresAtMs > clock.wallMs()) await control.cache.copyDeleted(task, signal);
  };
  const families = [{ storage, tell: tellTask }, { storage: cacheStorage, tell: tellCopy }];
  return startGarbageCollection(intervalMs, families, { clock, log });
}

/** What is served by a server that listens before it is opened: its first callers wait. */
function servedBehind(opening: Promise<Served>): Served {
  return {
    tasks: {
      open: async (request, signal) => (await opening).tasks.open(request, signal),
      asksSourceAtOnce: () => false, // only the mirror asks, which is opened last
      delete: async (taskId, signal) => (await opening).tasks.delete(taskId, signal),
      [Symbol.asyncDispose]: () => Promise.resolve(),
    },
    cache: {
      importFile: async (request, signal) => (await opening).cache.importFile(request, signal),
      open: async (request, signal) => (await opening).cache.open(request, signal),
      persist: async (taskId) => (await opening).cache.persist(taskId),
      delete: async (taskId) => (await opening).cache.delete(taskId),
      stat: async (taskId, signal) => (await opening).cache.stat(taskId, signal),
      [Symbol.asyncDispose]: () => Promise.resolve(),
    },
    source: {
      stat: async (request, signal) => (await opening).source.stat(request, signal),
      list: async (request, signal) => (await opening).source.list(request, signal),
    },
  };
}
