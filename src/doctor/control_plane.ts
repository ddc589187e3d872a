import { formatHostPort } from "../config/addresses.ts";
import type { DfdaemonConfig } from "../config/dfdaemon.ts";
import { loadConfig } from "../config/load.ts";
import { PeerDynconfig } from "../config/peer_dynconfig.ts";
import { DamselflyError, errorText } from "../core/error.ts";
import { type HostIdentity, hostIdOf } from "../core/host_id.ts";
import { parseScope, rankClusters, type ScopeInput } from "../core/scope.ts";
import { scopeMatchOf, scopeReason } from "../core/scope_match.ts";
import { VERSION } from "../core/version.ts";
import { checkHealth, createRpcClient } from "../rpc/client.ts";
import { ManagerService, type Scheduler, type SchedulerCluster, SourceType } from "../rpc/gen/manager/v2/manager.ts";
import { SchedulerService } from "../rpc/gen/scheduler/v2/scheduler.ts";
import type { TlsFiles } from "../runtime/tls_files.ts";
import { type DoctorRuntime, within } from "./ask.ts";

const MANAGER_TIMEOUT_MS = 5_000;
const HEALTH_TIMEOUT_MS = 3_000;
/** A scheduler lists 10,000 hosts in about a second. */
const HOSTS_TIMEOUT_MS = 10_000;
const LOOKUP_TIMEOUT_MS = 5_000;
/** More schedulers, or seed peers, are not asked. */
const ASKED_MAX = 16;

/** Something that was asked whether it serves. */
export interface AskedServer {
  readonly address: string;
  /** Why it cannot be used; undefined when it serves. */
  readonly problem?: string;
}

/** A scheduler of this host. */
export interface AskedScheduler extends AskedServer {
  /** Whether it knows this host; undefined when it was not asked, or did not say. */
  readonly knowsHost?: boolean;
}

/** How the manager answered. */
export type ManagerFacts =
  /** `manager.addr` is not set. `schedulers` are those of the local dynconfig file, or `problem` is what is wrong with it. */
  | { readonly kind: "none"; readonly path: string; readonly problem?: string }
  | { readonly kind: "name"; readonly address: string; readonly problem: string }
  | { readonly kind: "tls"; readonly address: string; readonly problem: string }
  | { readonly kind: "unreachable"; readonly address: string; readonly problem: string }
  /** `host.schedulerClusterID` names a cluster that the manager does not have. */
  | { readonly kind: "no cluster"; readonly address: string; readonly clusterId: number }
  | { readonly kind: "answers"; readonly address: string };

/** What is known of manager, cluster, schedulers and seed peers. */
export interface ControlPlaneFacts {
  readonly manager: ManagerFacts;
  /** The cluster of this host, and why it is this one. */
  readonly cluster:
    | { readonly name: string; readonly id: number; readonly why: string; readonly isByScope: boolean }
    | undefined;
  readonly schedulers: readonly AskedScheduler[];
  /** Undefined where nobody told, which is without a manager. */
  readonly seedPeers: readonly AskedServer[] | undefined;
  /** This host is a seed peer itself. */
  readonly isSeed: boolean;
}

/** What connections of gRPC are protected with; undefined where the configuration has no TLS. */
export interface ControlTls {
  readonly manager: TlsFiles | undefined;
  readonly scheduler: TlsFiles | undefined;
  readonly peers: TlsFiles | undefined;
}

/** What is asked for. */
export interface ControlTarget {
  readonly config: DfdaemonConfig;
  readonly identity: HostIdentity;
  readonly tls: ControlTls;
  /** The local dynconfig file, where it is not where it usually is. */
  readonly dynconfig: string | undefined;
}

type Looker = { readonly runtime: DoctorRuntime; readonly signal: AbortSignal };

/** Asks the manager as dfdaemon does, and then those whom it names. */
export async function lookAtControlPlane(
  target: ControlTarget,
  runtime: DoctorRuntime,
  signal: AbortSignal,
): Promise<ControlPlaneFacts> {
  const { config, identity, tls } = target;
  const looker = { runtime, signal };
  const { manager, listed, local } = await findSchedulers(target, looker);
  const [first] = listed;
  const own = listed.filter(({ schedulerClusterId }) => schedulerClusterId === first?.schedulerClusterId);
  const addresses = [...own.map(({ ip, port }) => formatHostPort({ hostname: ip, port })), ...local];
  const schedulers = await Promise.all(
    addresses.slice(0, ASKED_MAX).map((address) => {
      return askScheduler(address, hostIdOf(identity), tls.scheduler, looker);
    }),
  );
  const live = first?.seedPeers.filter(({ state }) => state === "active") ?? [];
  const seedPeers = await Promise.all(
    live.slice(0, ASKED_MAX).map(({ ip, port }) => {
      return askServer(formatHostPort({ hostname: ip, port }), tls.peers, looker);
    }),
  );
  return {
    manager,
    cluster: first?.schedulerCluster === undefined
      ? undefined
      : clusterOf(first.schedulerCluster, listed, config, identity),
    schedulers,
    seedPeers: first === undefined ? undefined : seedPeers,
    isSeed: identity.isSeed,
  };
}

interface FoundSchedulers {
  readonly manager: ManagerFacts;
  readonly listed: readonly Scheduler[];
  /** Addresses of the local dynconfig file. */
  readonly local: readonly string[];
}

