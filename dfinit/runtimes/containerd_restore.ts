import { basename, join } from "node:path/posix";
import type { HostFiles } from "../host_files.ts";
import { isTable, parseToml, removeEmptyTable, removeLine, setValue, tomlString, valueAt } from "../toml_edit.ts";
import { MOVED_MARK, PLUGIN_IDS } from "./containerd.ts";
import { withoutOurs } from "./containerd_hosts.ts";
import { readConfigFiles } from "./containerd_imports.ts";
import { readRoots } from "./containerd_plan.ts";

/** The `hosts.toml` files that containerd reads and its own files, where ours may be. */
export async function containerdCandidates(configPath: string, files: HostFiles): Promise<string[]> {
  if (await files.read(configPath) === undefined) return [];
  const configFiles = await readConfigFiles(configPath, files, false);
  const settings = configFiles.flatMap(({ document: { values } }) => PLUGIN_IDS.map((id) => configPathIn(values, id)));
  const roots = settings.flatMap((value) => value?.split(":") ?? []).filter((root) => root.startsWith("/"));
  const found = await readRoots([...new Set(roots)], files);
  const hosts = found.flatMap(({ path, namespaces }) =>
    [...namespaces].filter(([, names]) => names.includes("hosts.toml")).map(([name]) => join(path, name, "hosts.toml"))
  );
  return [...configFiles.map(({ path }) => path), ...hosts];
}

/** A file of containerd without what dfinit wrote: a `hosts.toml`, or one of its configuration. */
export function withoutContainerdEdits(path: string, text: string, original: string | undefined): string {
  return basename(path) === "hosts.toml" ? withoutOurs(text) : withoutConfigEdits(text, original);
}

/**
 * `config_path` goes back to what it was, and `registry.mirrors` comes back. Without the original nobody knows what
 * `config_path` was: it stays, for containerd takes a directory without files as none.
 */
function withoutConfigEdits(text: string, original: string | undefined): string {
  const uncommented = text.replaceAll(new RegExp(`^${MOVED_MARK}`, "gm"), "");
  if (original === undefined) return uncommented;
  const before = parseToml(original).values;
  return PLUGIN_IDS.reduce((edited, id) => {
    const now = configPathIn(parseToml(edited).values, id);
    const was = configPathIn(before, id);
    if (now === was || now === undefined) return edited;
    const table = ["plugins", id, "registry"];
    if (was !== undefined) return setValue(edited, [...table, "config_path"], tomlString(was));
    const without = removeLine(edited, [...table, "config_path"]);
    return valueAt(before, table) === undefined ? removeEmptyTable(without, table) : without;
  }, uncommented);
}

function configPathIn(values: Parameters<typeof valueAt>[0], id: string): string | undefined {
  const registry = valueAt(values, ["plugins", id, "registry"]);
  const value = isTable(registry) ? registry["config_path"] : undefined;
  return typeof value === "string" ? value : undefined;
}
