/** What the manager, or the local dynconfig file, says of a cluster to its peers (wire.md §5.5). */
import * as z from "zod";
import { type BlockList, NOTHING_BLOCKED } from "../../core/block_list.ts";
import { parsePattern } from "../../core/pattern.ts";

/** What the hosts of a cluster go by. */
export interface ClusterSettings {
  /** Downloads that this host refuses. */
  readonly blockList: BlockList;
  /** Told to seed peers: the seed peer cluster that they belong to; stock managers do not say. */
  readonly seedPeerClusterId: number | undefined;
}

/** The settings of a host that was told nothing. */
export const NO_SETTINGS: ClusterSettings = { blockList: NOTHING_BLOCKED, seedPeerClusterId: undefined };

const ENTRIES_MAX = 1_000;
const texts = z.array(z.string()).max(ENTRIES_MAX).nullish();

/** The lists of one kind of download; Go leaves out or nulls what is empty. */
const DownloadBlock = z.object({
  applications: texts,
  urls: texts,
  tags: texts,
  priorities: z.array(z.number()).max(ENTRIES_MAX).nullish(),
});

const ClientConfig = z.object({
  block_list: z.object({ task: z.object({ download: DownloadBlock.nullish() }).nullish() }).nullish(),
  seed_peer_cluster_id: z.int().min(1).nullish(),
});

/** The lists as they are written, as one to go by. Throws `invalid_argument` on a pattern that cannot be read. */
export function blockListOf({ applications, urls, tags, priorities }: z.infer<typeof DownloadBlock>): BlockList {
  return {
    applications: new Set(applications),
    urls: (urls ?? []).map(parsePattern),
    tags: new Set(tags),
    priorities: new Set(priorities),
  };
}

/** Reads the `client_config` or `seed_client_config` of a scheduler cluster; empty says nothing. Throws on what it cannot read. */
export function parseClusterSettings(json: string): ClusterSettings {
  if (json === "") return NO_SETTINGS;
  const { block_list, seed_peer_cluster_id } = ClientConfig.parse(JSON.parse(json));
  return {
    blockList: blockListOf(block_list?.task?.download ?? {}),
    seedPeerClusterId: seed_peer_cluster_id ?? undefined,
  };
}
