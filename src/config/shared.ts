import * as z from "zod";
import { DamselflyError } from "../core/error.ts";
import type { LogLevel } from "../runtime/log.ts";
import {
  choice,
  flag,
  httpUrl,
  int,
  list,
  listenAddress,
  parsed,
  path,
  ratio,
  section,
  text,
  textMap,
} from "./fields.ts";

/** Reads a level of Dragonfly's Go servers; the ones above error count as error. Throws `invalid_argument`. */
function parseLogLevel(name: string): LogLevel {
  if (["fatal", "panic", "dpanic", "error"].includes(name)) return "error";
  if (name === "trace") return "debug";
  if (name === "debug" || name === "info" || name === "warn") return name;
  throw new DamselflyError("invalid_argument", `Cannot log at level "${name}": expected debug, info, warn or error`);
}

/** More than one processor answers in a second: a burst of many nodes is no fault. */
const REQUESTS_PER_SECOND = 50_000;

/** How many gRPC requests a server takes; Dragonfly's default is another one. */
export function requestRateLimit(dragonflys: number) {
  return int(1).default(REQUESTS_PER_SECOND).describe(
    `Most gRPC requests per second, health checks excepted; ${dragonflys} in Dragonfly. Those above it wait, callers in turns.`,
  );
}

/** The level of a component's log. */
export function logLevel() {
  return parsed("debug or info or warn or error", parseLogLevel).default("info").describe(
    "Least severe messages that are logged.",
  );
}

/** `tracing.*` of every component. */
export function tracing(serviceName: string) {
  return section({
    protocol: choice("grpc", "http", "https").optional().describe("Protocol of the OTLP collector."),
    endpoint: text("host:port").optional().describe("Address of the OTLP collector."),
    path: text("URL path").default("/v1/traces").describe("Path of the collector for http and https."),
    headers: textMap().default({}).describe("Headers sent to the collector."),
    sampleRatio: ratio().default(1).describe(
      "Part of the requests that are traced, of those about which whoever asks has not decided.",
    ),
    "service-name": text().default(serviceName).meta({ aliases: ["serviceName"] }).describe(
      "Name of the component in traces.",
    ),
  }, "OpenTelemetry traces over OTLP; they are off unless there are both protocol and endpoint.").refine(
    ({ protocol, endpoint, path }) =>
      protocol === undefined || endpoint === undefined || URL.canParse(path, `http://${endpoint}`),
    "endpoint is no host:port of a collector, or path no path of it",
  );
}

/** What `tracing` of a configuration says. */
export type TracingConfig = z.infer<ReturnType<typeof tracing>>;

/** Registries that a service may read images from though their addresses are its own host's, or link-local. */
export function allowedRegistries() {
  return list(httpUrl()).default([]).describe(
    "Registries, such as http://127.0.0.1:5000, that images may be read from though only this host reaches them.",
  );
}

/** `network.*` of every component. */
export function network() {
  return section({
    enableIPv6: flag().default(false).describe("Listen on and advertise IPv6 addresses.").meta({
      ignored: "write an IPv6 address, such as ::, as the listen IP instead",
    }),
  }, "The network of the host.");
}

/** `metrics.*` of manager and scheduler, with the keys that only one of them has. */
export function metrics<S extends z.core.$ZodLooseShape>(extra: S) {
  return section({
    enable: flag().default(false).describe("Serve Prometheus metrics at /metrics."),
    addr: listenAddress().default({ hostname: "0.0.0.0", port: 8000 }).describe("Where metrics are served."),
    ...extra,
  }, "Prometheus metrics.");
}

/** The keys about logs, files and limits that `server` has in manager and scheduler alike. */
export function goServerKeys() {
  const noFiles = "logs go to standard output";
  return {
    logLevel: logLevel(),
    logDir: path().optional().describe("Directory of log files.").meta({ ignored: noFiles }),
    logMaxSize: int(0).optional().describe("Size of a log file before it is rotated, in MB.").meta({
      ignored: noFiles,
    }),
    logMaxAge: int(0).optional().describe("Days a log file is kept.").meta({ ignored: noFiles }),
    logMaxBackups: int(0).optional().describe("Rotated log files kept.").meta({ ignored: noFiles }),
    pluginDir: path().optional().describe("Directory of Go plugins.").meta({ ignored: "Go plugins cannot be loaded" }),
    workHome: path().optional().describe("Working directory.").meta({ ignored: "no working directory is needed" }),
    dataDir: path().optional().describe("Directory of data files.").meta({
      ignored: "no data files are written there",
    }),
  };
}

/** `console` and `verbose`, which all components have at the top. */
export function logFlags() {
  return {
    console: flag().default(false).describe("Write logs as lines for people and not as JSON; both on standard output."),
    verbose: flag().default(false).describe("Log at level debug, whatever else is configured."),
  };
}

/** `console`, `verbose` and `pprofPort`, which manager and scheduler have at the top. */
export function goTopKeys() {
  return {
    ...logFlags(),
    pprofPort: int(-1, 65535).default(-1).meta({ aliases: ["pprof-port"] }).describe(
      "Port on 127.0.0.1 for profiles and the level of the log, -1 is off.",
    ),
  };
}
