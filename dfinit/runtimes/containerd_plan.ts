import { join } from "node:path/posix";
import type { DfinitConfig } from "../../src/config/dfinit.ts";
import type { HostFiles } from "../host_files.ts";
import { type Change, type Plan, planning, type Refusal, RefusalError, refusing } from "../plan.ts";
import { DEFAULT_CONFIG_PATH, IMPLICIT_CONFIG_PATH, planConfig, registrySettings } from "./containerd.ts";
import {
  canonicalServer,
  editHosts,
  type FoundCertificates,
  hasForeignHosts,
  hasRelativePaths,
  type WantedHosts,
} from "./containerd_hosts.ts";
import { readConfigFiles } from "./containerd_imports.ts";
import type { LegacyMirror } from "./containerd_mirrors.ts";
import { bypassedRegistries } from "./containerd_bypass.ts";
import { DEFAULT_NAMESPACE, type HostsRoot, placeFor } from "./containerd_roots.ts";

/** `containerRuntime.containerd` of dfinit.yaml. */
export type ContainerdConfig = NonNullable<NonNullable<DfinitConfig["containerRuntime"]>["containerd"]>;

/** What is planned for one registry's `hosts.toml`. */
interface HostsPlan {
  readonly path: string;
  readonly change?: Change;
  readonly warnings: readonly string[];
}

/** What a registry's directory holds before dfinit. */
interface Present {
  readonly path: string;
  readonly text: string | undefined;
  readonly files: readonly string[];
  /** The text of `_default/hosts.toml` in force, which a directory of its own would hide. */
  readonly fallback: string | undefined;
}

const REPAIR_HOSTS = "Repair or remove the file, and run dfinit again";

/** What a run of dfinit says beyond the configuration. */
export interface ContainerdOptions {
  /** The URL of the peer's mirror. */
  readonly mirror: string;
  /** Write containerd's configuration when there is none. */
  readonly mayCreateConfig: boolean;
}

/** Plans a node with containerd: its configuration, and a `hosts.toml` per registry. Reads, and writes nothing. */
export function planContainerd(
  config: ContainerdConfig,
  { mirror, mayCreateConfig }: ContainerdOptions,
  files: HostFiles,
): Promise<Plan> {
  return planning(async () => {
    const configFiles = await readConfigFiles(config.configPath, files, mayCreateConfig);
    const settings = registrySettings(configFiles);
    const plan = planConfig(settings, await readRoots(settings.roots, files));
    const wanted = wantedHosts(config, mirror, plan.mirrors);
    const hosts = await planHosts(wanted, plan.roots, mirror, files);
    const changed = new Set([...plan.changes, ...hosts.changes].map(({ path }) => path));
    const unchanged = [...configFiles.map(({ path }) => path), ...hosts.unchanged];
    const listed = new Set(config.registries.map(({ hostNamespace }) => hostNamespace));
    return {
      // First the files that containerd will look for, then the line that makes it look.
      changes: [...hosts.changes, ...plan.changes],
      unchanged: unchanged.filter((path) => !changed.has(path)),
      refusals: hosts.refusals,
      warnings: [
        ...plan.warnings,
        ...(settings.roots.length > 0 ? [] : implicitWarnings(await readRoot(IMPLICIT_CONFIG_PATH, files))),
        ...hosts.warnings,
        ...tlsWarnings(config),
        ...(config.proxyAllRegistries ? mirrorWarnings(listed, plan.mirrors) : []),
      ],
      bypassed: config.proxyAllRegistries ? await bypassedRegistries(wanted, plan.roots, mirror, files) : [],
    };
  });
}

/** The directories of `hosts.toml` files as they are on the disk; without one in the settings, the usual one. */
export function readRoots(paths: readonly string[], files: HostFiles): Promise<HostsRoot[]> {
  return Promise.all((paths.length > 0 ? paths : [DEFAULT_CONFIG_PATH]).map((path) => readRoot(path, files)));
}

