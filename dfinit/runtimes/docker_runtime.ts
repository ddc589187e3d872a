import { dirname } from "node:path/posix";
import type { HostFiles } from "../host_files.ts";
import { withoutBlock } from "../marked_block.ts";
import { daemonWithout, needsRestart } from "./docker.ts";
import { type DockerConfig, dockerRoutes, planDocker, UNIT_DROP_IN } from "./docker_plan.ts";
import { trustFiles, trustFolder } from "./docker_trust.ts";
import type { Runtime } from "./runtime.ts";

/** Docker Engine. */
export function dockerRuntime(config: DockerConfig, mirror: string, files: HostFiles): Runtime {
  return {
    name: "docker",
    mirror,
    service: "docker",
    folder: dirname(config.configPath),
    startMark: "/run/docker.pid",
    plan: (previous) => planDocker(config, { mirror, previous }, files),
    routes: () => dockerRoutes(config, files),
    candidates: async () => [UNIT_DROP_IN, ...await trustFiles(config, files)],
    without: (path, text, { mirror, original }) =>
      path === config.configPath ? daemonWithout(text, mirror, original) : withoutBlock(text),
    noticed: (path, change) => {
      if (path.startsWith(`${trustFolder(config)}/`)) return "at the next pull";
      const isAtStart = path === UNIT_DROP_IN ||
        (change === undefined ? config.proxy === "daemon" : needsRestart(change.before, change.after));
      return isAtStart ? "after a restart" : "after a reload";
    },
  };
}
