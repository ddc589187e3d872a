import type { HostPlace, Scope, ScopeInput, ScopeRank } from "./scope.ts";

const LIVE = "cluster with a live scheduler";

/** In what a cluster's scopes agree with a host. */
export interface ScopeMatch {
  readonly name: string;
  /** The CIDR that holds the IP address. */
  readonly cidr: string | null;
  /** The pattern that fits the host name, as it was written. */
  readonly hostname: string | null;
  readonly isInIdc: boolean;
  /** How many leading elements of the location agree. */
  readonly locationElements: number;
  /** Undefined where that is not known. */
  readonly isDefault: boolean | undefined;
}

/** A cluster with its scopes, parsed and as they were written. */
export interface ScopedCluster {
  readonly name: string;
  readonly written: ScopeInput;
  readonly scope: Scope;
  readonly isDefault: boolean | undefined;
}

/** In what a cluster that {@link rankClusters} has ranked agrees with `host`. */
export function scopeMatchOf(
  { name, written, scope, isDefault }: ScopedCluster,
  [, isInIdc, locationElements]: ScopeRank,
  host: HostPlace,
): ScopeMatch {
  const hostnames = host.hostname === "" ? [] : written.hostnames ?? [];
  return {
    name,
    cidr: scope.cidrs.find((cidr) => cidr.contains(host.ip))?.text ?? null,
    hostname: hostnames.find((_pattern, index) => scope.hostnames[index]?.test(host.hostname)) ?? null,
    isInIdc: isInIdc === 1,
    locationElements,
    isDefault,
  };
}

/** Why a host belongs to the cluster that fits it best of those with a live scheduler; one sentence without its end. */
export function scopeReason(best: ScopeMatch | undefined): string {
  if (best === undefined) return "No cluster has a live scheduler: the host downloads from the source";
  const { name, cidr, hostname, locationElements } = best;
  if (cidr !== null) return `The IP address is in ${cidr} of ${name}, which goes before all else`;
  if (hostname !== null) return `The host name fits ${hostname} of ${name}, which goes before all else`;
  if (best.isInIdc) return `The IDC is one of ${name}, and no ${LIVE} names the IP address or host name`;
  if (locationElements > 0) {
    return `${name} agrees in ${locationElements} elements of the location, and no ${LIVE} in more`;
  }
  if (best.isDefault === undefined) return `No ${LIVE} fits the host, and ${name} is the default one or the first`;
  if (best.isDefault) return `No ${LIVE} fits the host, and ${name} is the default cluster`;
  return `No ${LIVE} fits the host or is the default one, and ${name} is the first`;
}
