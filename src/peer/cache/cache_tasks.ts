import type { Digest } from "../../core/digest.ts";
import type { PersistentCacheTask } from "../../rpc/gen/common/v2/common.ts";
import type { StoredTask } from "../storage/storage.ts";

/** A file of this host that shall become a task of the persistent cache. */
export interface ImportRequest {
  /** Absolute. */
  readonly path: string;
  /** If present, the task id is the SHA-256 of this text, and the file is not read for it. */
  readonly contentForTaskId: string | undefined;
  readonly replicaCount: number;
  readonly tag: string | undefined;
  readonly application: string | undefined;
  /** An explicit piece length, in bytes. */
  readonly pieceLength: number | undefined;
  readonly ttlMs: number;
}

/** A request for a copy of a task of the persistent cache. Requests for the same task join. */
export interface CacheRequest {
  readonly taskId: string;
  /** The copy shall be one of the replicas that were asked for at the import. */
  readonly isPersistent: boolean;
  /** What the content must be, when the requester knows. */
  readonly digest: Digest | undefined;
}

/** One requester's hold on a task of the persistent cache. The download goes on when he leaves. */
export interface CacheHandle extends Disposable {
  readonly taskId: string;
  readonly peerId: string;
  /** Where the bytes are, or come. */
  readonly stored: StoredTask;
  /** The task was complete on this host before this request. */
  readonly isLocalHit: boolean;
  /** Resolves when all of it is there and is what was asked for; rejects with what ended the download. */
  readonly sealed: Promise<void>;
}

/** The tasks of the persistent cache on this host. */
export interface CacheTasks extends AsyncDisposable {
  /**
   * Makes a file a task; it returns when this host holds it, and the scheduler sees to the other replicas. Throws
   * `invalid_argument` (no such file), `already_exists` (the swarm has the task), `failed_precondition` (the file
   * changed meanwhile), `no_space`, `resource_exhausted`, `unavailable` (no scheduler), `timeout`.
   */
  importFile(request: ImportRequest, signal: AbortSignal): Promise<PersistentCacheTask>;
  /**
   * Joins or starts a download; it returns when the content length is known. Throws `not_found` (nobody imported it, or
   * its time is over), `failed_precondition` (its import is not complete), `no_space`, `unavailable`, `timeout`.
   */
  open(request: CacheRequest, signal: AbortSignal): Promise<CacheHandle>;
  /** Makes the copy of this host one of the replicas. Throws `not_found`, or `failed_precondition` while it is incomplete. */
  persist(taskId: string): Promise<void>;
  /** Deletes the copy of this host. Throws `not_found`, or `failed_precondition` while somebody uses it. */
  delete(taskId: string): Promise<void>;
  /** What the scheduler knows of a task. Throws `not_found`, `unavailable`, `timeout`. */
  stat(taskId: string, signal: AbortSignal): Promise<PersistentCacheTask>;
}
