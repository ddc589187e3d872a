import { join } from "node:path/posix";
import type { HostFiles } from "../host_files.ts";
import { withBlock } from "../marked_block.ts";
import { type Bypass, type Plan, planning, RefusalError, refusing } from "../plan.ts";
import { parseToml, tomlString } from "../toml_edit.ts";
import { mirrorLocation } from "./mirror_location.ts";
import type { Route } from "./route.ts";
import {
  covers,
  dropInFolder,
  entryFor,
  readRegistriesConf,
  type RegistriesConf,
  type RegistryEntry,
  type RegistryMirror,
} from "./registries_conf.ts";

/** Late in the alphabet: of two entries with the same prefix the later one counts. */
const DROP_IN_NAME = "99-damselfly.conf";

/** What dfinit.yaml says of a runtime that reads `registries.conf`. */
export interface RegistriesConfig {
  readonly configPath: string;
  readonly unqualifiedSearchRegistries?: readonly string[] | undefined;
  readonly registries: readonly { readonly prefix: string; readonly location: string }[];
}

/** What is planned for one registry. */
interface EntryPlan {
  /** Empty when it is left as it is. */
  readonly lines: readonly string[];
  readonly warnings: readonly string[];
}

/** Where dfinit writes for the runtime that reads `configPath`. */
export function dropInPath(configPath: string): string {
  return join(dropInFolder(configPath), DROP_IN_NAME);
}

/**
 * Plans the one drop-in that makes CRI-O or Podman ask the peer at `mirror` first. The files that are there stay as
 * they are: an entry of ours takes the place of theirs with the same prefix, so it repeats what theirs says. `where` is
 * the key of dfinit.yaml that holds the list of registries.
 */
export function planRegistriesConf(
  config: RegistriesConfig,
  { mirror, where }: { readonly mirror: string; readonly where: string },
  files: HostFiles,
): Promise<Plan> {
  return planning(async () => {
    const path = dropInPath(config.configPath);
    const present = await readRegistriesConf(config.configPath, path, files);
    const before = await files.read(path);
    const planned = config.registries.map((registry) => planEntry(registry, mirror, present, where));
    refuseTwice(config, where);
    const search = config.unqualifiedSearchRegistries;
    const lines = [
      ...(search === undefined ? [] : [`unqualified-search-registries = ${tomlArray(search)}`, ""]),
      ...planned.flatMap(({ lines }) => lines),
    ];
    const after = lines.length === 0 ? before : refusing(path, "Remove the file, and run dfinit again", () => {
      const text = withBlock(before ?? "", [ABOUT, "", ...lines]);
      parseToml(text);
      return text;
    });
    const served = config.registries.filter((_, i) => planned[i]?.lines.length !== 0).map(({ prefix }) => prefix);
    const why = `pulls from ${served.join(", ")} go to ${mirror} first`;
    const isSame = after === undefined || before === after;
    return {
      changes: isSame ? [] : [{ path, before, after, why }],
      unchanged: [...present.paths, ...(isSame && after !== undefined ? [path] : [])],
      refusals: [],
      warnings: planned.flatMap(({ warnings }) => warnings),
      bypassed: bypassedEntries(config, present, where),
    };
  });
}

/** Whom the runtime that reads `configPath` asks for images of `registries`, and of those that its files name. */
export async function registriesConfRoutes(
  configPath: string,
  registries: readonly string[],
  files: HostFiles,
): Promise<Route[]> {
  const { entries } = await readRegistriesConf(configPath, undefined, files);
  const named = [...entries.keys()].filter((prefix) => !prefix.startsWith("*"));
  return [...new Set([...registries, ...named])].map((registry) => {
    const entry = entryFor(registry, entries);
    const hosts = entry?.mirrors.map(({ location, insecure }) => `${insecure ? "http" : "https"}://${location}`) ?? [];
    return { registry, path: entry?.path ?? configPath, hosts };
  });
}

const ABOUT = "# Written by dfinit, which replaces these lines; what stood in other files is repeated here.";

