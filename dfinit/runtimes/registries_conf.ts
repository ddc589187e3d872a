import { basename, join } from "node:path/posix";
import type { TomlTable, TomlValue } from "smol-toml";
import type { HostFiles } from "../host_files.ts";
import { RefusalError, refusing } from "../plan.ts";
import { isTable, parseToml } from "../toml_edit.ts";

/** More drop-ins than this in one folder are none that a person wrote. */
const FILES_MAX = 1000;

const REPAIR = "Repair the file, the runtime cannot read it either";

/** A `[[registry.mirror]]`. */
export interface RegistryMirror {
  readonly location: string;
  readonly insecure: boolean;
  /** `all`, `digest-only` or `tag-only`; undefined leaves it to the runtime. */
  readonly pullFrom?: string;
}

/** A `[[registry]]` of `registries.conf` (node-side.md §2.6). */
export interface RegistryEntry {
  readonly prefix: string;
  readonly location: string;
  readonly insecure: boolean;
  readonly blocked: boolean;
  readonly digestOnly: boolean;
  readonly mirrors: readonly RegistryMirror[];
  /** The file that says so. */
  readonly path: string;
}

/** What the runtime makes of `registries.conf` and its drop-ins. */
export interface RegistriesConf {
  /** The files that were read. */
  readonly paths: readonly string[];
  /** By prefix. Of several with the same prefix the last one counts. */
  readonly entries: ReadonlyMap<string, RegistryEntry>;
  /** Prefixes of files that are read after `dropIn`, and so win over it. */
  readonly later: ReadonlyMap<string, RegistryEntry>;
}

/** The folder of drop-ins that goes with a `registries.conf`. */
export function dropInFolder(configPath: string): string {
  return `${configPath}.d`;
}

/**
 * Reads `configPath` and its drop-ins in the order of the runtime, without the drop-in `own` if there is one. A first
 * file that does not exist says nothing. Throws `RefusalError` for what the runtime could not read.
 */
export async function readRegistriesConf(
  configPath: string,
  own: string | undefined,
  files: HostFiles,
): Promise<RegistriesConf> {
  const folder = dropInFolder(configPath);
  const ownName = own === undefined ? undefined : basename(own);
  const names = (await files.list(folder) ?? []).filter((name) => name.endsWith(".conf") && name !== ownName);
  if (names.length > FILES_MAX) {
    throw new RefusalError(folder, `it holds more than ${FILES_MAX} files`, "Remove those that are not needed");
  }
  const entries = new Map<string, RegistryEntry>();
  const later = new Map<string, RegistryEntry>();
  const paths: string[] = [];
  for (const path of [configPath, ...names.map((name) => join(folder, name))]) {
    const text = await files.read(path);
    if (text === undefined) continue;
    paths.push(path);
    const { values } = refusing(path, REPAIR, () => parseToml(text));
    for (const entry of entriesOf(path, values, path !== configPath)) {
      entries.set(entry.prefix, entry);
      if (path !== configPath && ownName !== undefined && basename(path) > ownName) later.set(entry.prefix, entry);
    }
  }
  return { paths, entries, later };
}

/** The entry that the runtime takes for images whose names begin with `prefix`: the one with the longest prefix. */
export function entryFor(prefix: string, entries: ReadonlyMap<string, RegistryEntry>): RegistryEntry | undefined {
  const covering = [...entries.values()].filter((entry) => covers(entry.prefix, prefix));
  return covering.sort((a, b) => b.prefix.length - a.prefix.length)[0];
}

/** Whether images below `prefix` are below `outer` too. */
export function covers(outer: string, prefix: string): boolean {
  if (outer.startsWith("*.")) return (prefix.split("/", 1)[0] ?? "").replace(/:\d+$/, "").endsWith(outer.slice(1));
  return prefix === outer || prefix.startsWith(`${outer}/`) || (!outer.includes("/") && prefix.startsWith(`${outer}:`));
}

function entriesOf(path: string, values: TomlTable, isDropIn: boolean): RegistryEntry[] {
  const first = values["registries"];
  const second = values["registry"];
  if (first === undefined) {
    if (second === undefined) return [];
    if (!Array.isArray(second)) throw malformed(path, "registry is no list of tables, [[registry]]");
    return second.map((value) => entryOf(path, value));
  }
  if (second !== undefined || values["unqualified-search-registries"] !== undefined) {
    throw malformed(path, "it mixes the old format, [registries.…], with the present one, [[registry]]");
  }
  if (isDropIn) throw malformed(path, "it is in the old format, [registries.…], which no drop-in may have");
  return oldEntriesOf(path, first);
}

/** The format of before 2019: names only, without mirrors. */
function oldEntriesOf(path: string, value: TomlValue): RegistryEntry[] {
  const named = (key: string) => {
    const list = isTable(value) && isTable(value[key]) ? value[key]["registries"] ?? [] : [];
    if (!Array.isArray(list)) throw malformed(path, `registries.${key}.registries is no list`);
    return list.filter((name) => typeof name === "string");
  };
  const [insecure, blocked] = [named("insecure"), named("block")];
  return [...new Set([...insecure, ...blocked])].map((prefix) => ({
    ...{ path, prefix, location: prefix, digestOnly: false, mirrors: [] },
    insecure: insecure.includes(prefix),
    blocked: blocked.includes(prefix),
  }));
}

function entryOf(path: string, value: TomlValue): RegistryEntry {
  if (!isTable(value)) throw malformed(path, "a registry is no table");
  const location = textAt(path, value, "location") ?? "";
  const prefix = textAt(path, value, "prefix") ?? "";
  if (prefix === "" && location === "") throw malformed(path, "a registry has neither prefix nor location");
  const mirrors = value["mirror"] ?? [];
  if (!Array.isArray(mirrors)) throw malformed(path, "registry.mirror is no list of tables, [[registry.mirror]]");
  return {
    path,
    prefix: prefix === "" ? location : prefix,
    location: location === "" ? prefix : location,
    insecure: value["insecure"] === true,
    blocked: value["blocked"] === true,
    digestOnly: value["mirror-by-digest-only"] === true,
    mirrors: mirrors.map((mirror) => mirrorOf(path, mirror)),
  };
}

function mirrorOf(path: string, value: TomlValue): RegistryMirror {
  const location = isTable(value) ? textAt(path, value, "location") : undefined;
  if (!isTable(value) || location === undefined) throw malformed(path, "a mirror has no location");
  const pullFrom = textAt(path, value, "pull-from-mirror");
  return { location, insecure: value["insecure"] === true, ...(pullFrom === undefined ? {} : { pullFrom }) };
}

function textAt(path: string, table: TomlTable, key: string): string | undefined {
  const value = table[key];
  if (value !== undefined && typeof value !== "string") throw malformed(path, `${key} is no text`);
  return value?.replace(/\/+$/, "");
}

function malformed(path: string, reason: string): RefusalError {
  return new RefusalError(path, reason, REPAIR);
}
