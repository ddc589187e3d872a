import { join } from "node:path/posix";
import { DamselflyError } from "../../src/core/error.ts";
import type { HostFiles } from "../host_files.ts";
import type { Bypass } from "../plan.ts";
import { hostsIn } from "./containerd_hosts.ts";
import { DEFAULT_NAMESPACE, type HostsRoot, namespaceOf, placeFor } from "./containerd_roots.ts";

/**
 * What goes around the peer although all registries should go through it: a registry with a directory of its own is
 * not served by `_default`, and containerd pulls from it without a word about the peer (node-side.md §2.2).
 */
export async function bypassedRegistries(
  wanted: ReadonlyMap<string, unknown>,
  roots: readonly HostsRoot[],
  mirror: string,
  files: HostFiles,
): Promise<Bypass[]> {
  const ours = new Set([...wanted.keys()].map((namespace) => placeFor(namespace, roots).directory));
  const others = new Map(
    roots.flatMap(({ namespaces }) => [...namespaces.keys()]).filter((name) => name !== DEFAULT_NAMESPACE)
      .map((name) => [placeFor(namespaceOf(name), roots).directory, namespaceOf(name)]),
  );
  const found = await Promise.all(
    [...others].filter(([directory]) => !ours.has(directory)).sort().map(async ([directory, registry]) => {
      const reason = await whyAround(directory, mirror, files);
      const todo = "List it in containerRuntime.containerd.registries to change that";
      return reason === undefined ? [] : [{ registry, reason, todo }];
    }),
  );
  return found.flat();
}

async function whyAround(directory: string, mirror: string, files: HostFiles): Promise<string | undefined> {
  const path = join(directory, "hosts.toml");
  const text = await files.read(path);
  if (text === undefined) return `${directory}: the registry has a directory of its own without a hosts.toml`;
  try {
    return hostsIn(text).includes(mirror) ? undefined : `${path}: it does not name ${mirror}`;
  } catch (error) {
    if (!(error instanceof DamselflyError)) throw error;
    return `${path}: ${error.message}`;
  }
}
