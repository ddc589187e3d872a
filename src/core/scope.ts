import { type Cidr, parseCidr } from "./ip.ts";
import { parsePattern, type Pattern } from "./pattern.ts";

/** What a host says of itself when it asks for its cluster. */
export interface HostPlace {
  readonly ip: string;
  readonly hostname: string;
  readonly idc: string;
  readonly location: string;
}

/**
 * The scopes of a cluster as an administrator writes them (wire.md §5.5); lists in `idc` and `location` use `|`, host
 * names are patterns that match anywhere.
 */
export interface ScopeInput {
  readonly idc?: string | undefined;
  readonly location?: string | undefined;
  readonly cidrs?: readonly string[] | undefined;
  readonly hostnames?: readonly string[] | undefined;
}

/** Parsed scopes: what hosts a cluster is for. */
export interface Scope {
  readonly idcs: readonly string[];
  readonly location: readonly string[];
  readonly cidrs: readonly Cidr[];
  readonly hostnames: readonly Pattern[];
}

const LOCATION_ELEMENTS_MAX = 5;

/** Parses scopes where they enter. Throws `invalid_argument` that names the entry. */
export function parseScope(input: ScopeInput): Scope {
  return {
    idcs: elements(input.idc ?? ""),
    location: elements(input.location ?? ""),
    cidrs: (input.cidrs ?? []).map(parseCidr),
    hostnames: (input.hostnames ?? []).map(parsePattern),
  };
}

function elements(text: string): string[] {
  return text.split("|").map((element) => element.trim().toLowerCase()).filter((element) => element !== "");
}

/** How well a scope fits a host, most important first; compared element by element. */
export type ScopeRank = readonly [isNamed: number, isInIdc: number, locationElements: number, isDefault: number];

/** A cluster, as far as ranking needs to know it. */
export interface RankedCluster {
  readonly scope: Scope;
  readonly isDefault: boolean;
}

/**
 * Ranks strictly, as the documentation promises (design, §4): a CIDR or host name match beats everything, then the
 * IDC, then the number of leading location elements, then being the default cluster.
 */
export function scopeRank({ scope, isDefault }: RankedCluster, host: HostPlace): ScopeRank {
  const inCidr = scope.cidrs.some((cidr) => cidr.contains(host.ip));
  const isNamed = host.hostname !== "" && scope.hostnames.some((pattern) => pattern.test(host.hostname));
  const idc = host.idc.trim().toLowerCase();
  return [
    Number(inCidr || isNamed),
    Number(idc !== "" && (scope.idcs.includes(idc) || scope.idcs.join("|") === elements(idc).join("|"))),
    leadingElements(scope.location, elements(host.location)),
    Number(isDefault),
  ];
}

function leadingElements(scope: readonly string[], host: readonly string[]): number {
  const comparable = Math.min(scope.length, host.length, LOCATION_ELEMENTS_MAX);
  let count = 0;
  while (count < comparable && scope[count] === host[count]) count++;
  return count;
}

/** The clusters in the order in which `host` should try them; equals keep their order. */
export function rankClusters<C extends RankedCluster>(clusters: readonly C[], host: HostPlace): C[] {
  return clusters
    .map((cluster) => ({ cluster, rank: scopeRank(cluster, host) }))
    .sort((a, b) => compareRanks(b.rank, a.rank))
    .map(({ cluster }) => cluster);
}

function compareRanks(a: ScopeRank, b: ScopeRank): number {
  for (const index of [0, 1, 2, 3] as const) {
    if (a[index] !== b[index]) return a[index] - b[index];
  }
  return 0;
}
