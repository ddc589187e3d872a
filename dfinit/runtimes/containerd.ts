import type { TomlTable } from "smol-toml";
import { type Change, RefusalError, refusing } from "../plan.ts";
import { commentOut, isTable, setValue, tomlKey, type TomlPath, tomlString, valueAt } from "../toml_edit.ts";
import type { ConfigFile } from "./containerd_imports.ts";
import { type LegacyMirror, legacyMirrors } from "./containerd_mirrors.ts";
import type { HostsRoot } from "./containerd_roots.ts";

/** Where `hosts.toml` files go when containerd has no place for them yet. */
export const DEFAULT_CONFIG_PATH = "/etc/containerd/certs.d";

/** What containerd from 2.2 on reads besides {@link DEFAULT_CONFIG_PATH} when nothing is set (node-side.md §2.1). */
export const IMPLICIT_CONFIG_PATH = "/etc/docker/certs.d";

/** The plugin that holds the registry settings, by version of the file: 1, 2, and from 3 on (node-side.md §2.1). */
const PLUGIN_V1 = "cri";
const PLUGIN_V2 = "io.containerd.grpc.v1.cri";
const PLUGIN_V3 = "io.containerd.cri.v1.images";

/** All of them; a file may have more than one. */
export const PLUGIN_IDS = [PLUGIN_V1, PLUGIN_V2, PLUGIN_V3] as const;

/** In front of each line of a `registry.mirrors` that went to `hosts.toml` files. */
export const MOVED_MARK = "# damselfly moved to hosts.toml: ";

const VERSION_MAX = 4;

const BY_HAND = "Set config_path there by hand, restart containerd, and run dfinit again";

/** A file of the configuration that says something about registries, and where in it. */
export interface RegistryFile {
  readonly file: ConfigFile;
  readonly table: TomlPath;
  readonly registry: TomlTable;
  /** Empty when it sets none. */
  readonly configPath: string;
}

/** What containerd's configuration says about registries, over all its files. */
export interface RegistrySettings {
  /** In the order in which containerd loads them; the last one decides. */
  readonly files: readonly [...RegistryFile[], RegistryFile];
  /** The directories of `config_path`; empty when none is set. */
  readonly roots: readonly string[];
  /** The file whose `config_path` counts; undefined when it still has to be set in the last one. */
  readonly setIn: RegistryFile | undefined;
}

/** What has to become of containerd's configuration. */
export interface ConfigPlan {
  readonly changes: readonly Change[];
  /** Where `hosts.toml` files are looked for from now on. */
  readonly roots: readonly HostsRoot[];
  /** Mirrors that leave the configuration and have to be in `hosts.toml` files before. */
  readonly mirrors: readonly LegacyMirror[];
  readonly warnings: readonly string[];
}

/** Reads the registry settings. Throws {@link RefusalError} where a value that we set would have no effect. */
export function registrySettings(files: readonly [ConfigFile, ...ConfigFile[]]): RegistrySettings {
  for (const file of files) refuseDisabled(file);
  const mentioning = files.filter(({ document: { values } }) => PLUGIN_IDS.some((id) => hasPlugin(values, id)));
  const last = registryFile(mentioning.at(-1) ?? files[0]);
  const earlier = mentioning.slice(0, -1).map(registryFile);
  // containerd 1.x replaces a plugin's table by that of the later file; 2.x merges them, so an earlier value counts.
  const source = last.configPath !== "" ? last : earlier.findLast(({ configPath }) => configPath !== "");
  const isInForce = source === last || files.some(isContainerd2);
  const roots = source === undefined ? [] : rootsOf(source);
  return { files: [...earlier, last], roots, setIn: isInForce ? source : undefined };
}

/**
 * Decides what changes so that containerd reads `hosts.toml` files. `roots` are the directories of the settings, or
 * {@link DEFAULT_CONFIG_PATH}, as they are on the disk.
 *
 * A single directory is kept. Of several, the one in use is kept alone, because the transfer service of containerd
 * 2.1 and later takes the whole list for the name of one directory (containerd#12415). Where more than one is in use
 * the list stays, so that nothing is lost, and a warning says what that means.
 */
