import { status } from "@grpc/grpc-js";
import type { Clock } from "../runtime/clock.ts";
import type { Log } from "../runtime/log.ts";
import type { Metrics } from "../runtime/metrics.ts";
import type { RequestRate } from "../runtime/request_rate.ts";
import type { RequestParts } from "../runtime/requests.ts";
import { inRequest } from "../runtime/tracing.ts";
import type { TlsFiles } from "../runtime/tls_files.ts";
import { callObserver } from "./call_observer.ts";
import { endSpan, requestOfCall } from "./call_request.ts";
import { stepOf } from "./call_step.ts";
import { ByteBudget } from "./byte_budget.ts";
import { trailersOnly } from "./call_headers.ts";
import { Deadlines } from "./deadlines.ts";
import { MESSAGE_BYTES_MAX } from "./definition.ts";
import { Health } from "./health.ts";
import { Connection } from "./http2/connection.ts";
import { block } from "./http2/header_encoder.ts";
import type { ServerStream } from "./http2/stream.ts";
import { type ListenAddress, type RpcSocket, startListener } from "./listener.ts";
import { CODINGS } from "./message_coding.ts";
import { ServerCall } from "./server_call.ts";
import { type MethodObserver, type RpcService, runCall, type ServedMethod } from "./service.ts";

export type { ListenAddress } from "./listener.ts";
export { type CallContext, type Handlers, type RpcService, service } from "./service.ts";

/** How long calls may go on after the server was asked to stop. */
const DRAIN_TIMEOUT_MS = 5_000;
/** How long callers may then take to hang up, until it is done for them. */
const HANG_UP_TIMEOUT_MS = 1_000;
/** How often it is looked for callers that say nothing, and whether new ones can come. */
const SILENCE_STEP_MS = 10_000;
/** After so many steps in which a caller said nothing it is asked whether it is still there. */
const SILENT_STEPS_MAX = 3;
/** Calls at a time on one connection; one stream per download, so this is generous. */
const STREAMS_PER_CONNECTION_MAX = 4_096;
/** Ten for each of several thousand stock peers. */
const CONNECTIONS_MAX = 65_536;
/** Messages that are not whole, wait for a handler or are with one, unpacked: 512 MiB. */
const HELD_BYTES_MAX = 8 * MESSAGE_BYTES_MAX;
/** Of that one connection may have one part of so many, which is as much as two of the longest messages. */
const HELD_PARTS = 4;

/** What {@link startRpcServer} needs. */
export interface RpcServerOptions {
  readonly listen: ListenAddress;
  readonly services: readonly RpcService[];
  /** Mutual TLS; without it the server is plain. It must outlive the server. */
  readonly tls?: TlsFiles | undefined;
  readonly log: Log;
  readonly clock: Clock;
  readonly metrics?: Metrics;
  /** Where calls are traced, and who gives them ids; without it they are for nobody's request. */
  readonly requests?: RequestParts;
  /** Full method paths where requests begin: whoever calls them need not say for which request that is. */
  readonly beginsRequestAt?: readonly string[];
  /** How long calls may go on after disposal began, in milliseconds. */
  readonly drainTimeoutMs?: number;
  /** When calls may begin, those of health checks excepted; left out, at once. Callers are told apart by their IP address. */
  readonly rate?: Pick<RequestRate, "turn"> | undefined;
  /** What messages of callers may take together, in bytes; a quarter of it those of one. What comes above is refused. */
  readonly heldBytesMax?: number;
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
  const calls = new Calls(options, health.service());
  const connections = new Connections(calls, options);
  const listener = await startListener({ ...options, onConnection: (socket) => connections.add(socket) });
  const watch = options.clock.every(SILENCE_STEP_MS, () => {
    connections.endSilent();
    listener.wake();
  });
  return {
    port: listener.port,
    setServing: (name, serving) => health.setServing(name, serving),
    async [Symbol.asyncDispose]() {
      health.close();
      watch[Symbol.dispose]();
      const closed = listener.close();
      await connections.end();
      calls[Symbol.dispose]();
      await closed;
    },
  };
}

/** What is served at one path. */
interface Served {
  readonly method: ServedMethod;
  readonly observer: MethodObserver;
  readonly rate: Pick<RequestRate, "turn"> | undefined;
  readonly isDeadlineIgnored: boolean;
  readonly beginsRequest: boolean;
  /** What its calls begin with as steps of requests. */
  readonly step: ReturnType<typeof stepOf>;
}

const NO_GRPC = block([[":status", "415"]]);
const NO_POST = block([[":status", "405"]]);

/** Gives each request to the method that it names. */
class Calls implements Disposable {
  readonly #deadlines: Deadlines;
  readonly #methods = new Map<string, Served>();
  readonly #requests: RequestParts | undefined;

  constructor(options: RpcServerOptions, health: RpcService) {
    const { services, clock, log, metrics, requests, ignoreDeadlineOf = [], beginsRequestAt = [] } = options;
    this.#deadlines = new Deadlines(clock, log);
    this.#requests = requests;
    const observerOf = callObserver(log, metrics);
    for (const method of [...services, health].flatMap(({ methods }) => methods)) {
      const { path } = method.definition;
      // Whoever probes is to learn that the server lives, however many others call.
      const rate = health.methods.includes(method) ? undefined : options.rate;
      const isDeadlineIgnored = ignoreDeadlineOf.includes(path);
      const beginsRequest = beginsRequestAt.includes(path);
      const [observer, step] = [observerOf(method.definition), stepOf(method.definition, "server")];
      this.#methods.set(path, { method, observer, rate, isDeadlineIgnored, beginsRequest, step });
    }
  }

