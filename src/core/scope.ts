import { addressBytes, type Cidr, parseCidr } from "./ip.ts";
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

/** A host as it is compared: parsed once for all clusters. */
interface ParsedHost {
  readonly address: Uint8Array | undefined;
  readonly hostname: string;
  readonly idc: string;
  readonly idcs: readonly string[];
  readonly location: readonly string[];
}

function parseHost({ ip, hostname, idc, location }: HostPlace): ParsedHost {
  return {
    address: addressBytes(ip),
    hostname,
    idc: idc.trim().toLowerCase(),
    idcs: elements(idc),
    location: elements(location),
  };
}

/**
 * Ranks strictly, as the documentation promises (design, §4): a CIDR or host name match beats everything, then the
 * IDC, then the number of leading location elements, then being the default cluster.
 */
function rankOf({ scope, isDefault }: RankedCluster, host: ParsedHost): ScopeRank {
  const { address, hostname, idc, idcs } = host;
  const inCidr = address !== undefined && scope.cidrs.some((cidr) => cidr.has(address));
  const isNamed = inCidr || (hostname !== "" && scope.hostnames.some((pattern) => pattern.test(hostname)));
  return [
    Number(isNamed),
    Number(idcs.length > 0 && (scope.idcs.includes(idc) || isSame(scope.idcs, idcs))),
    leadingElements(scope.location, host.location),
    Number(isDefault),
  ];
}

function isSame(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((element, index) => element === b[index]);
}

function leadingElements(scope: readonly string[], host: readonly string[]): number {
  const comparable = Math.min(scope.length, host.length, LOCATION_ELEMENTS_MAX);
  let count = 0;
  while (count < comparable && scope[count] === host[count]) count++;
  return count;
}

/** A cluster and how well it fits. */
export interface Ranked<C> {
  readonly cluster: C;
  readonly rank: ScopeRank;
}

/** The clusters in the order in which `host` should try them; equals keep their order. */
export function rankClusters<C extends RankedCluster>(clusters: readonly C[], host: HostPlace): Ranked<C>[] {
  const parsed = parseHost(host);
  return clusters
    .map((cluster) => ({ cluster, rank: rankOf(cluster, parsed) }))
    .sort((a, b) => compareRanks(b.rank, a.rank));
}

/** Whether scopes alone rank two clusters the same; the default is only the first among such. */
export function isSameFit(a: ScopeRank, b: ScopeRank): boolean {
  return a[0] === b[0] && a[1] === b[1] && a[2] === b[2];
}

function compareRanks(a: ScopeRank, b: ScopeRank): number {
  for (const index of [0, 1, 2, 3] as const) {
    if (a[index] !== b[index]) return a[index] - b[index];
  }
  return 0;
}
