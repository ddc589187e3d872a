import type {
  BlockListConfig,
  PeerClusterConfig,
  SchedulerClusterConfig,
  Scopes,
  SeedPeerClusterConfig,
} from "./records.ts";
import type { Identified, Repository } from "./repository.ts";

/** What an administrator decides of a cluster. */
export interface ClusterInput {
  readonly name: string;
  readonly bio: string;
  readonly isDefault: boolean;
  readonly scopes: Scopes;
  readonly schedulerClusterConfig: SchedulerClusterConfig;
  readonly seedPeerClusterConfig: SeedPeerClusterConfig;
  readonly peerClusterConfig: PeerClusterConfig;
}

/** A cluster: one scheduler cluster, whose id it bears, and the seed peer cluster linked to it. */
export interface Cluster extends ClusterInput, Identified {
  /** The first one, where several are linked; 0 where there is none, which only other programs leave behind. */
  readonly seedPeerClusterId: number;
}

/** Which clusters to list. */
export type ClusterFilter = Partial<Pick<Cluster, "name">>;

/** Both halves of a cluster as one. One cluster is the default at any time. */
export interface ClusterStore extends Repository<Cluster, ClusterInput, ClusterFilter> {
  /** All clusters, by id. */
  all(): Promise<Cluster[]>;
  /** Makes the first cluster, or a default one, the only default. Fails with `already_exists` on a taken name. */
  create(input: ClusterInput): Promise<Cluster>;
  /**
   * Changes what `patch` holds. Fails with `not_found`, with `already_exists` on a taken name, and with
   * `failed_precondition` when no cluster would remain the default.
   */
  update(id: number, patch: Partial<ClusterInput>): Promise<Cluster>;
  /**
   * Removes a cluster with its dead schedulers, its peers and, when no other cluster uses it, its seed peer cluster.
   * Fails with `not_found`, and with `failed_precondition` for the default cluster and for one with a live scheduler.
   */
  remove(id: number): Promise<void>;
}

/** One half of a cluster: what concerns its schedulers and peers. */
export interface SchedulerClusterInput {
  readonly name: string;
  readonly bio: string;
  readonly config: SchedulerClusterConfig;
  readonly clientConfig: PeerClusterConfig;
  /** What seed peers must not do; they read it here, not in their own cluster (wire.md §5.5). */
  readonly seedClientConfig: BlockListConfig;
  readonly scopes: Scopes;
  readonly isDefault: boolean;
  /** The linked seed peer clusters, by id; a patch replaces them. */
  readonly seedPeerClusterIds: readonly number[];
}

/** A stored scheduler cluster. */
export interface SchedulerCluster extends SchedulerClusterInput, Identified {}

/** Scheduler clusters by themselves; `create`, `update` and `remove` fail as those of {@link ClusterStore} do. */
export interface SchedulerClusterStore extends Repository<SchedulerCluster, SchedulerClusterInput, ClusterFilter> {
  /** All of them, by id. */
  all(): Promise<SchedulerCluster[]>;
}

/** The other half of a cluster: what concerns its seed peers. */
export interface SeedPeerClusterInput {
  readonly name: string;
  readonly bio: string;
  readonly config: SeedPeerClusterConfig;
  /** The linked scheduler clusters, by id; a patch replaces them. */
  readonly schedulerClusterIds: readonly number[];
}

/** A stored seed peer cluster. */
export interface SeedPeerCluster extends SeedPeerClusterInput, Identified {}

/** Seed peer clusters by themselves; `remove` fails with `failed_precondition` while a live seed peer is in it. */
export interface SeedPeerClusterStore extends Repository<SeedPeerCluster, SeedPeerClusterInput, ClusterFilter> {
  /** All of them, by id. */
  all(): Promise<SeedPeerCluster[]>;
}
