import "../rpc/http2_guard.ts";
import type { Command } from "commander";
import { SchedulerConfig } from "../config/scheduler.ts";
import { startScheduler } from "../scheduler/scheduler.ts";
import { type Component, componentCommand, runComponent } from "./run_component.ts";

const scheduler: Component<typeof SchedulerConfig> = {
  description: "The scheduler: tells the peers of one cluster which peers to download from.",
  schema: SchedulerConfig,
  tracingOf: ({ tracing, host }) => ({ tracing, resource: { "host.idc": host.idc, "host.location": host.location } }),
  logLevelOf: (config) => config.server.logLevel,
  healthAt: ({ server: { tls, listenIP: hostname, port } }) => {
    return { kind: tls.cert === undefined ? "grpc" : "tcp", listen: { hostname, port } };
  },
  debugAt: ({ pprofPort: port }) => port < 0 ? undefined : { hostname: "127.0.0.1", port },
  start: startScheduler,
};

/** Its command line. */
export const command = (): Command => componentCommand(scheduler);

/** Runs scheduler with the arguments of a command line. */
export const run = (args: readonly string[]): Promise<never> => runComponent(scheduler, args);

if (import.meta.main) await run(Deno.args);