async function readRoot(path: string, files: HostFiles): Promise<HostsRoot> {
  const namespaces = new Map<string, readonly string[]>();
  for (const name of await files.list(path) ?? []) {
    const inside = await files.list(join(path, name));
    if (inside !== undefined) namespaces.set(name, inside);
  }
  return { path, namespaces };
}

/** One entry per registry of the configuration, `_default`, and the mirrors that containerd had in its own file. */
function wantedHosts(
  config: ContainerdConfig,
  mirror: string,
  legacy: readonly LegacyMirror[],
): Map<string, WantedHosts> {
  const wanted = new Map<string, WantedHosts>();
  for (const { hostNamespace, serverAddr, capabilities, skipVerify, ca } of config.registries) {
    if (wanted.has(hostNamespace)) throw twice(hostNamespace);
    wanted.set(hostNamespace, { mirror, capabilities, registry: canonicalServer(serverAddr), skipVerify, ca });
  }
  const others: WantedHosts = {
    mirror: config.proxyAllRegistries ? mirror : undefined,
    capabilities: ["pull", "resolve"],
  };
  if (config.proxyAllRegistries && !wanted.has(DEFAULT_NAMESPACE)) wanted.set(DEFAULT_NAMESPACE, others);
  for (const { namespace, endpoints } of legacy) {
    if (endpoints.length === 0) continue;
    const name = namespace === "*" ? DEFAULT_NAMESPACE : namespace;
    const known = wanted.get(name) ?? others;
    // The registry itself comes last anyway.
    const extraHosts = endpoints.at(-1)?.url === known.registry ? endpoints.slice(0, -1) : endpoints;
    wanted.set(name, { ...known, extraHosts });
  }
  return wanted;
}

async function planHosts(
  wanted: ReadonlyMap<string, WantedHosts>,
  roots: readonly HostsRoot[],
  mirror: string,
  files: HostFiles,
) {
  const changes: Change[] = [];
  const unchanged: string[] = [];
  const refusals: Refusal[] = [];
  const warnings: string[] = [];
  const fallbackPlace = placeFor(DEFAULT_NAMESPACE, roots);
  const fallback = await files.read(join(fallbackPlace.directory, "hosts.toml"));
  for (const [namespace, hosts] of wanted) {
    const place = placeFor(namespace, roots);
    const path = join(place.directory, "hosts.toml");
    try {
      refuseName(path, namespace);
      // reg:5000 and reg_5000_ are one registry.
      if (unchanged.includes(path) || changes.some((change) => change.path === path)) throw twice(namespace);
      await refuseMissingCa(path, hosts, files);
      const present: Present = { path, text: await files.read(path), files: place.files, fallback };
      const plan = planHostsFile(namespace, hosts, present, mirror);
      if (plan.change === undefined) unchanged.push(path);
      // Endpoints of registry.mirrors are only here from now on.
      else changes.push({ ...plan.change, ...(hosts.extraHosts === undefined ? {} : { isLasting: true }) });
      warnings.push(...plan.warnings);
    } catch (error) {
      if (!(error instanceof RefusalError)) throw error;
      refusals.push(error.refusal);
    }
  }
  return { changes, unchanged, refusals, warnings };
}

/** Decides one `hosts.toml`. */
function planHostsFile(namespace: string, hosts: WantedHosts, present: Present, mirror: string): HostsPlan {
  const { path, text, fallback } = present;
  const why = hosts.mirror === undefined
    ? `${namespace} keeps the mirrors of containerd's configuration`
    : namespace === DEFAULT_NAMESPACE
    ? `registries without a directory of their own ask ${mirror} first`
    : `${namespace} asks ${mirror} first${hosts.registry === undefined ? "" : `, then ${hosts.registry}`}`;
  const withFound = { ...hosts, found: certificatesIn(present.files) };
  if (text !== undefined) {
    const after = refusing(path, REPAIR_HOSTS, () => editHosts(text, withFound));
    return { path, ...(after === text ? {} : { change: { path, before: text, after, why } }), warnings: [] };
  }
  const isHiding = namespace !== DEFAULT_NAMESPACE && present.files.length === 0 && fallback !== undefined &&
    refusing(
      path,
      "Repair or remove _default/hosts.toml, and run dfinit again",
      () => hasForeignHosts(fallback, mirror),
    );
  const after = isHiding ? afterFallback(path, fallback, hosts) : editHosts(undefined, withFound);
  const warnings = isHiding
    ? [`${path}: starts as a copy of _default/hosts.toml, which it hides; later changes there do not reach it`]
    : [];
  return { path, change: { path, before: undefined, after, why }, warnings };
}

