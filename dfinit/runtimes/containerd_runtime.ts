import { basename, dirname } from "node:path/posix";
import type { HostFiles } from "../host_files.ts";
import { type ContainerdConfig, type ContainerdOptions, planContainerd } from "./containerd_plan.ts";
import { containerdRoutes } from "./containerd_routes.ts";
import { containerdCandidates, withoutContainerdEdits } from "./containerd_restore.ts";
import type { Runtime } from "./runtime.ts";

/** containerd with a configuration file that people or packages wrote. */
export function containerdRuntime(config: ContainerdConfig, options: ContainerdOptions, files: HostFiles): Runtime {
  return {
    name: "containerd",
    mirror: options.mirror,
    service: "containerd",
    folder: dirname(config.configPath),
    startMark: "/run/containerd/containerd.sock",
    plan: () => planContainerd(config, options, files),
    routes: (registries) => containerdRoutes(config.configPath, registries, files),
    candidates: () => containerdCandidates(config.configPath, files),
    without: (path, text, { original }) => withoutContainerdEdits(path, text, original),
    noticed: (path) => basename(path) === "hosts.toml" ? "at the next pull" : "after a restart",
  };
}