async function findSchedulers(target: ControlTarget, looker: Looker): Promise<FoundSchedulers> {
  const { config: { manager, host }, identity, tls } = target;
  if (manager.addr === undefined) return await readDynconfig(target.dynconfig, looker.runtime);
  const { runtime: { net, clock }, signal } = looker;
  const address = formatHostPort(manager.addr);
  const none = { listed: [], local: [] };
  const { hostname } = manager.addr;
  const resolved = await within(LOOKUP_TIMEOUT_MS, clock, signal, () => net.resolve(hostname));
  if ("problem" in resolved) return { manager: { kind: "name", address, problem: resolved.problem }, ...none };
  const clusterId = host.schedulerClusterID ?? 0;
  const asked = await within(MANAGER_TIMEOUT_MS, clock, signal, async (either) => {
    using client = createRpcClient(ManagerService, address, { clock, tls: tls.manager });
    return await client.listSchedulers({
      sourceType: identity.isSeed ? SourceType.SEED_PEER_SOURCE : SourceType.PEER_SOURCE,
      ...{ hostname: identity.hostname, ip: identity.ip, idc: host.idc, location: host.location },
      ...{ version: VERSION, commit: "", schedulerClusterId: clusterId },
    }, { signal: either, timeoutMs: MANAGER_TIMEOUT_MS });
  });
  if (!("problem" in asked)) return { manager: { kind: "answers", address }, listed: asked.schedulers, local: [] };
  const { problem, error } = asked;
  const code = error instanceof DamselflyError ? error.code : undefined;
  if (code === "not_found" && clusterId !== 0) return { manager: { kind: "no cluster", address, clusterId }, ...none };
  const isTls = /certificate|handshake|TLS|SSL|wrong version number|secure/i.test(problem);
  return { manager: { kind: isTls ? "tls" : "unreachable", address, problem }, ...none };
}

async function readDynconfig(given: string | undefined, runtime: DoctorRuntime): Promise<FoundSchedulers> {
  const path = given ?? "/etc/dragonfly/dynconfig.yaml";
  try {
    const { config } = await loadConfig(PeerDynconfig, given === undefined ? {} : { path: given }, runtime);
    const { addr, addrs } = config.scheduler;
    const local = (addrs.length > 0 ? addrs : addr === undefined ? [] : [addr]).map(formatHostPort);
    return { manager: { kind: "none", path }, listed: [], local };
  } catch (error) {
    return { manager: { kind: "none", path, problem: errorText(error) }, listed: [], local: [] };
  }
}

function clusterOf(
  best: SchedulerCluster,
  listed: readonly Scheduler[],
  { host }: DfdaemonConfig,
  identity: HostIdentity,
): ControlPlaneFacts["cluster"] {
  const { id, name } = best;
  if (host.schedulerClusterID !== undefined) {
    return { id, name, why: `host.schedulerClusterID is ${host.schedulerClusterID}`, isByScope: true };
  }
  const place = { ip: identity.ip, hostname: identity.hostname, idc: host.idc ?? "", location: host.location ?? "" };
  const clusters = new Map(listed.flatMap(({ schedulerCluster: it }) => it === undefined ? [] : [[it.id, it]]));
  const ranked = rankClusters(
    [...clusters.values()].map((cluster) => {
      const written = scopesOf(cluster);
      return { ...{ id: cluster.id, name: cluster.name, written }, scope: parseScope(written), isDefault: false };
    }),
    place,
  );
  const own = ranked.find(({ cluster }) => cluster.id === id);
  if (own === undefined) return { id, name, why: "the manager chose it", isByScope: false };
  const match = scopeMatchOf({ ...own.cluster, isDefault: undefined }, own.rank, place);
  const isByScope = match.cidr !== null || match.hostname !== null || match.isInIdc || match.locationElements > 0;
  return { id, name, why: scopeReason(match), isByScope };
}

/** The scopes of a cluster as the manager passes them on; what is no scope counts as none. */
function scopesOf({ scopes }: SchedulerCluster): ScopeInput {
  try {
    const { idc, location, cidrs, hostnames } = JSON.parse(new TextDecoder().decode(scopes)) as Record<string, unknown>;
    const written = {
      idc: typeof idc === "string" ? idc : undefined,
      location: typeof location === "string" ? location : undefined,
      cidrs: texts(cidrs),
      hostnames: texts(hostnames),
    };
    parseScope(written);
    return written;
  } catch {
    return {};
  }
}

function texts(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === "string") : [];
}

async function askServer(
  address: string,
  tls: TlsFiles | undefined,
  { runtime: { clock }, signal }: Looker,
): Promise<AskedServer> {
  const asked = await within(HEALTH_TIMEOUT_MS, clock, signal, async (either) => {
    return { isServing: await checkHealth(address, { clock, signal: either, timeoutMs: HEALTH_TIMEOUT_MS, tls }) };
  });
  if ("problem" in asked) return { address, problem: asked.problem };
  return asked.isServing ? { address } : { address, problem: "it says that it does not serve" };
}

async function askScheduler(
  address: string,
  hostId: string,
  tls: TlsFiles | undefined,
  looker: Looker,
): Promise<AskedScheduler> {
  const asked = await askServer(address, tls, looker);
  if (asked.problem !== undefined) return asked;
  const { runtime: { clock }, signal } = looker;
  const known = await within(HOSTS_TIMEOUT_MS, clock, signal, async (either) => {
    using client = createRpcClient(SchedulerService, address, { clock, tls });
    const { hosts } = await client.listHosts({}, { signal: either, timeoutMs: HOSTS_TIMEOUT_MS });
    return { knowsHost: hosts.some(({ id }) => id === hostId) };
  });
  return "problem" in known ? asked : { ...asked, knowsHost: known.knowsHost };
}
