/** Jaeger as the collector of traces, and as the place where people look for them. Debian has none, so Go builds it. */
import { answers } from "./http.ts";
import { goProgram } from "./go_program.ts";
import { type RunningProcess, startProcess } from "./process.ts";
import { findProgram, type Needs } from "./programs.ts";

const JAEGER = { module: "github.com/jaegertracing/jaeger", version: "v1.50.0", main: "cmd/all-in-one" };
const INSTALLED = "jaeger-all-in-one";
const START_TIMEOUT_MS = 60_000;
const QUERY_PORT = 16686;

/** What {@link startJaeger} needs from the machine. */
export const JAEGER_NEEDS: Needs = {
  programs: [],
  missing: [INSTALLED, "go"].some((name) => findProgram(name) !== undefined)
    ? []
    : [`program ${INSTALLED}, or go to build it`],
};

/** A span as Jaeger's API gives it; ids are hexadecimal. */
export interface JaegerSpan {
  readonly spanID: string;
  readonly operationName: string;
  readonly processID: string;
  readonly references: readonly { readonly refType: string; readonly spanID: string }[];
  readonly tags: readonly { readonly key: string; readonly value: unknown }[];
  readonly logs: readonly { readonly fields: readonly { readonly key: string; readonly value: unknown }[] }[];
}

/** A trace as Jaeger's API gives it. */
export interface JaegerTrace {
  readonly traceID: string;
  readonly spans: readonly JaegerSpan[];
  readonly processes: Readonly<Record<string, { readonly serviceName: string }>>;
}

/** A running Jaeger that keeps what it gets in memory. */
export interface Jaeger extends AsyncDisposable {
  /** `host:port` of OTLP. */
  readonly grpc: string;
  readonly http: string;
  readonly process: RunningProcess;
  /** Traces with a span of this service that has this tag, as the search of its user interface finds them. */
  find(service: string, tag: readonly [key: string, value: string], signal: AbortSignal): Promise<JaegerTrace[]>;
}

/** Starts Jaeger on an address of its own, with its usual ports. */
export async function startJaeger(ip: string, logDir: string): Promise<Jaeger> {
  const ports: Readonly<Record<string, number>> = {
    "collector.otlp.grpc.host-port": 4317,
    "collector.otlp.http.host-port": 4318,
    "query.http-server.host-port": QUERY_PORT,
    "query.grpc-server.host-port": 16685,
    "admin.http.host-port": 14269,
    "collector.grpc-server.host-port": 14250,
    "collector.http-server.host-port": 14268,
    "http-server.host-port": 5778,
    "processor.jaeger-binary.server-host-port": 6832,
    "processor.jaeger-compact.server-host-port": 6831,
    "processor.zipkin-compact.server-host-port": 5775,
  };
  const args = Object.entries(ports).map(([flag, port]) => `--${flag}=${ip}:${port}`);
  const process = startProcess({
    ...{ name: "jaeger", command: findProgram(INSTALLED) ?? await goProgram(JAEGER), logDir },
    args: ["--collector.otlp.enabled=true", ...args],
  });
  const url = `http://${ip}:${QUERY_PORT}`;
  await process.ready("its API", START_TIMEOUT_MS, (signal) => answers(`${url}/api/services`, signal));
  return {
    ...{ grpc: `${ip}:4317`, http: `${ip}:4318`, process },
    async find(service, [key, value], signal) {
      const query = new URLSearchParams({ service, tags: JSON.stringify({ [key]: value }), lookback: "1h" });
      const answer = await fetch(`${url}/api/traces?${query}`, { signal });
      return (await answer.json() as { data: JaegerTrace[] | null }).data ?? [];
    },
    [Symbol.asyncDispose]: () => process.stop(),
  };
}
