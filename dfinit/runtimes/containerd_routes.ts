import { join } from "node:path/posix";
import type { HostFiles } from "../host_files.ts";
import { refusing } from "../plan.ts";
import { registrySettings } from "./containerd.ts";
import { hostsIn, hostsLackingTls } from "./containerd_hosts.ts";
import { readConfigFiles } from "./containerd_imports.ts";
import { legacyMirrors } from "./containerd_mirrors.ts";
import { readRoots } from "./containerd_plan.ts";
import { DEFAULT_NAMESPACE, type HostsRoot, namespaceOf, placeFor } from "./containerd_roots.ts";
import type { Route } from "./route.ts";

const REPAIR = "Repair or remove the file: containerd takes no mirror from it";

/**
 * Whom containerd asks for images of `registries` and of those that have a directory (node-side.md §2.2, §2.3). Throws
 * `RefusalError` for what containerd cannot read either.
 */
export async function containerdRoutes(
  configPath: string,
  registries: readonly string[],
  files: HostFiles,
): Promise<Route[]> {
  const settings = registrySettings(await readConfigFiles(configPath, files, false));
  if (settings.roots.length === 0) {
    const path = settings.files.at(-1)?.file.path ?? configPath;
    const mirrors = settings.files.flatMap(({ file, registry }) => legacyMirrors(file.path, registry));
    return registries.map((registry) => {
      const own = mirrors.find(({ namespace }) => namespace === registry) ??
        mirrors.find(({ namespace }) => namespace === "*");
      return { registry, path, hosts: own?.endpoints.map(({ url }) => url) ?? [] };
    });
  }
  const roots = await readRoots(settings.roots, files);
  const named = roots.flatMap(({ namespaces }) => [...namespaces.keys()]).filter((name) => name !== DEFAULT_NAMESPACE)
    .map(namespaceOf);
  return await Promise.all([...new Set([...registries, ...named])].map((name) => routeOf(name, roots, files)));
}

async function routeOf(registry: string, roots: readonly HostsRoot[], files: HostFiles): Promise<Route> {
  const own = placeFor(registry, roots).directory;
  const directory = await files.exists(own) ? own : placeFor(DEFAULT_NAMESPACE, roots).directory;
  const path = join(directory, "hosts.toml");
  const text = await files.read(path);
  if (text === undefined) return { registry, path, hosts: [] };
  return refusing(path, REPAIR, () => ({ registry, path, hosts: hostsIn(text), lackingTls: hostsLackingTls(text) }));
}