  /** Answers a request; `peer` is who asks, `budget` his connection's. Resolves when nothing goes on any more. */
  async answer(stream: ServerStream, peer: string, budget: ByteBudget): Promise<void> {
    const { method: httpMethod, path, headers } = stream.head;
    if (httpMethod !== "POST") return stream.finish(NO_POST);
    const contentType = headers.find(([name]) => name === "content-type")?.[1] ?? "";
    if (!/^application\/grpc(?:$|[+;])/.test(contentType)) return stream.finish(NO_GRPC);
    const served = this.#methods.get(path);
    if (served === undefined) return stream.finish(unimplemented(`This server has no method ${path.slice(0, 200)}`));
    const coding = headers.find(([name]) => name === "grpc-encoding")?.[1] ?? "identity";
    if (!CODINGS.includes(coding)) {
      return stream.finish(
        unimplemented(`Cannot read ${coding.slice(0, 40)}: this server takes ${CODINGS.join(", ")}`),
      );
    }
    using call = new ServerCall(stream, budget);
    if (!served.isDeadlineIgnored) call.limitTime(this.#deadlines);
    const scope = this.#requests === undefined ? undefined : requestOfCall(this.#requests, served, call.metadata);
    const run = () => runCall(call, served, peer);
    if (scope === undefined) return await run();
    await inRequest(scope, run);
    endSpan(scope.span, call.endCode);
  }

  [Symbol.dispose](): void {
    this.#deadlines[Symbol.dispose]();
  }
}

function unimplemented(details: string): Uint8Array {
  return trailersOnly({ code: status.UNIMPLEMENTED, details, trailers: {} });
}

/** The connections of a server. */
class Connections {
  readonly #calls: Calls;
  readonly #options: RpcServerOptions;
  readonly #open = new Map<Connection, { silentSteps: number }>();
  readonly #heldBytesMax: number;
  readonly #budget: ByteBudget;
  #changed = Promise.withResolvers<void>();
  #isFull = false;
  #isEnding = false;

  constructor(calls: Calls, options: RpcServerOptions) {
    this.#calls = calls;
    this.#options = options;
    this.#heldBytesMax = options.heldBytesMax ?? HELD_BYTES_MAX;
    this.#budget = new ByteBudget(this.#heldBytesMax);
  }

  add(socket: RpcSocket): void {
    if (this.#isEnding) return void socket.destroy(); // it was agreeing on TLS when the server was asked to stop
    if (this.#open.size >= CONNECTIONS_MAX) {
      if (!this.#isFull) this.#options.log.warn("Callers are refused: there are too many", { max: CONNECTIONS_MAX });
      this.#isFull = true;
      socket.destroy();
      return;
    }
    this.#isFull = false;
    const peer = peerOf(socket);
    const budget = new ByteBudget(this.#heldBytesMax / HELD_PARTS, this.#budget);
    const connection = new Connection(socket, {
      streamsMax: STREAMS_PER_CONNECTION_MAX,
      onRequest: (stream) => {
        connection.beginWork();
        this.#calls.answer(stream, peer, budget).finally(() => connection.endWork());
      },
      onDrained: () => this.#wake(),
    });
    this.#open.set(connection, { silentSteps: 0 });
    socket.on("close", () => {
      this.#open.delete(connection);
      this.#wake();
    });
  }

  /** Ends the connections of callers that are gone, and asks those who say nothing. To be called at each step. */
  endSilent(): void {
    for (const [connection, state] of this.#open) {
      state.silentSteps = connection.takeHeard() ? 0 : state.silentSteps + 1;
      if (state.silentSteps === SILENT_STEPS_MAX) connection.ping();
      if (state.silentSteps > SILENT_STEPS_MAX) connection.destroy();
    }
  }

  /** Lets calls finish within the limit, ends what is left, and waits for callers to hang up. */
  async end(): Promise<void> {
    const { clock, log, drainTimeoutMs = DRAIN_TIMEOUT_MS } = this.#options;
    this.#isEnding = true;
    for (const connection of this.#open.keys()) connection.drain();
    const areDrained = () => [...this.#open.keys()].every(({ isDrained }) => isDrained);
    if (await this.#until(areDrained, drainTimeoutMs, clock)) {
      await this.#until(() => this.#open.size === 0, HANG_UP_TIMEOUT_MS, clock);
    } else if (this.#open.keys().some(({ hasRequests }) => hasRequests)) {
      log.warn("Calls did not finish in time and were ended", { drainTimeoutMs });
    }
    for (const connection of this.#open.keys()) connection.destroy();
    await this.#until(() => this.#open.size === 0, HANG_UP_TIMEOUT_MS, clock);
  }

  /** Whether something came true before `ms` were over. */
  async #until(isTrue: () => boolean, ms: number, clock: Clock): Promise<boolean> {
    using limit = clock.deadline(ms);
    const late = new Promise<void>((resolve) => limit.signal.addEventListener("abort", () => resolve()));
    while (!isTrue() && !limit.signal.aborted) await Promise.race([this.#changed.promise, late]);
    return isTrue();
  }

  #wake(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers<void>();
  }
}

/** `ip:port`; empty for a unix socket. */
function peerOf({ remoteAddress, remotePort }: RpcSocket): string {
  return remoteAddress === undefined || remotePort === undefined ? "" : `${remoteAddress}:${remotePort}`;
}
