import { dirname } from "node:path";
import type { DfdaemonConfig } from "../config/dfdaemon.ts";
import { errorText } from "../core/error.ts";
import type { HostIdentity } from "../core/host_id.ts";
import { healthHandler, metricsHandler } from "../http/ops.ts";
import { type HttpServer, type HttpServerOptions, type HttpService, startHttpServer } from "../http/serve.ts";
import { Network } from "../rpc/gen/common/v2/common.ts";
import { DfdaemonDownloadService } from "../rpc/gen/dfdaemon/v2/dfdaemon.ts";
import { type RpcServer, startRpcServer } from "../rpc/server.ts";
import type { CallContext, RpcService } from "../rpc/service.ts";
import type { TicketGate } from "../rpc/tickets.ts";
import type { WhenFree } from "../runtime/port_wait.ts";
import { exposeVersion } from "../runtime/version_metric.ts";
import type { Runtime } from "../runtime/runtime.ts";
import type { TlsFiles } from "../runtime/tls_files.ts";
import type { BandwidthMeter } from "./bandwidth_meter.ts";
import type { CacheTasks } from "./cache/cache_tasks.ts";
import type { PeerControl } from "./control/start_control.ts";
import type { Destinations } from "../http/destination.ts";
import { diskMeasure } from "./disk_metrics.ts";
import type { GarbageCollection } from "./garbage_collection.ts";
import { limitBandwidth } from "./piece/bandwidth_limit.ts";
import type { Source, SourceList } from "./source/source.ts";
import { pullsService } from "./records/pulls_service.ts";
import type { Recorder } from "./records/recorder.ts";
import { requestRate } from "./peer_config.ts";
import type { RecordStore } from "./records/record_store.ts";
import type { Storage } from "./storage/storage.ts";
import type { Tasks, Traffic } from "./task/task.ts";
import { downloadService } from "./upload/download_service.ts";
import { storageService } from "./upload/storage_service.ts";
import { UPLOAD_METHODS_WITHOUT_DEADLINE, uploadService } from "./upload/upload_service.ts";
import type { HeadStarts } from "./task/head_start.ts";
import type { Turns } from "./upload/turns.ts";
import { type PieceServer, startPieceServer } from "./upload/vortex_server.ts";

/** Only the user who runs the peer may use its socket: DownloadTask writes files where it is told. */
const SOCKET_MODE = 0o600;

/** The names by which probes and CLIs ask whether this host can be asked for tasks (wire.md §2.2). */
export const UPLOAD_SERVICE = "dfdaemon.v2.DfdaemonUpload";
const DOWNLOAD_SERVICE = "dfdaemon.v2.DfdaemonDownload";

/** What is open before this host is announced. */
export interface Foundation {
  readonly config: DfdaemonConfig;
  readonly runtime: Runtime;
  readonly identity: HostIdentity;
  readonly hostId: string;
  readonly storage: Storage;
  readonly cacheStorage: Storage;
  readonly records: RecordStore;
  readonly recorder: Recorder;
  /** False where it is measured what that costs. */
  readonly recordsPulls: boolean;
  readonly meter: BandwidthMeter;
  readonly turns: Turns;
  readonly headStarts: HeadStarts;
  /** Aborts when this host begins to stop. */
  readonly stopping: AbortSignal;
  readonly onceFree: WhenFree;
}

/** What both gRPC servers serve. */
export interface Served {
  readonly tasks: Tasks;
  readonly cache: CacheTasks;
  readonly source: Pick<Source, "stat"> & SourceList;
}

/** The piece server; undefined when this host gives nothing to others. */
export async function startPieces(base: Foundation): Promise<PieceServer | undefined> {
  const { config, runtime, storage, cacheStorage, meter, turns, headStarts, onceFree } = base;
  if (config.upload.disableShared) return undefined;
  const { ip: hostname, tcpPort: port } = config.storage.server;
  const listen = { hostname, port };
  const onSent = (bytes: number) => meter.sent(bytes);
  const limit = limitBandwidth(config.upload.bandwidthLimit, runtime.clock);
  const parts = { ...runtime, listen, storage, cacheStorage, onSent, limit, turns, headStarts };
  return await onceFree(listen, () => startPieceServer(parts));
}

