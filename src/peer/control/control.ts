import type { BlockList } from "../../core/block_list.ts";
import type { Digest } from "../../core/digest.ts";
import type { PiecePlan } from "../../core/piece.ts";
import type { Download, Host, Peer, Piece } from "../../rpc/gen/common/v2/common.ts";

/** What Dragonfly takes for too small to be shared, in bytes (wire.md §0 fact 4). */
export const SMALL_BYTES = 4 * 1024 * 1024;

/** What a scheduler answers on a peer's stream (wire.md §1.2, `AnnouncePeerResponse`). */
export type Decision =
  | { readonly kind: "empty_task" }
  | { readonly kind: "from_parents"; readonly parents: readonly Peer[] }
  | { readonly kind: "back_to_source"; readonly description: string }
  | { readonly kind: "metadata_only" };

/** What a peer reports on its stream; one to one the members of `AnnouncePeerRequest` (wire.md §1.2). */
export type PeerEvent =
  | { readonly kind: "register"; readonly download: Download }
  | { readonly kind: "started" }
  | { readonly kind: "back_to_source_started"; readonly description?: string }
  | { readonly kind: "reschedule"; readonly parents: readonly Peer[]; readonly description?: string }
  | { readonly kind: "finished" }
  | { readonly kind: "back_to_source_finished" }
  | { readonly kind: "failed"; readonly description: string }
  | { readonly kind: "back_to_source_failed"; readonly description: string }
  | { readonly kind: "piece_finished"; readonly piece: Piece }
  | { readonly kind: "piece_back_to_source_finished"; readonly piece: Piece }
  | {
    readonly kind: "piece_failed";
    readonly pieceNumber: number;
    readonly parentId: string;
    readonly temporary: boolean;
  }
  | { readonly kind: "piece_back_to_source_failed"; readonly pieceNumber?: number; readonly message: string };

/** A peer's conversation with the scheduler of its task (`AnnouncePeer`). A broken one rejects; the caller goes on without. */
export interface PeerSession extends AsyncDisposable {
  send(event: PeerEvent, signal: AbortSignal): Promise<void>;
  /** Whether the scheduler answers at all, looked at for two seconds at most: one that lives may only be waiting for others. */
  isAlive(): Promise<boolean>;
  /** The next decision; undefined when the scheduler has closed the stream. */
  nextDecision(signal: AbortSignal): Promise<Decision | undefined>;
}

/** A task that this host has all of, as far as a scheduler has to know it; a `TaskRecord` of the storage is one. */
export interface HeldTask {
  readonly taskId: string;
  /** Without its query. */
  readonly url: string;
  readonly plan: PiecePlan;
  readonly digest: Digest | undefined;
}

/** The control plane as a peer sees it; all of it is optional and may come and go. */
export interface Control extends AsyncDisposable {
  readonly hostId: string;
  /** The host as it is announced now. */
  host(): Host;
  /** The downloads that this host's cluster refuses now. */
  blockList(): BlockList;
  /**
   * Whether the swarm shares contents of {@link SMALL_BYTES} and less of this task. Under a stock scheduler it does not:
   * its seed peers fetch them without telling it, and who asks waits for them in vain (wire.md §0 fact 4).
   */
  sharesSmall(taskId: string): boolean;
  /** Whether no scheduler is known, so that nobody can be asked. */
  isAlone(): boolean;
  /** Opens a conversation about a task; undefined when there is no scheduler. Throws `unavailable` or `timeout`. */
  openSession(taskId: string, peerId: string, signal: AbortSignal): Promise<PeerSession | undefined>;
  /** Tells the scheduler of the task that this host has all of it (`metadata_only`, wire.md §2.5). */
  announceTask(task: HeldTask, signal: AbortSignal): Promise<void>;
  /** Tells the scheduler of the task that this host no longer has it. */
  taskDeleted(taskId: string, signal: AbortSignal): Promise<void>;
  /** Takes this host out of the schedulers' tables until its next announcement. Throws `unavailable` or `timeout`. */
  deleteHost(signal: AbortSignal): Promise<void>;
}