export function planConfig({ files, setIn }: RegistrySettings, roots: readonly HostsRoot[]): ConfigPlan {
  const kept = keptRoots(roots);
  const value = kept.map(({ path }) => path).join(":");
  const target = setIn ?? files.at(-1) ?? files[0];
  const warnings = [...(kept.length > 1 ? [severalRoots(target, value)] : []), ...versionWarnings(target)];
  if (setIn !== undefined) {
    if (isNotEmpty(setIn.registry["mirrors"])) {
      warnings.push(`${setIn.file.path}: containerd does not start with registry.mirrors next to config_path`);
    }
    if (value === setIn.configPath) return { changes: [], roots: kept, mirrors: [], warnings };
  }
  const mirrors = setIn === undefined ? files.flatMap(({ file, registry }) => legacyMirrors(file.path, registry)) : [];
  const edited = files.filter((part) =>
    part === target || (setIn === undefined && isNotEmpty(part.registry["mirrors"]))
  );
  const changes = edited.map((part): Change => {
    refuseUneditable(part.file);
    const before = part.file.document.text;
    const { isNew } = part.file;
    const isMoving = setIn === undefined && isNotEmpty(part.registry["mirrors"]);
    const after = refusing(part.file.path, BY_HAND, () => {
      const text = isMoving ? commentOut(before, [...part.table, "mirrors"], MOVED_MARK) : before;
      return part === target ? setConfigPath(part, text, value) : text;
    });
    const why = [
      ...(part === target ? [`config_path = ${tomlString(value)}, was ${tomlString(part.configPath)}`] : []),
      ...(isMoving ? ["registry.mirrors moves to hosts.toml files, because containerd does not start with both"] : []),
    ];
    return { path: part.file.path, before: isNew ? undefined : before, after, why: why.join("; ") };
  });
  return { changes, roots: kept, mirrors, warnings };
}

function keptRoots(roots: readonly HostsRoot[]): readonly HostsRoot[] {
  const used = roots.filter(({ namespaces }) => namespaces.size > 0);
  return used.length > 1 ? roots : used.length === 1 ? used : roots.slice(0, 1);
}

function severalRoots({ file }: RegistryFile, value: string): string {
  return `${file.path}: config_path names several directories that are in use (${value}). containerd 2.1 and later ` +
    `reads none of them unless it pulls in local mode: move the files to one directory and name only that`;
}

function versionWarnings({ file: { path, document: { values } }, table }: RegistryFile): string[] {
  if (table[1] === PLUGIN_V1) {
    return [`${path}: containerd 2 does not read registry settings of a version 1 file: run containerd config migrate`];
  }
  if (table[1] !== PLUGIN_V3 || values["version"] !== 2 || !hasPlugin(values, PLUGIN_V2)) return [];
  return [
    `${path}: containerd 1.x does not read plugins.${tomlKey([PLUGIN_V3])}, so on such a node every pull goes around ` +
    `the peer: move its registry settings to plugins.${tomlKey([PLUGIN_V2])}, which containerd 2 reads too`,
  ];
}

function setConfigPath({ file, table }: RegistryFile, before: string, value: string): string {
  const isVersioned = table[1] === PLUGIN_V1 || file.document.values["version"] !== undefined || table[1] === PLUGIN_V3;
  const text = isVersioned ? before : setValue(before, ["version"], "2");
  return setValue(text, [...table, "config_path"], tomlString(value));
}

function registryFile(file: ConfigFile): RegistryFile {
  const table = registryTable(file);
  const registry = valueAt(file.document.values, table) ?? {};
  if (!isTable(registry)) throw new RefusalError(file.path, `${tomlKey(table)} is no table`, BY_HAND);
  const configPath = registry["config_path"] ?? "";
  if (typeof configPath !== "string") throw new RefusalError(file.path, "config_path is no string", BY_HAND);
  return { file, table, registry, configPath: withoutVariables(file.path, configPath) };
}

