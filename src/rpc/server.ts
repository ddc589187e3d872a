import "./http2_guard.ts";
import {
  logVerbosity,
  Server,
  ServerCredentials,
  type ServerInterceptingCall,
  type ServerInterceptor,
  setLogVerbosity,
  status,
} from "@grpc/grpc-js";
import { DamselflyError } from "../core/error.ts";
import type { Clock } from "../runtime/clock.ts";
import type { Log } from "../runtime/log.ts";
import type { Metrics } from "../runtime/metrics.ts";
import { listenError } from "../runtime/real_net.ts";
import type { TlsFiles } from "../runtime/tls_files.ts";
import { MESSAGE_BYTES_MAX, type MethodDefinition } from "./definition.ts";
import { halfOpenReset } from "./half_open.ts";
import { Health } from "./health.ts";
import type { CallObserver, RpcService } from "./service.ts";
import { serverCredentials } from "./tls.ts";

export { type CallContext, type Handlers, type RpcService, service } from "./service.ts";

/** How long calls may go on after the server was asked to stop. */
const DRAIN_TIMEOUT_MS = 5_000;
/** How long a forced stop may take until the server counts as stopped anyway. */
const FORCED_STOP_MS = 1_000;
/** A caller that says nothing for so long is asked whether it is still there. */
const KEEPALIVE_INTERVAL_MS = 30_000;
/** How long it may take to answer that. */
const KEEPALIVE_TIMEOUT_MS = 10_000;
/** Calls at a time on one connection; one stream per download, so this is generous. */
const STREAMS_PER_CONNECTION_MAX = 4_096;

setLogVerbosity(logVerbosity.NONE); // grpc-js writes to the console what it returns as an error anyway

/** Where a server listens. Port 0 takes any free port. */
export type ListenAddress = { readonly hostname: string; readonly port: number } | { readonly unixPath: string };

/** What {@link startRpcServer} needs. */
export interface RpcServerOptions {
  readonly listen: ListenAddress;
  readonly services: readonly RpcService[];
  /** Mutual TLS; without it the server is plain. It must outlive the server. */
  readonly tls?: TlsFiles | undefined;
  readonly log: Log;
  readonly clock: Clock;
  readonly metrics?: Metrics;
  /** How long calls may go on after disposal began, in milliseconds. */
  readonly drainTimeoutMs?: number;
  /**
   * Full method paths whose calls do not end at the caller's `grpc-timeout`. Stock peers set 10 s on SyncPieces and
   * SyncHost and mean the headers only (wire.md §0 fact 8).
   */
  readonly ignoreDeadlineOf?: readonly string[];
}

/** A listening server. Disposing it lets running calls finish within a limit, then ends them. */
export interface RpcServer extends AsyncDisposable {
  /** The port it listens on; 0 for a unix socket. */
  readonly port: number;
  /** Says to health checks whether `service` (like `dfdaemon.v2.DfdaemonUpload`) is ready for calls. */
  setServing(service: string, serving: boolean): void;
}

/**
 * Starts a gRPC server. Health is always served, its empty name as SERVING from the start. Fails with
 * `already_exists` when a program listens there or a file is in a socket's place, and with `unavailable` when the
 * address cannot be listened on.
 */
export async function startRpcServer(options: RpcServerOptions): Promise<RpcServer> {
  const health = new Health();
  const server = new Server({
    "grpc.max_receive_message_length": MESSAGE_BYTES_MAX,
    "grpc.max_send_message_length": MESSAGE_BYTES_MAX,
    "grpc.keepalive_time_ms": KEEPALIVE_INTERVAL_MS,
    "grpc.keepalive_timeout_ms": KEEPALIVE_TIMEOUT_MS,
    "grpc.max_concurrent_streams": STREAMS_PER_CONNECTION_MAX,
    interceptors: [deadlineIgnorer(new Set(options.ignoreDeadlineOf)), halfOpenReset],
  });
  const observer = callObserver(options.log, options.metrics);
  for (const { definition, implement } of [...options.services, health.service()]) {
    server.addService(definition, implement(observer));
  }
  const port = await listen(server, options);
  return {
    port,
    setServing: (name, serving) => health.setServing(name, serving),
    async [Symbol.asyncDispose]() {
      health.close();
      await stop(server, options);
    },
  };
}

