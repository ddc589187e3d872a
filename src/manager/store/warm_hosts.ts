import type { Identified } from "./repository.ts";
import type { ServiceKey } from "./services.ts";

/** A host of a cluster that is kept warm. Times are wall time, 0 for none. */
export interface WarmHostInput extends ServiceKey {
  /** What was declared until then the host was brought to. */
  readonly warmedAtMs: number;
  /** When it may be brought to the rest. */
  readonly nextAtMs: number;
  /** Attempts that failed one after another, and why the last one did. */
  readonly failures: number;
  readonly error: string;
  /** Since when no scheduler knows it. */
  readonly missingSinceMs: number;
}

/** A stored host that is kept warm. */
export interface WarmHost extends WarmHostInput, Identified {}

/** Changes of the hosts of a cluster. */
export interface WarmHostChanges {
  readonly added: readonly WarmHostInput[];
  /** Each patch for many hosts. */
  readonly changed: readonly { readonly ids: readonly number[]; readonly patch: Partial<WarmHostInput> }[];
  readonly removed: readonly number[];
}

/** How many hosts of clusters are there now. */
export interface WarmHostCounts {
  readonly known: number;
  readonly warm: number;
  readonly failing: number;
}

/** What hosts of clusters were brought to, so that a manager that starts again does not begin anew. */
export interface WarmHostStore {
  ofCluster(clusterId: number): Promise<WarmHost[]>;
  /** Of these clusters, or of all; warm are those that have what was declared at `declaredAtMs`. */
  count(clusterIds: readonly number[], declaredAtMs: number): Promise<WarmHostCounts>;
  /**
   * Changes the hosts of a cluster as `decide` says when it sees them; whoever else wants to change them meanwhile
   * waits. Fails with `not_found` without the cluster.
   */
  change<Plan extends WarmHostChanges>(
    clusterId: number,
    decide: (hosts: readonly WarmHost[]) => Plan,
  ): Promise<Plan>;
}
