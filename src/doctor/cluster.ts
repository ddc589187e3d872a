import type { DfdaemonConfig } from "../config/dfdaemon.ts";
import type { HostIdentity } from "../core/host_id.ts";
import { parseScope, rankClusters, type ScopeInput } from "../core/scope.ts";
import { scopeMatchOf, scopeReason } from "../core/scope_match.ts";
import type { Scheduler, SchedulerCluster } from "../rpc/gen/manager/v2/manager.ts";

/** The cluster of this host, and why it is this one. */
export interface ClusterPlace {
  readonly id: number;
  readonly name: string;
  readonly why: string;
  readonly isByScope: boolean;
  /** Clusters that fit this host better, of which no scheduler serves. */
  readonly better: readonly string[];
}

/** Why this host is in cluster `own`, one of those whose schedulers the manager has `listed`, the best first. */
export function explainCluster(
  own: SchedulerCluster,
  listed: readonly Scheduler[],
  host: Pick<DfdaemonConfig["host"], "idc" | "location" | "schedulerClusterID">,
  identity: HostIdentity,
): ClusterPlace {
  const { id, name } = own;
  const clusters = new Map(listed.flatMap(({ schedulerCluster: it }) => it === undefined ? [] : [[it.id, it]]));
  const better = [...clusters.values()].slice(0, [...clusters.keys()].indexOf(id)).map((cluster) => cluster.name);
  const place = { id, name, better };
  if (host.schedulerClusterID !== undefined) {
    return { ...place, why: `host.schedulerClusterID is ${host.schedulerClusterID}`, isByScope: true };
  }
  const written = scopesOf(own);
  const scope = parseScope(written);
  const at = { ip: identity.ip, hostname: identity.hostname, idc: host.idc ?? "", location: host.location ?? "" };
  const rank = rankClusters([{ scope, isDefault: false }], at)[0]?.rank ?? [0, 0, 0, 0];
  const match = scopeMatchOf({ name, written, scope, isDefault: undefined }, rank, at);
  const isByScope = match.cidr !== null || match.hostname !== null || match.isInIdc || match.locationElements > 0;
  return { ...place, why: scopeReason(match), isByScope };
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
