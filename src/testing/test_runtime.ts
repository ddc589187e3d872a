import type { Disk } from "../runtime/disk.ts";
import { type Clock, realClock } from "../runtime/clock.ts";
import type { Net } from "../runtime/net.ts";
import type { Random } from "../runtime/random.ts";
import { realNet } from "../runtime/real_net.ts";
import type { Fetch, Runtime } from "../runtime/runtime.ts";
import { NO_TRACER, type Tracer } from "../runtime/tracing.ts";
import { MemoryDisk } from "./memory_disk.ts";
import { MemoryLog } from "./memory_log.ts";
import { MemoryMetrics } from "./memory_metrics.ts";
import { seededRandom } from "./seeded_random.ts";

/** A runtime for tests: the log and the metrics can be read back. */
export interface TestRuntime extends Runtime {
  readonly log: MemoryLog;
  readonly metrics: MemoryMetrics;
}

/** What a test wants to be other than usual. */
export interface TestRuntimeOptions {
  readonly clock?: Clock;
  readonly random?: Random;
  readonly disk?: Disk;
  readonly net?: Net;
  readonly fetch?: Fetch;
  readonly tracer?: Tracer;
  readonly env?: Readonly<Record<string, string>>;
  readonly hostname?: string;
}

/** A runtime with seeded chance and a log in memory; the disk is in memory; net and clock are real unless the test gives its own. */
export function testRuntime(options: TestRuntimeOptions = {}): TestRuntime {
  const random = options.random ?? seededRandom(1);
  return {
    clock: options.clock ?? realClock(),
    random,
    disk: options.disk ?? new MemoryDisk(),
    net: options.net ?? realNet(),
    log: new MemoryLog(),
    metrics: new MemoryMetrics(),
    tracer: options.tracer ?? NO_TRACER,
    fetch: options.fetch ?? ((input, init) => fetch(input, init)),
    env: (name) => options.env?.[name],
    hostname: () => options.hostname ?? "test-host",
    localIps: () => ["127.0.0.1"],
  };
}
