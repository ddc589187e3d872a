import type * as z from "zod";
import { DfdaemonConfig } from "../config/dfdaemon.ts";
import { DfinitConfig } from "../config/dfinit.ts";
import { type ConfigRuntime, fileMetaOf, loadConfig } from "../config/load.ts";
import { DamselflyError } from "../core/error.ts";
import { REQUEST_HEADERS } from "../http/dragonfly_headers.ts";
import { chooseUpstream, isAllowed, type UpstreamOptions } from "../peer/mirror/upstream.ts";
import { ruleFor } from "../peer/mirror/swarm_rule.ts";
import type { Disk } from "../runtime/disk.ts";
import { found, type Outcome, well } from "./finding.ts";

/** A configuration file as the component would read it. */
export interface ConfigFacts<T> {
  readonly path: string;
  readonly isThere: boolean;
  /** Undefined when it cannot be used. */
  readonly config: T | undefined;
  readonly warnings: readonly string[];
  /** Why it cannot be used. */
  readonly problem?: string;
}

/** Where the configurations of this node are, where they are not where they usually are. */
export interface ConfigPaths {
  readonly config?: string | undefined;
  readonly dfinit?: string | undefined;
}

/** The configurations of this node. */
export interface NodeConfig {
  readonly dfdaemon: ConfigFacts<DfdaemonConfig>;
  readonly dfinit: ConfigFacts<DfinitConfig>;
}

type Sources = ConfigRuntime & { readonly disk: Pick<Disk, "readText" | "stat"> };

/** Reads both configurations. */
export async function readNodeConfig(paths: ConfigPaths, sources: Sources): Promise<NodeConfig> {
  return {
    dfdaemon: await read(DfdaemonConfig, paths.config, sources),
    dfinit: await read(DfinitConfig, paths.dfinit, sources),
  };
}

async function read<S extends z.ZodObject>(
  schema: S,
  given: string | undefined,
  sources: Sources,
): Promise<ConfigFacts<z.output<S>>> {
  const { file, fileEnv } = fileMetaOf(schema);
  const path = given ?? (fileEnv === undefined ? undefined : sources.env(fileEnv)) ?? file;
  const isThere = await sources.disk.stat(path) !== undefined;
  try {
    const { config, warnings } = await loadConfig(schema, given === undefined ? {} : { path: given }, sources);
    return { path, isThere, config, warnings };
  } catch (error) {
    if (!(error instanceof DamselflyError)) throw error;
    return { path, isThere, config: undefined, warnings: [], problem: error.message };
  }
}

/** Of any blob: what a rule has to match for images to go through the swarm. */
const SOME_BLOB = `/v2/library/alpine/blobs/sha256:${"0".repeat(64)}`;

/** What is wrong with the configurations themselves. */
export function judgeNodeConfig({ dfdaemon, dfinit }: NodeConfig): Outcome[] {
  const { path, isThere, config } = dfdaemon;
  const outcomes = [...judgeFile(dfdaemon, "dfdaemon"), ...judgeFile(dfinit, "dfinit")];
  if (config === undefined) return outcomes;
  const { rules, registryMirror } = config.proxy;
  if (ruleFor(`${new URL(registryMirror.addr).origin}${SOME_BLOB}`, rules) === undefined) {
    outcomes.push(found(
      "doctor.config.no_rule",
      path,
      "no rule of proxy.rules matches the URL of a blob, so that images pass straight through",
      'give proxy.rules a row with regex: "blobs/sha256.*", or leave proxy.rules out',
    ));
  }
  if (dfinit.config !== undefined) outcomes.push(...judgeAllowed(path, config, dfinit.config));
  if (isThere && outcomes.every(({ subject, level }) => subject !== path || level === "info")) {
    outcomes.unshift(well("doctor.config", path, "is valid"));
  }
  return outcomes;
}

/** A registry that dfinit was told of is one that the mirror will be asked for. */
function judgeAllowed(path: string, { proxy }: DfdaemonConfig, { containerRuntime }: DfinitConfig): Outcome[] {
  const { addr: defaultAddr, upstreams } = proxy.registryMirror;
  const options = { defaultAddr, upstreams, allowed: proxy.allowedRegistries };
  const { containerd, crio, podman, docker } = containerRuntime ?? {};
  const locations = [...crio?.registries ?? [], ...podman?.registries ?? []].map(({ location }) => hostIn(location));
  const asked = [
    ...(containerd?.registries ?? []).map(({ serverAddr }) => ({ header: serverAddr, ns: "" })),
    ...[...locations, ...docker?.registries ?? []].map((ns) => ({ header: undefined, ns })),
  ];
  const left = asked.flatMap((names) => registryOf(names, options) ?? [])
    .filter((registry) => !isAllowed(registry, options))
    .map(({ protocol, host, origin }) => protocol === "https:" ? host : origin);
  return [...new Set(left)].map((name) => {
    const what = `proxy.allowedRegistries leaves out ${name}, which dfinit was told of: its pulls go past the peer`;
    return found("doctor.config.not_allowed", path, what, `add ${name} to proxy.allowedRegistries`);
  });
}

/** The registry that the mirror takes a request for, by its header or else by `ns`; undefined when it would refuse it. */
function registryOf(
  { header, ns }: { readonly header: string | undefined; readonly ns: string },
  options: UpstreamOptions,
): URL | undefined {
  const url = new URL(`http://mirror/v2/?ns=${encodeURIComponent(ns)}`);
  const headers = new Headers(header === undefined ? {} : { [REQUEST_HEADERS.registry]: header });
  try {
    return chooseUpstream({ url, headers }, options).registry;
  } catch (error) {
    if (!(error instanceof DamselflyError)) throw error;
    return undefined;
  }
}

/** The registry of a location, which may have a path. */
export function hostIn(location: string): string {
  return location.split("/", 1)[0] ?? location;
}

function judgeFile({ path, isThere, warnings, problem }: ConfigFacts<unknown>, name: string): Outcome[] {
  if (problem !== undefined) {
    const mend = `correct what is named there: ${name} does not start with it`;
    return [found("doctor.config.invalid", path, problem, mend)];
  }
  if (!isThere) {
    const instead = name === "dfinit" ? "the runtimes that are on this node are looked at" : "defaults are used";
    return [found("doctor.config.missing", path, `there is no such file; ${instead}`)];
  }
  return warnings.map((warning) => found("doctor.config.ignored", path, warning));
}
