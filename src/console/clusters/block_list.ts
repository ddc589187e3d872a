import type { Cluster } from "./cluster.ts";

export const SIDES = ["client", "seedClient"] as const;
export const TASK_TYPES = ["task", "persistentTask", "persistentCacheTask"] as const;
export const FEATURES = ["download", "upload"] as const;

type BlockList = NonNullable<Cluster["peer_cluster_config"]["block_list"]>;

/** One rule: what the peers or seed peers must not do with tasks of a type. */
export interface BlockRule {
  readonly side: (typeof SIDES)[number];
  readonly taskType: (typeof TASK_TYPES)[number];
  readonly feature: (typeof FEATURES)[number];
  readonly applications: readonly string[];
  readonly urls: readonly string[];
  readonly tags: readonly string[];
  /** Only of downloads. */
  readonly priorities: readonly number[];
}

const KEYS = {
  task: "task",
  persistentTask: "persistent_task",
  persistentCacheTask: "persistent_cache_task",
} as const;

interface Entries {
  readonly applications?: readonly string[] | null | undefined;
  readonly urls?: readonly string[] | null | undefined;
  readonly tags?: readonly string[] | null | undefined;
  readonly priorities?: readonly number[] | null | undefined;
}

/** The rules of a cluster, in the order in which they are shown. */
export function rulesOf(cluster: Pick<Cluster, "peer_cluster_config" | "seed_peer_cluster_config">): BlockRule[] {
  const lists = { client: cluster.peer_cluster_config, seedClient: cluster.seed_peer_cluster_config };
  return SIDES.flatMap((side) =>
    TASK_TYPES.flatMap((taskType) =>
      FEATURES.flatMap((feature) => {
        const byFeature = lists[side].block_list?.[KEYS[taskType]] as
          | Partial<Record<string, Entries | null>>
          | null
          | undefined;
        const entries = byFeature?.[feature];
        if (entries === null || entries === undefined) return [];
        const { applications, urls, tags, priorities } = entries;
        const rule = {
          ...{ side, taskType, feature, applications: applications ?? [], urls: urls ?? [] },
          ...{ tags: tags ?? [], priorities: priorities ?? [] },
        };
        return isEmpty(rule) ? [] : [rule];
      })
    )
  );
}

/** The block list of one side, as the API takes it; rules for the same thing are one. */
export function blockListOf(rules: readonly BlockRule[], side: BlockRule["side"]): BlockList {
  const list: Record<string, Record<string, Required<Entries>>> = {};
  for (const rule of rules.filter((rule) => rule.side === side && !isEmpty(rule))) {
    const byFeature = list[KEYS[rule.taskType]] ??= {};
    const before = byFeature[rule.feature];
    byFeature[rule.feature] = {
      applications: joined(before?.applications, rule.applications),
      urls: joined(before?.urls, rule.urls),
      tags: joined(before?.tags, rule.tags),
      ...(rule.feature === "download" ? { priorities: joined(before?.priorities, rule.priorities) } : {}),
    } as Required<Entries>;
  }
  return list as BlockList;
}

function joined<T>(before: readonly T[] | null | undefined, more: readonly T[]): T[] {
  return [...new Set([...(before ?? []), ...more])];
}

/** A rule that names nothing blocks nothing. */
function isEmpty({ applications, urls, tags, priorities }: BlockRule): boolean {
  return applications.length + urls.length + tags.length + priorities.length === 0;
}