/** The gRPC server for peers and schedulers. */
export function startUpload(
  base: Foundation,
  served: Served,
  { piecePort, destinations, network, tls, traffic, gate }: {
    readonly piecePort: number;
    readonly destinations: Destinations;
    readonly network: () => Network | undefined;
    readonly tls: TlsFiles | undefined;
    readonly traffic: () => Traffic;
    readonly gate: TicketGate;
  },
): Promise<RpcServer> {
  const { config, runtime, storage, cacheStorage, hostId, identity, meter, turns, stopping, onceFree } = base;
  const { server: { ip: hostname, port }, disableShared } = config.upload;
  const upload = uploadService({
    ...{ ...served, storage, cacheStorage, hostId, disableShared, stopping, destinations, turns },
    ...{ clock: runtime.clock, metrics: runtime.metrics, cacheTtlMs: config.gc.policy.persistentCacheTaskTTL },
    pieceAddress: { ip: identity.ip, tcpPort: piecePort },
    hostLoad: () => ({ ...(network() ?? Network.create()), ...meter.bandwidth() }),
  });
  const listen = { hostname, port };
  const ignoreDeadlineOf = UPLOAD_METHODS_WITHOUT_DEADLINE;
  const rate = requestRate("upload", config, runtime.clock);
  const pulls = pullsOf(base, traffic, (context) => gate.check(context));
  const options = { ...runtime, requests: runtime, listen, services: [upload, pulls], tls, ignoreDeadlineOf, rate };
  return onceFree(listen, () => startRpcServer(options));
}

/** The gRPC server for programs on this host, on a unix socket that only its owner may open. */
export async function startDownload(
  base: Foundation,
  served: Served,
  { control, collection, traffic }: {
    readonly control: PeerControl;
    readonly collection: GarbageCollection;
    readonly traffic: () => Traffic;
  },
): Promise<RpcServer> {
  const { config, runtime, storage, cacheStorage, hostId } = base;
  const { socketPath: unixPath } = config.download.server;
  await runtime.disk.mkdirAll(dirname(unixPath));
  const deleteHost = (signal: AbortSignal) => control.deleteHost(signal);
  const cacheTtlMs = config.gc.policy.persistentCacheTaskTTL;
  const stored = { storage, cacheStorage, cacheTtlMs, hostId };
  const server = await startRpcServer({
    ...runtime,
    requests: runtime,
    rate: requestRate("download", config, runtime.clock),
    beginsRequestAt: [DfdaemonDownloadService.downloadTask.path],
    listen: { unixPath },
    services: [
      downloadService({ ...runtime, ...served, ...stored, deleteHost }),
      storageService({ storages: [storage, cacheStorage], collection, cacheControl: control.cache }),
      pullsOf(base, traffic),
    ],
  });
  await runtime.disk.setMode(unixPath, SOCKET_MODE);
  server.setServing(DOWNLOAD_SERVICE, true);
  return server;
}

/** What this host has pulled; `check` says who may ask. */
function pullsOf(
  { records: store, recorder, identity: { hostname } }: Foundation,
  traffic: () => Traffic,
  check?: (context: CallContext) => Promise<void>,
): RpcService {
  return pullsService({ recorder, store, traffic, hostname, ...check && { check } });
}

/** An HTTP server of the peer. */
export function startWeb(
  { runtime: { clock, net, log }, onceFree }: Foundation,
  { ip: hostname, port }: { readonly ip: string; readonly port: number },
  service: HttpService & Pick<HttpServerOptions, "onConnect">,
  requests?: Runtime,
): Promise<HttpServer> {
  const onError = (error: unknown) => log.error("Request failed", { error: errorText(error) });
  const listen = { hostname, port };
  const { handler, onUpgrade, onConnect } = service;
  const options = {
    ...{ listen, handler, onError, clock, net },
    ...(onUpgrade !== undefined && { onUpgrade }),
    ...(onConnect !== undefined && { onConnect }),
    ...(requests !== undefined && { requests }),
  };
  return onceFree(listen, () => startHttpServer(options));
}

/** `/healthy`, which says no until the mirror listens, and `/metrics`, each on its own port. */
export async function startOps(
  base: Foundation,
  isReady: () => boolean,
  stack: AsyncDisposableStack,
): Promise<{ health: HttpServer; metrics: HttpServer }> {
  const { config, runtime } = base;
  const health = stack.use(await startWeb(base, config.health.server, { handler: healthHandler(isReady) }));
  exposeVersion(runtime.metrics, "client");
  const handler = metricsHandler(runtime.metrics, diskMeasure(runtime, config.storage.dir));
  const metrics = stack.use(await startWeb(base, config.metrics.server, { handler }));
  return { health, metrics };
}
