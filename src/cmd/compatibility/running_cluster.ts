import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { formatHostPort } from "../../config/addresses.ts";
import { DamselflyError, type ErrorCode } from "../../core/error.ts";
import { type HttpServer, startHttpServer } from "../../http/serve.ts";
import { debugHandler } from "../../profiling/debug_server.ts";
import { realProfiler } from "../../runtime/profiler.ts";
import { createRpcClient, type RpcClient } from "../../rpc/client.ts";
import type { MethodDefinition } from "../../rpc/definition.ts";
import { silentLog } from "../../runtime/log.ts";
import { realRuntime, type Runtime } from "../../runtime/runtime.ts";
import { type LocalCluster, startLocalCluster } from "../local_cluster.ts";
import { socketPathOf } from "../local_cluster_settings.ts";
import { type MetricShape, RecordingMetrics } from "./recording_metrics.ts";

const LOOPBACK = "127.0.0.1";
/** Generous: a call that is not answered must never count as one that is. */
const CALL_TIMEOUT_MS = 20_000;

/** How a method that is there may refuse an empty message. */
const ANSWERS: ReadonlySet<ErrorCode> = new Set(["invalid_argument", "not_found", "failed_precondition", "internal"]);

interface Parts {
  readonly cluster: LocalCluster;
  readonly dir: string;
  readonly runtime: Runtime;
  /** What all components serve alike besides. */
  readonly debug: HttpServer;
  readonly metrics: ReadonlyMap<string, RecordingMetrics>;
  readonly stack: AsyncDisposableStack;
}

/** A manager, a scheduler and a dfdaemon that run in this process to be asked what they serve. */
export class RunningCluster implements AsyncDisposable {
  readonly #parts: Parts;
  readonly #stop = new AbortController();

  private constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** Starts them on free ports, with their files in a temporary directory. */
  static async start(signal: AbortSignal): Promise<RunningCluster> {
    const runtime = realRuntime("compatibility", { log: silentLog() });
    const dir = await mkdtemp(join(tmpdir(), "damselfly-gen-"));
    await using stack = new AsyncDisposableStack();
    stack.defer(() => runtime.disk.remove(dir));
    const metrics = new Map<string, RecordingMetrics>();
    const runtimeOf = (name: string) => {
      const recording = new RecordingMetrics();
      metrics.set(name === "seed" ? "dfdaemon" : name, recording);
      return { ...runtime, metrics: recording, env: () => undefined };
    };
    const options = {
      ...{ dir, clock: runtime.clock, runtimeOf, upstreams: [], peers: [] },
      manager: { ip: LOOPBACK, grpcPort: 0, restPort: 0 },
      scheduler: { ip: LOOPBACK, port: 0 },
      seed: { ip: LOOPBACK, firstPort: 0 },
    };
    const cluster = stack.use(await startLocalCluster(options, signal));
    const handler = debugHandler({
      ...{ clock: runtime.clock, profiler: realProfiler(runtime.clock) },
      log: { ...silentLog(), level: "info", setLevel() {} },
    });
    const listen = { hostname: LOOPBACK, port: 0 };
    const debug = stack.use(startHttpServer({ ...runtime, listen, handler, onError: () => {} }));
    return new RunningCluster({ cluster, dir, runtime, debug, metrics, stack: stack.move() });
  }

  /**
   * Whether the gRPC server `at` (`manager`, `scheduler`, `upload` or `download`) serves a method: all kinds of calls
   * are alike on the wire, so one empty message says it, and any answer but UNIMPLEMENTED is one.
   */
  async serves(at: string, path: string): Promise<boolean> {
    using client = this.#client(at, path);
    const stream = client.call({ signal: this.#stop.signal, timeoutMs: CALL_TIMEOUT_MS });
    try {
      await stream.send(Buffer.alloc(0));
      stream.end();
      for await (const _ of stream.responses) return true;
      return true;
    } catch (error) {
      if (error instanceof DamselflyError && error.code === "unimplemented") return false;
      if (error instanceof DamselflyError && ANSWERS.has(error.code)) return true;
      throw error;
    } finally {
      stream.cancel();
    }
  }

  /** The REST routes of the manager, as `GET /api/v1/clusters/:id`. */
  get routes(): readonly string[] {
    return this.#parts.cluster.manager.routes;
  }

  /** Whether a server of dfdaemon (`health`, `metrics` or `stats`) answers a request, given as `GET /healthy`. */
  async answers(at: "health" | "metrics" | "stats", route: string): Promise<boolean> {
    const [method = "", path = ""] = route.split(" ");
    const { cluster: { seed }, debug, runtime } = this.#parts;
    // A profile of no time is refused, which is an answer.
    const url = `http://${formatHostPort(at === "stats" ? debug : seed[at])}${path}?seconds=0`;
    const response = await runtime.fetch(url, { method, signal: this.#stop.signal });
    await response.body?.cancel();
    return response.status !== 404 && response.status !== 405;
  }

  /** What a component counts, by name. */
  metricsOf(component: string): ReadonlyMap<string, MetricShape> {
    return this.#parts.metrics.get(component)?.shapes ?? new Map();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#parts.stack.disposeAsync();
  }

  #client(at: string, path: string): RpcClient<{ call: typeof ANY_METHOD }> & Disposable {
    return createRpcClient({ call: { ...ANY_METHOD, path } }, this.#address(at), this.#parts.runtime);
  }

  #address(at: string): string {
    const { cluster: { manager, scheduler, seed }, dir } = this.#parts;
    if (at === "manager") return formatHostPort(manager.grpc);
    if (at === "scheduler") return formatHostPort(scheduler);
    if (at === "upload") return formatHostPort(seed.upload);
    if (at === "download") return `unix:${socketPathOf(dir, "seed")}`;
    throw new DamselflyError("invalid_argument", `There is no gRPC server "${at}"`);
  }
}

const ANY_METHOD = {
  path: "",
  requestStream: true,
  responseStream: true,
  requestSerialize: (bytes: Buffer) => bytes,
  requestDeserialize: (bytes: Buffer) => bytes,
  responseSerialize: (bytes: Buffer) => bytes,
  responseDeserialize: (bytes: Buffer) => bytes,
} as const satisfies MethodDefinition;
