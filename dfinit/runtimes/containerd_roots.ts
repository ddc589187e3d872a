import { join } from "node:path/posix";

/** The directory whose `hosts.toml` serves every registry that has none of its own. */
export const DEFAULT_NAMESPACE = "_default";

/** One directory of `config_path`, with the names of the files in each registry's directory. */
export interface HostsRoot {
  readonly path: string;
  readonly namespaces: ReadonlyMap<string, readonly string[]>;
}

/** Where a registry's `hosts.toml` is, or has to be. */
export interface HostsPlace {
  /** The directory of the registry. */
  readonly directory: string;
  /** The files in it; empty when it does not exist. */
  readonly files: readonly string[];
}

/**
 * The directory containerd reads for `namespace`, else the one to make so that it is read and hides nothing: a root's
 * `_default` hides all registries of the roots after it (node-side.md §2.2). `roots` must not be empty.
 */
export function placeFor(namespace: string, roots: readonly HostsRoot[]): HostsPlace {
  const names = directoryNames(namespace);
  for (const { path, namespaces } of roots) {
    const name = names.find((name) => namespaces.has(name));
    if (name !== undefined) return { directory: join(path, name), files: namespaces.get(name) ?? [] };
    if (namespaces.has(DEFAULT_NAMESPACE)) return { directory: join(path, names.at(-1) ?? namespace), files: [] };
  }
  const root = namespace === DEFAULT_NAMESPACE ? roots.at(-1) : roots[0];
  return { directory: join(root?.path ?? "/", names.at(-1) ?? namespace), files: [] };
}

/** `host_port_` wins over `host:port`. */
function directoryNames(namespace: string): string[] {
  const [, host, port] = /^(.+):(\d+)$/.exec(namespace) ?? /^(.+)_(\d+)_$/.exec(namespace) ?? [];
  return host === undefined || port === undefined ? [namespace] : [`${host}_${port}_`, `${host}:${port}`];
}

/** The registry that a directory of `config_path` is for. */
export function namespaceOf(directoryName: string): string {
  return directoryName.replace(/_(\d+)_$/, ":$1");
}
