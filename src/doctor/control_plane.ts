import { formatHostPort } from "../config/addresses.ts";
import type { DfdaemonConfig } from "../config/dfdaemon.ts";
import { loadConfig } from "../config/load.ts";
import { PeerDynconfig } from "../config/peer_dynconfig.ts";
import { DamselflyError, errorText } from "../core/error.ts";
import { type HostIdentity, hostIdOf } from "../core/host_id.ts";
import { VERSION } from "../core/version.ts";
import { checkHealth, createRpcClient } from "../rpc/client.ts";
import { ManagerService, type Scheduler, SourceType } from "../rpc/gen/manager/v2/manager.ts";
import { SchedulerService } from "../rpc/gen/scheduler/v2/scheduler.ts";
import type { TlsFiles } from "../runtime/tls_files.ts";
import { type DoctorRuntime, within } from "./ask.ts";
import { type ClusterPlace, explainCluster } from "./cluster.ts";

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
  /** `manager.addr` is not set, and the local dynconfig file counts; `problem` is what is wrong with that. */
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
  readonly cluster: ClusterPlace | undefined;
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
  const known = await askSchedulers([...listed.map(knownOf), ...local], tls.scheduler, looker);
  const chosen = clusterChosen(known);
  const own = known.filter(({ clusterId }) => clusterId === chosen);
  const schedulers = await Promise.all(own.map((scheduler) => {
    return withAcquaintance(scheduler, hostIdOf(identity), tls.scheduler, looker);
  }));
  const first = listed.find(({ schedulerClusterId }) => schedulerClusterId === chosen);
  const live = first?.seedPeers.filter(({ state }) => state === "active") ?? [];
  const seedPeers = await Promise.all(
    live.slice(0, ASKED_MAX).map(({ ip, port }) => {
      return askServer(formatHostPort({ hostname: ip, port }), tls.peers, looker);
    }),
  );
  return {
    manager,
    cluster: first?.schedulerCluster && explainCluster(first.schedulerCluster, listed, config.host, identity),
    schedulers,
    seedPeers: first === undefined ? undefined : seedPeers,
    isSeed: identity.isSeed,
  };
}

/** A scheduler that was named, and of which cluster it is; 0 where nobody told. */
type Known = AskedServer & { readonly clusterId: number };

function knownOf({ ip, port, schedulerClusterId }: Scheduler): Known {
  return { address: formatHostPort({ hostname: ip, port }), clusterId: schedulerClusterId };
}

async function askSchedulers(known: readonly Known[], tls: TlsFiles | undefined, looker: Looker): Promise<Known[]> {
  return await Promise.all(
    known.slice(0, ASKED_MAX).map(async ({ address, clusterId }) => {
      return { ...await askServer(address, tls, looker), clusterId };
    }),
  );
}

/** As dfdaemon chooses: the cluster of the first scheduler that serves; where none does, that of the first. */
function clusterChosen(known: readonly Known[]): number | undefined {
  return (known.find(({ problem }) => problem === undefined) ?? known[0])?.clusterId;
}

interface FoundSchedulers {
  readonly manager: ManagerFacts;
  readonly listed: readonly Scheduler[];
  /** Those of the local dynconfig file. */
  readonly local: readonly Known[];
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
    const named = addrs.length > 0 ? addrs : addr === undefined ? [] : [addr];
    const local = named.map((place) => ({ address: formatHostPort(place), clusterId: 0 }));
    return { manager: { kind: "none", path }, listed: [], local };
  } catch (error) {
    return { manager: { kind: "none", path, problem: errorText(error) }, listed: [], local: [] };
  }
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

/** Whether a scheduler that serves knows this host. */
async function withAcquaintance(
  { address, problem }: AskedServer,
  hostId: string,
  tls: TlsFiles | undefined,
  looker: Looker,
): Promise<AskedScheduler> {
  if (problem !== undefined) return { address, problem };
  const { runtime: { clock }, signal } = looker;
  const known = await within(HOSTS_TIMEOUT_MS, clock, signal, async (either) => {
    using client = createRpcClient(SchedulerService, address, { clock, tls });
    const { hosts } = await client.listHosts({}, { signal: either, timeoutMs: HOSTS_TIMEOUT_MS });
    return { knowsHost: hosts.some(({ id }) => id === hostId) };
  });
  return "problem" in known ? { address } : { address, knowsHost: known.knowsHost };
}
