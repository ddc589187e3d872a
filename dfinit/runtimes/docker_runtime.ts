import { dirname } from "node:path/posix";
import type { HostFiles } from "../host_files.ts";
import { withoutBlock } from "../marked_block.ts";
import { daemonWithout, needsRestart } from "./docker.ts";
import { type DockerConfig, planDocker, UNIT_DROP_IN } from "./docker_plan.ts";
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
    candidates: () => Promise.resolve([UNIT_DROP_IN]),
    without: (path, text, { mirror, original }) =>
      path === UNIT_DROP_IN ? withoutBlock(text) : daemonWithout(text, mirror, original),
    noticed: (path, change) => {
      const isAtStart = path === UNIT_DROP_IN ||
        (change === undefined ? config.proxy === "daemon" : needsRestart(change.before, change.after));
      return isAtStart ? "after a restart" : "after a reload";
    },
  };
}
