import type { DfdaemonConfig } from "../config/dfdaemon.ts";
import { DamselflyError } from "../core/error.ts";
import { hostIdOf } from "../core/host_id.ts";
import { RpcChannels } from "../rpc/client.ts";
import type { Endpoint } from "../runtime/net.ts";
import { type StartOptions, whenFree } from "../runtime/port_wait.ts";
import type { Runtime } from "../runtime/runtime.ts";
import { BandwidthMeter } from "./bandwidth_meter.ts";
import type { Control, HeldTask } from "./control/control.ts";
import { startControl } from "./control/start_control.ts";
import { startGarbageCollection } from "./garbage_collection.ts";
import { ContentEndpoint } from "./mirror/content.ts";
import { createMirror } from "./mirror/mirror.ts";
import { Outputs } from "./mirror/outputs.ts";
import { isConfiguredOrigin } from "./mirror/upstream.ts";
import { outputWriter } from "./output_writer.ts";
import { refuseOwnProxy } from "./own_proxy.ts";
import { controlOptions, hostIdentity, mirrorOptions, storageOptions, tasksOptions } from "./peer_config.ts";
import {
  type Foundation,
  startDownload,
  startOps,
  startPieces,
  startUpload,
  startWeb,
  UPLOAD_SERVICE,
} from "./peer_servers.ts";
import { createParentRpc } from "./piece/parent.ts";
import { createPieceClient } from "./piece/vortex_client.ts";
import { Proxy } from "./proxy/proxy.ts";
import { openRegistryClients } from "./registry_clients.ts";
import { Destinations } from "./source/destination.ts";
import { Exchanger } from "./source/exchange.ts";
import { createSource } from "./source/http_source.ts";
import { openStorage } from "./storage/open_storage.ts";
import type { Storage } from "./storage/storage.ts";
import type { Tasks, Traffic } from "./task/task.ts";
import { createTasks } from "./task/tasks.ts";

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
  const { disk, clock, log, net } = runtime;
  const identity = hostIdentity(config, runtime);
  const { ip: mirrorIp, port: mirrorPort } = config.proxy.server;
  const hosts = [mirrorIp, identity.ip, identity.hostname, ...runtime.localIps()];
  refuseOwnProxy((name) => runtime.env(name), { port: mirrorPort, hosts });
  const storage = stack.use(await openStorage(storageOptions(config), { disk, clock, log }));
  const stop = new AbortController();
  const meter = new BandwidthMeter(clock);
  const hostId = hostIdOf(identity);
  const onceFree = whenFree(runtime, options.signal);
  const base: Foundation = { config, runtime, identity, hostId, storage, meter, stopping: stop.signal, onceFree };

  // The servers for peers listen first, because this host is announced with their ports.
  const opening = Promise.withResolvers<Tasks>();
  const announced: { control?: Control } = {};
  const pieces = stack.use(await startPieces(base));
  const upload = stack.use(
    await startUpload(base, tasksBehind(opening.promise), pieces?.port ?? 0, () => announced.control?.host().network),
  );
  const control = announced.control = stack.use(await openControl(base, upload.port, options));

  const registries = stack.use(await openRegistryClients(config.proxy.registryMirror.upstreams, disk));
  const mirrored = mirrorOptions(config, identity);
  const isConfigured = (origin: string) => isConfiguredOrigin(origin, mirrored.upstream);
  const origins = { ...runtime, clientFor: registries.clientFor, isConfigured };
  const source = createSource(origins);
  const channels = stack.use(new RpcChannels({ clock, channelsMax: PARENT_CHANNELS_MAX }));
  const pieceClient = stack.use(createPieceClient({ net, clock }));
  const parentRpc = createParentRpc(channels);
  const onReceived = (bytes: number) => meter.received(bytes);
  const swarm = { storage, source, control, parentRpc, pieceClient, onReceived };
  const tasks = stack.use(createTasks({ ...swarm, runtime, options: tasksOptions(config) }));
  opening.resolve(tasks);

  stack.use(startGarbageCollection(config.gc.interval, { storage, control, clock, log }));
  stack.use(await startDownload(base, tasks, control));
  const ops = await startOps(base, stack);
  const front = {
    ...{ ...runtime, ...mirrored, exchanger: new Exchanger(origins) },
    contents: new ContentEndpoint({ ...runtime, ...mirrored, tasks, source }),
    destinations: new Destinations(net, isConfigured),
    outputs: new Outputs(config.proxy.allowOutputPath ? outputWriter(storage, runtime) : undefined, log),
  };
  const proxy = new Proxy({ ...front, mirror: createMirror(front) });
  const mirrorServer = stack.use(await startWeb(base, config.proxy.server, proxy.handler, proxy.onConnect));
  upload.setServing(UPLOAD_SERVICE, true);
  log.info("Peer is ready", { hostId, mirror: `${mirrorServer.hostname}:${mirrorServer.port}` });

  stack.defer(() => stop.abort(new DamselflyError("unavailable", "This host is stopping")));
  const opened = stack.move();
  return {
    ...{ hostId, mirror: mirrorServer, pieces, ...ops },
    upload: { hostname: config.upload.server.ip, port: upload.port },
    traffic: () => tasks.traffic(),
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

async function openControl(base: Foundation, uploadPort: number, options: PeerOptions): Promise<Control> {
  const { config, runtime, identity, storage, meter } = base;
  const ports = { upload: uploadPort, proxy: config.proxy.server.port };
  const found = await controlOptions(config, { identity, ports, dynconfigPath: options.dynconfig }, runtime);
  return await startControl(
    { ...found, heldTasks: () => sealedTasks(storage), bandwidth: () => meter.bandwidth() },
    runtime,
  );
}

/** What this host has all of, by each of its ids, most recently used first. */
function sealedTasks(storage: Storage): HeldTask[] {
  return storage.list().filter(({ isSealed }) => isSealed).sort((a, b) => b.updatedAtMs - a.updatedAtMs)
    .flatMap((record) => [record, ...record.otherIds.map((taskId) => ({ ...record, taskId }))]);
}

/** Tasks for a server that listens before there are any: its first callers wait until they are opened. */
function tasksBehind(opening: Promise<Tasks>): Tasks {
  return {
    open: async (request, signal) => (await opening).open(request, signal),
    delete: async (taskId, signal) => (await opening).delete(taskId, signal),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}
