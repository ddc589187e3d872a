import * as os from "node:os";
import { type Clock, realClock } from "./clock.ts";
import type { Disk } from "./disk.ts";
import { localIps } from "./local_ips.ts";
import { jsonLog, type Log, type LogLevel } from "./log.ts";
import { type Metrics, realMetrics } from "./metrics.ts";
import type { Net } from "./net.ts";
import { type Random, realRandom } from "./random.ts";
import { realDisk } from "./real_disk.ts";
import { realNet } from "./real_net.ts";
import { NO_TRACER, type Tracer } from "./tracing.ts";

/** HTTP as an argument; `client` carries what the default one does not, such as extra certificate authorities. */
export type Fetch = (input: string | URL, init?: RequestInit & { client?: Deno.HttpClient }) => Promise<Response>;

/** Every effect that a component may have. Components get it as an argument and touch nothing else. */
export interface Runtime {
  readonly clock: Clock;
  readonly random: Random;
  readonly disk: Disk;
  readonly net: Net;
  readonly log: Log;
  readonly metrics: Metrics;
  /** Where the steps of requests are recorded. */
  readonly tracer: Tracer;
  readonly fetch: Fetch;
  /** An environment variable. */
  env(name: string): string | undefined;
  /** The host name of the machine. */
  hostname(): string;
  /** Addresses of the machine's interfaces, IPv4 first, loopback last. */
  localIps(): string[];
}

/** Options of {@link realRuntime}. */
export interface RuntimeOptions {
  readonly logLevel?: LogLevel;
  readonly log?: Log;
}

/** The effects of the real machine, for `component`. */
export function realRuntime(component: string, options: RuntimeOptions = {}): Runtime {
  const random = realRandom();
  const log = options.log ?? jsonLog(component, { level: options.logLevel ?? "info" });
  return {
    clock: realClock(),
    random,
    disk: realDisk(random),
    net: realNet(),
    log,
    metrics: realMetrics({ processMetrics: true }),
    tracer: NO_TRACER,
    fetch: (input, init) => fetch(input, init),
    env: (name) => Deno.env.get(name),
    hostname: () => os.hostname(),
    localIps,
  };
}
