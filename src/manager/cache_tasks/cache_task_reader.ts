import type { PersistentCachePeer, PersistentCacheTask } from "../../rpc/gen/common/v2/common.ts";
import type { Listed, Page } from "../store/repository.ts";

/** Which tasks of the persistent cache are wanted; what is left out or empty is not asked for. */
export interface CacheTaskFilter {
  readonly application?: string;
  readonly tag?: string;
  readonly state?: string;
}

/** A task with its copies. */
export interface FoundCacheTask {
  readonly task: PersistentCacheTask;
  readonly peers: readonly PersistentCachePeer[];
}

/** How many tasks have the same application and tag, and how large they are together, in bytes. */
export interface CacheTaskShare {
  readonly application: string;
  readonly tag: string;
  readonly count: number;
  readonly contentLength: number;
}

/**
 * The tasks of the persistent cache, which schedulers know alone. Fails with `failed_precondition` where a cluster has no
 * live scheduler of ours, and with what the schedulers say.
 */
export interface CacheTaskReader {
  /** A page of the tasks of a cluster, the newest first. */
  list(
    clusterId: number,
    filter: CacheTaskFilter,
    page: Page,
    signal: AbortSignal,
  ): Promise<Listed<PersistentCacheTask>>;
  /** What tasks of a cluster are for, those with the most bytes first. */
  shares(clusterId: number, signal: AbortSignal): Promise<CacheTaskShare[]>;
  /** Fails with `not_found`. */
  get(clusterId: number, taskId: string, signal: AbortSignal): Promise<FoundCacheTask>;
  /** Forgets a task, and has its copies deleted. Fails with `not_found`. */
  remove(clusterId: number, taskId: string, signal: AbortSignal): Promise<void>;
}