/** A directory of its own takes the registry away from `_default`, so it starts with what that one says. */
function afterFallback(path: string, fallback: string, hosts: WantedHosts): string {
  if (hasRelativePaths(fallback)) {
    const reason = "it would hide _default/hosts.toml, which names certificates by relative paths";
    throw new RefusalError(path, reason, "Write the paths there from / on, and run dfinit again");
  }
  return refusing(path, REPAIR_HOSTS, () => editHosts(fallback, hosts));
}

function certificatesIn(files: readonly string[]): FoundCertificates {
  const client = files.filter((name) => name.endsWith(".cert")).map((name) => [name, name.replace(/cert$/, "key")]);
  return { ca: files.filter((name) => name.endsWith(".crt")), client };
}

function twice(namespace: string): RefusalError {
  const todo = "Keep one of the entries in the configuration of dfinit";
  return new RefusalError("containerRuntime.containerd.registries", `${namespace} is listed twice`, todo);
}

function refuseName(path: string, namespace: string): void {
  if (/^[A-Za-z0-9._:[\]-]+$/.test(namespace) && !/^\.+$/.test(namespace)) return;
  const reason = `"${namespace}" is no registry host, such as docker.io or reg.corp:5000`;
  throw new RefusalError(path, reason, "Correct hostNamespace in the configuration of dfinit");
}

/** containerd drops a whole `hosts.toml` for one missing file. */
async function refuseMissingCa(path: string, { ca = [] }: WantedHosts, files: HostFiles): Promise<void> {
  for (const file of ca) {
    if (file.startsWith("/") && await files.exists(file)) continue;
    const reason = `the ca file ${file} ${
      file.startsWith("/") ? "does not exist on the node" : "is not an absolute path"
    }`;
    throw new RefusalError(path, reason, "Put it there or remove it from the configuration of dfinit");
  }
}

function implicitWarnings({ path, namespaces }: HostsRoot): string[] {
  if (namespaces.size === 0) return [];
  return [
    `${path}: containerd from 2.2 on read these directories (${[...namespaces.keys()].join(", ")}) as long as ` +
    `config_path was not set. Copy those it needs to ${DEFAULT_CONFIG_PATH}`,
  ];
}

function tlsWarnings({ registries }: ContainerdConfig): string[] {
  return registries.filter(({ skipVerify, ca }) => skipVerify === true || ca !== undefined).map(({ serverAddr }) =>
    `${serverAddr}: skipVerify and ca are set for pulls that go to the registry directly; the peer needs them too, in ` +
    "proxy.registryMirror.upstreams of dfdaemon.yaml"
  );
}

/** `listed` are the registries of dfinit's configuration, which say where the peer finds them. */
function mirrorWarnings(listed: ReadonlySet<string>, mirrors: readonly LegacyMirror[]): string[] {
  const unknown = mirrors.filter(({ namespace, endpoints }) =>
    namespace !== "*" && endpoints.length > 0 && !listed.has(namespace)
  );
  return unknown.map(({ namespace, endpoints }) =>
    `${namespace}: containerd had ${endpoints[0]?.url} for it. The peer asks https://${namespace} unless ` +
    "proxy.registryMirror.upstreams of dfdaemon.yaml says where it is"
  );
}
