import type { Schemas } from "../api/client.ts";
import { blockListOf, type BlockRule, rulesOf } from "./block_list.ts";
import type { Cluster } from "./cluster.ts";
import { LIMITS } from "./limits.ts";

type LimitField = (typeof LIMITS)[number]["field"];

/** A cluster as it is being written; a limit is a text, empty for the default. */
export interface ClusterDraft {
  readonly name: string;
  readonly bio: string;
  readonly isDefault: boolean;
  readonly location: string;
  readonly idc: string;
  readonly cidrs: readonly string[];
  readonly hostnames: readonly string[];
  readonly limits: Readonly<Record<LimitField, string>>;
  readonly rules: readonly BlockRule[];
}

/** What is sent to make or change a cluster. */
export type ClusterBody = Pick<
  Cluster,
  | "name"
  | "bio"
  | "scopes"
  | "scheduler_cluster_config"
  | "seed_peer_cluster_config"
  | "peer_cluster_config"
  | "is_default"
>;

const NO_LIMITS = Object.fromEntries(LIMITS.map(({ field }) => [field, ""])) as Record<LimitField, string>;

export const NEW_CLUSTER: ClusterDraft = {
  ...{ name: "", bio: "", isDefault: false, location: "", idc: "", cidrs: [], hostnames: [] },
  ...{ limits: NO_LIMITS, rules: [] },
};

/** A cluster to be changed. */
export function draftOf(cluster: Schemas["Cluster"]): ClusterDraft {
  const { name, bio, is_default, scopes } = cluster;
  const limits = LIMITS.map(({ field, table, key }) => {
    const value = (cluster[table] as Readonly<Record<string, unknown>>)[key];
    return [field, typeof value === "number" && value > 0 ? String(value) : ""];
  });
  return {
    ...{ name, bio, isDefault: is_default, location: scopes.location ?? "", idc: scopes.idc ?? "" },
    ...{ cidrs: scopes.cidrs ?? [], hostnames: scopes.hostnames ?? [] },
    limits: Object.fromEntries(limits) as Record<LimitField, string>,
    rules: rulesOf(cluster),
  };
}

/** What to send for a draft: all of it, so that what was taken out is gone. */
export function bodyOf(
  { name, bio, isDefault, location, idc, cidrs, hostnames, limits, rules }: ClusterDraft,
): ClusterBody {
  const tables = { scheduler_cluster_config: {}, seed_peer_cluster_config: {}, peer_cluster_config: {} };
  for (const { field, table, key } of LIMITS) {
    (tables[table] as Record<string, number>)[key] = limits[field] === "" ? 0 : Number(limits[field]);
  }
  return {
    ...{ name: name.trim(), bio, is_default: isDefault },
    scopes: { location, idc, cidrs: [...cidrs], hostnames: [...hostnames] },
    scheduler_cluster_config: tables.scheduler_cluster_config,
    seed_peer_cluster_config: { ...tables.seed_peer_cluster_config, block_list: blockListOf(rules, "seedClient") },
    peer_cluster_config: { ...tables.peer_cluster_config, block_list: blockListOf(rules, "client") },
  };
}
