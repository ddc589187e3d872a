import "../rpc/http2_guard.ts";
import { type Command, Option } from "commander";
import { DfdaemonConfig } from "../config/dfdaemon.ts";
import { startPeer } from "../peer/peer.ts";
import { type Component, componentCommand, runComponent } from "./run_component.ts";

const dfdaemon: Component<typeof DfdaemonConfig> = {
  description: "The peer of this node: the mirror for its container runtime, and one of the swarm that shares blobs.",
  schema: DfdaemonConfig,
  tracingOf: ({ tracing, host, seedPeer }) => ({
    tracing,
    resource: {
      ...{ "host.ip": host.ip, "host.idc": host.idc, "host.location": host.location },
      "host.seed_peer": seedPeer.enable,
    },
  }),
  logLevelOf: (config) => config.log.level,
  healthAt: ({ health: { server: { ip: hostname, port } } }) => ({ kind: "http", listen: { hostname, port } }),
  options: [new Option("--dynconfig <file>", "file that names the schedulers where there is no manager")],
  debugAt: ({ stats: { server: { ip: hostname, port } } }) => ({ hostname, port }),
  start: (config, runtime, { dynconfig, signal }) =>
    startPeer(config, runtime, { signal, ...(typeof dynconfig === "string" && { dynconfig }) }),
};

/** Its command line. */
export const command = (): Command => componentCommand(dfdaemon);

/** Runs dfdaemon with the arguments of a command line. */
export const run = (args: readonly string[]): Promise<never> => runComponent(dfdaemon, args);

if (import.meta.main) await run(Deno.args);
