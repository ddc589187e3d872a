import { dirname } from "node:path/posix";
import type { HostFiles } from "../host_files.ts";
import type { ContainerdConfig } from "./containerd_plan.ts";
import { type K3s, k3sRoutes, planK3s, registriesYaml, withoutPeer } from "./k3s_plan.ts";
import { unitOf } from "./k3s_settings.ts";
import type { Runtime } from "./runtime.ts";

/** k3s or RKE2, with the containerd that is a part of it. */
export async function k3sRuntime(
  k3s: K3s,
  config: ContainerdConfig,
  mirror: string,
  files: HostFiles,
): Promise<Runtime> {
  const path = await registriesYaml(k3s, files);
  return {
    name: k3s.name,
    mirror,
    service: await unitOf(k3s, files),
    folder: dirname(path),
    startMark: "/run/k3s/containerd/containerd.sock",
    plan: (previous) => planK3s(k3s, config, { mirror, previous }, files),
    routes: (registries) => k3sRoutes(k3s, registries, files),
    candidates: () => Promise.resolve([]),
    without: (_path, text, { mirror, original }) => withoutPeer(text, mirror, original),
    noticed: () => "after a restart",
  };
}
