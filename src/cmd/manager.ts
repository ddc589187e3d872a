import "../rpc/http2_guard.ts";
import type { Command } from "commander";
import { ManagerConfig } from "../config/manager.ts";
import { startManager } from "../manager/manager.ts";
import { readConsolePack } from "./console_pack.ts";
import { type Component, componentCommand, runComponent } from "./run_component.ts";

const manager: Component<typeof ManagerConfig> = {
  description: "The manager: clusters, users and settings for schedulers and peers of all clusters.",
  schema: ManagerConfig,
  logLevelOf: (config) => config.server.logLevel,
  tracingOf: ({ tracing }) => ({ tracing }),
  healthAt: ({ server: { rest } }) => ({ kind: rest.tls.cert === undefined ? "http" : "tcp", listen: rest.addr }),
  debugAt: ({ pprofPort: port }) => port < 0 ? undefined : { hostname: "127.0.0.1", port },
  async start(config, runtime, { signal }) {
    return await startManager(config, runtime, { signal, consolePack: await readConsolePack(runtime.disk) });
  },
};

/** Its command line. */
export const command = (): Command => componentCommand(manager);

/** Runs manager with the arguments of a command line. */
export const run = (args: readonly string[]): Promise<never> => runComponent(manager, args);

if (import.meta.main) await run(Deno.args);
