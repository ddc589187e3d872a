import { seedWeight } from "../core/seeds.ts";

/** Whom an order means (manager-rest.md §4.2). */
export const SCOPES = ["single_seed_peer", "all_seed_peers", "all_peers"] as const;
export type Scope = typeof SCOPES[number];

/** Seed peers that are tried for one content, the one for which it is meant first. */
const SEEDS_TRIED_MAX = 3;

/** Which hosts shall have a content. Of several ways to say how many, the first that is given counts. */
export interface Targets {
  readonly scope: Scope;
  readonly ips: readonly string[];
  readonly count: number | undefined;
  /** 1 to 100. */
  readonly percentage: number | undefined;
}

/** A host as far as choosing goes. */
export interface TargetHost {
  readonly id: string;
  readonly ip: string;
  /** 0 is a normal peer, as in common.v2.Host. */
  readonly type: number;
}

/** What an order comes to among the hosts that are there. */
export interface ChosenHosts<H> {
  readonly hosts: readonly H[];
  /** Addresses of the order that no host of its scope has. */
  readonly unknownIps: readonly string[];
}

/** The hosts of `all_seed_peers` and `all_peers`, by id: the same order twice means the same hosts. */
export function chooseHosts<H extends TargetHost>(hosts: readonly H[], targets: Targets): ChosenHosts<H> {
  const { scope, ips, count, percentage } = targets;
  const inScope = hosts.filter(({ type }) => scope === "all_peers" || type !== 0)
    .toSorted((a, b) => a.id < b.id ? -1 : 1);
  if (ips.length > 0) {
    const known = new Set(inScope.map(({ ip }) => ip));
    const unknownIps = [...new Set(ips)].filter((ip) => !known.has(ip));
    return { hosts: inScope.filter(({ ip }) => ips.includes(ip)), unknownIps };
  }
  const share = percentage === undefined ? undefined : Math.max(1, Math.floor(inScope.length * percentage / 100));
  return { hosts: inScope.slice(0, count ?? share), unknownIps: [] };
}

/**
 * The seed peers for a task, the best first: the first is the one that peers of the task are sent to as well (highest
 * random weight).
 */
export function rankSeeds<H extends { readonly id: string }>(seeds: readonly H[], taskId: string): H[] {
  return seeds
    .map((seed) => ({ seed, weight: seedWeight(seed.id, taskId) }))
    .sort((a, b) => a.weight > b.weight ? -1 : 1)
    .slice(0, SEEDS_TRIED_MAX)
    .map(({ seed }) => seed);
}
