import { dirname } from "node:path/posix";
import type { HostFiles } from "../host_files.ts";
import { withoutBlock } from "../marked_block.ts";
import { dropInPath, planRegistriesConf, type RegistriesConfig, registriesConfRoutes } from "./registries_conf_plan.ts";
import type { Runtime } from "./runtime.ts";

/** `containerRuntime.crio` and `.podman` of dfinit.yaml, by name. */
export type RegistriesConfigs = Readonly<Partial<Record<"crio" | "podman", RegistriesConfig | undefined>>>;

/** CRI-O and Podman: they read the same file, so what both are to pull through the peer stands in one drop-in. */
export function registriesConfRuntimes(configs: RegistriesConfigs, mirror: string, files: HostFiles): Runtime[] {
  const { crio, podman } = configs;
  if (crio === undefined || podman === undefined || crio.configPath !== podman.configPath) {
    return [
      ...(crio === undefined ? [] : [runtimeOf("crio", crio, mirror, files)]),
      ...(podman === undefined ? [] : [runtimeOf("podman", podman, mirror, files)]),
    ];
  }
  const ofCrio = new Map(crio.registries.map((registry) => [`${registry.prefix} ${registry.location}`, registry]));
  const onlyPodman = podman.registries.filter(({ prefix, location }) => !ofCrio.has(`${prefix} ${location}`));
  const both = {
    configPath: crio.configPath,
    unqualifiedSearchRegistries: crio.unqualifiedSearchRegistries ?? podman.unqualifiedSearchRegistries,
    registries: [...crio.registries, ...onlyPodman],
  };
  return [{ ...runtimeOf("crio", both, mirror, files), name: "crio and podman" }];
}

function runtimeOf(name: "crio" | "podman", config: RegistriesConfig, mirror: string, files: HostFiles): Runtime {
  return {
    name,
    mirror,
    service: name === "crio" ? "crio" : undefined,
    folder: dirname(config.configPath),
    startMark: undefined,
    plan: () => planRegistriesConf(config, { mirror, where: `containerRuntime.${name}.registries` }, files),
    routes: (registries) => registriesConfRoutes(config.configPath, registries, files),
    candidates: () => Promise.resolve([dropInPath(config.configPath)]),
    without: (_path, text) => withoutBlock(text),
    noticed: () => name === "crio" ? "after a reload" : "at the next pull",
  };
}