/** Takes the timer of the caller's deadline from calls of `paths`; grpc-js has no option for that. */
function deadlineIgnorer(paths: ReadonlySet<string>): ServerInterceptor {
  return (method, call) => {
    if (paths.has(method.path)) {
      const { deadlineTimer } = call as typeof call & { deadlineTimer?: object | null };
      if (deadlineTimer === undefined) throw new Error("Cannot ignore a deadline: this grpc-js keeps it elsewhere");
      if (deadlineTimer !== null) clearTimeout(deadlineTimer as Parameters<typeof clearTimeout>[0]);
    }
    return call as ServerInterceptingCall;
  };
}

async function listen(server: Server, { listen: address, tls }: RpcServerOptions): Promise<number> {
  const isUnix = "unixPath" in address;
  if (isUnix) await removeStaleSocket(address.unixPath);
  const target = isUnix ? `unix:${address.unixPath}` : hostPort(address);
  const credentials = tls === undefined ? ServerCredentials.createInsecure() : serverCredentials(tls);
  return await new Promise((resolve, reject) => {
    server.bindAsync(target, credentials, (error, port) => {
      if (error === null) return resolve(isUnix ? 0 : port);
      reject(listenError(target, error));
    });
  });
}

function hostPort({ hostname, port }: { hostname: string; port: number }): string {
  return hostname.includes(":") ? `[${hostname}]:${port}` : `${hostname}:${port}`;
}

/** Removes the socket file of a program that is gone. A file that somebody listens on stays, and one of another kind. */
async function removeStaleSocket(path: string): Promise<void> {
  try {
    if (!(await Deno.lstat(path)).isSocket) {
      throw new DamselflyError(
        "already_exists",
        `Cannot listen on ${path}: there is a file that is no socket; move it away or choose another path`,
      );
    }
    (await Deno.connect({ transport: "unix", path })).close();
  } catch (error) {
    if (error instanceof Deno.errors.ConnectionRefused) await Deno.remove(path);
    else if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

async function stop(server: Server, options: RpcServerOptions): Promise<void> {
  const stopped = new Promise<void>((resolve) => server.tryShutdown(() => resolve()));
  const drainTimeoutMs = options.drainTimeoutMs ?? DRAIN_TIMEOUT_MS;
  if (await within(stopped, drainTimeoutMs, options.clock)) return;
  options.log.warn("Calls did not finish in time and were ended", { drainTimeoutMs });
  server.forceShutdown();
  await within(stopped, FORCED_STOP_MS, options.clock);
}

/** Whether `done` came before `ms` were over. */
async function within(done: Promise<void>, ms: number, clock: Clock): Promise<boolean> {
  const stop = new AbortController();
  const late = clock.sleep(ms, stop.signal).then(() => false, () => true);
  const result = await Promise.race([done.then(() => true), late]);
  stop.abort();
  return result;
}

/** Counts calls under the names of go-grpc-prometheus, which Dragonfly's dashboards read. */
function callObserver(log: Log, metrics: Metrics | undefined): CallObserver {
  const labels = ["grpc_type", "grpc_service", "grpc_method"];
  const started = metrics?.counter("grpc_server_started_total", "Calls that began on the server.", labels);
  const handled = metrics?.counter("grpc_server_handled_total", "Calls that ended on the server, by code.", [
    ...labels,
    "grpc_code",
  ]);
  return {
    log,
    of(method) {
      const ofMethod = labelsOf(method);
      const ofCode = new Map<status, Record<string, string>>();
      const withCode = (code: status) => {
        const known = ofCode.get(code) ?? { ...ofMethod, grpc_code: codeName(code) };
        ofCode.set(code, known);
        return known;
      };
      return { started: () => started?.inc(ofMethod), handled: (code) => handled?.inc(withCode(code)) };
    },
  };
}

function labelsOf({ path, requestStream, responseStream }: MethodDefinition): Record<string, string> {
  const [, service = "", method = ""] = path.split("/");
  const type = requestStream
    ? (responseStream ? "bidi_stream" : "client_stream")
    : (responseStream ? "server_stream" : "unary");
  return { grpc_type: type, grpc_service: service, grpc_method: method };
}

/** `NOT_FOUND` as Go writes it: `NotFound`; `OK` stays. */
function codeName(code: status): string {
  if (code === status.OK) return "OK";
  if (code === status.CANCELLED) return "Canceled";
  return status[code].toLowerCase().replace(/(?:^|_)([a-z])/g, (_, letter: string) => letter.toUpperCase());
}