function planEntry(
  { prefix, location }: RegistriesConfig["registries"][number],
  mirror: string,
  { entries }: RegistriesConf,
  where: string,
): EntryPlan {
  const peer = { location: mirrorLocation(mirror, location, where), insecure: mirror.startsWith("http:") };
  if (/^\*|[\s"']/.test(prefix) || prefix.includes("://")) {
    const todo = "Write a registry with its path if any, such as quay.io or reg.corp:5000/team";
    throw new RefusalError(where, `"${prefix}" is no prefix that a mirror can be found for`, todo);
  }
  const theirs = entryFor(prefix, entries);
  const isSame = theirs?.prefix === prefix;
  if (isSame && theirs.location !== location) {
    const reason = `${prefix} is at ${theirs.location} there, and at ${location} in the configuration of dfinit`;
    throw new RefusalError(theirs.path, reason, `Make ${where} and this file agree`);
  }
  if (theirs?.blocked === true) {
    return { lines: [], warnings: [`${theirs.path}: ${theirs.prefix} is blocked there, and stays so`] };
  }
  const peerHost = new URL(mirror).host;
  const kept = isSame ? theirs.mirrors.filter(({ location }) => location.split("/", 1)[0] !== peerHost) : [];
  const lines = [
    "[[registry]]",
    `prefix = ${tomlString(prefix)}`,
    `location = ${tomlString(location)}`,
    ...(theirs?.insecure === true ? ["insecure = true"] : []),
    ...(isSame && theirs.digestOnly ? ["mirror-by-digest-only = true"] : []),
    ...[peer, ...kept].flatMap(mirrorLines),
    "",
  ];
  return {
    lines,
    warnings: theirs === undefined ? [] : entryWarnings(theirs, { prefix, kept: kept.length, peerHost }),
  };
}

function mirrorLines({ location, insecure, pullFrom }: RegistryMirror): string[] {
  return [
    "",
    "[[registry.mirror]]",
    `location = ${tomlString(location)}`,
    ...(insecure ? ["insecure = true"] : []),
    ...(pullFrom === undefined ? [] : [`pull-from-mirror = ${tomlString(pullFrom)}`]),
  ];
}

function entryWarnings(
  theirs: RegistryEntry,
  { prefix, kept, peerHost }: { readonly prefix: string; readonly kept: number; readonly peerHost: string },
): string[] {
  const isSame = theirs.prefix === prefix;
  const warnings: string[] = [];
  if (theirs.insecure) {
    warnings.push(
      `${theirs.path}: ${theirs.prefix} is insecure there. The peer asks https://${theirs.location} unless ` +
        "proxy.registryMirror.upstreams of dfdaemon.yaml says otherwise",
    );
  }
  if (isSame && theirs.digestOnly) {
    warnings.push(`${theirs.path}: ${prefix} has mirror-by-digest-only, so its tags are resolved without the peer`);
  }
  if (isSame && kept < theirs.mirrors.length) {
    warnings.push(
      `${theirs.path}: a mirror of ${prefix} is the peer at ${peerHost} without a registry, which it would take for ` +
        "its default one; that mirror is not asked any more",
    );
  }
  if (!isSame && theirs.mirrors.length > 0) {
    warnings.push(`${theirs.path}: ${prefix} is taken out of ${theirs.prefix}, whose mirrors are not asked for it`);
  }
  return warnings;
}

/** Entries that the runtime takes instead of ours, because they are read later or are closer to the image's name. */
function bypassedEntries(config: RegistriesConfig, { entries, later }: RegistriesConf, where: string): Bypass[] {
  const listed = config.registries.map(({ prefix }) => prefix);
  if (listed.length === 0) {
    const reason = `${where} lists no registry`;
    return [{ registry: "*", reason, todo: "List those that shall be pulled from through the peer" }];
  }
  return [...entries.values()].filter(({ blocked }) => !blocked).flatMap(({ prefix, path }) => {
    if (later.has(prefix) && listed.includes(prefix)) {
      const reason = `${path}: it is read after ${DROP_IN_NAME} and has ${prefix} too`;
      return [{ registry: prefix, reason, todo: "Give that file a name that comes earlier in the alphabet" }];
    }
    if (listed.includes(prefix)) return [];
    const outer = listed.find((name) => covers(name, prefix));
    const reason = `${path}: it has an entry for ${prefix}${
      outer === undefined ? "" : `, which is closer than ${outer}`
    }`;
    return [{ registry: prefix, reason, todo: `List it in ${where} to change that` }];
  });
}

function refuseTwice({ registries }: RegistriesConfig, where: string): void {
  const seen = new Set<string>();
  for (const { prefix } of registries) {
    if (seen.has(prefix)) throw new RefusalError(where, `${prefix} is listed twice`, "Keep one of the entries");
    seen.add(prefix);
  }
}

function tomlArray(values: readonly string[]): string {
  return `[${values.map(tomlString).join(", ")}]`;
}