/** MicroK8s makes its configuration of this file, and puts its own folder, the one above `args`, for a variable. */
function withoutVariables(path: string, value: string): string {
  const [, folder] = /^(\/.+)\/args\/[^/]+$/.exec(path) ?? [];
  return folder === undefined ? value : value.replaceAll("${SNAP_DATA}", folder);
}

/**
 * The table in which containerd looks for registry settings. In a file of version 2, containerd 2 takes the old table
 * whole when there is one, whatever the new one says. Checked with 1.6.20, 1.7.24 and 2.1.9.
 */
function registryTable({ path, document: { values } }: ConfigFile): TomlPath {
  const version = values["version"] ?? 1;
  if (typeof version !== "number" || !Number.isInteger(version) || version > VERSION_MAX) {
    throw new RefusalError(path, `version ${String(version)} of containerd's configuration is not known`, BY_HAND);
  }
  const tableOf = (id: string) => ["plugins", id, "registry"];
  if (version >= 3) return tableOf(PLUGIN_V3);
  const hasNew = hasPlugin(values, PLUGIN_V3);
  if (version === 2) {
    if (valueAt(values, tableOf(PLUGIN_V2)) !== undefined) return tableOf(PLUGIN_V2);
    if (valueAt(values, tableOf(PLUGIN_V3)) !== undefined) return tableOf(PLUGIN_V3);
    return tableOf(hasNew && !hasPlugin(values, PLUGIN_V2) ? PLUGIN_V3 : PLUGIN_V2);
  }
  if (hasNew) return tableOf(PLUGIN_V3);
  if (hasPlugin(values, PLUGIN_V2)) {
    const reason = `it has no "version = 2", so containerd reads it as version 1 and ignores plugins.${
      tomlKey([PLUGIN_V2])
    }`;
    throw new RefusalError(path, reason, `Add "version = 2" if that table is meant to count, and run dfinit again`);
  }
  // Nothing in the file depends on its version, so it may become the one that every containerd since 1.3 reads.
  const isNeutral = ["version", "plugins", "disabled_plugins", "required_plugins"].every((key) =>
    values[key] === undefined
  );
  return tableOf(isNeutral ? PLUGIN_V2 : PLUGIN_V1);
}

function rootsOf({ file, configPath }: RegistryFile): string[] {
  const roots = configPath.split(":").filter((root) => root !== "");
  const relative = roots.find((root) => !root.startsWith("/"));
  if (relative !== undefined) throw new RefusalError(file.path, `config_path "${relative}" is not absolute`, BY_HAND);
  return roots;
}

function refuseDisabled({ path, document: { values } }: ConfigFile): void {
  const disabled = values["disabled_plugins"];
  const id = Array.isArray(disabled) ? PLUGIN_IDS.find((id) => disabled.includes(id)) : undefined;
  if (id === undefined) return;
  const todo =
    "Remove it from disabled_plugins when this node pulls through Kubernetes; Docker needs containerRuntime.docker";
  throw new RefusalError(path, `the plugin ${id} is disabled, so containerd pulls no images for Kubernetes`, todo);
}

function refuseUneditable({ path, importsBackup }: ConfigFile): void {
  if (!importsBackup) return;
  const todo = "Let the imports of containerd's configuration end in .toml";
  throw new RefusalError(path, "the pattern that imports it would import its backup as well", todo);
}

function hasPlugin(values: TomlTable, id: string): boolean {
  return valueAt(values, ["plugins", id]) !== undefined;
}

function isContainerd2({ document: { values } }: ConfigFile): boolean {
  return Number(values["version"] ?? 0) >= 3 || hasPlugin(values, PLUGIN_V3);
}

function isNotEmpty(value: unknown): boolean {
  return isTable(value) && Object.keys(value).length > 0;
}
