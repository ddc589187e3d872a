import type { ByteRange } from "../../core/byte_range.ts";
import type { Digest } from "../../core/digest.ts";
import type { SourceRequest, SourceStat } from "../source/source.ts";

/** A request for a content. Requests with the same task id join: one download, many readers. */
export interface TaskRequest {
  readonly taskId: string;
  readonly source: SourceRequest;
  /** What the origin said, when the caller has asked it already. */
  readonly stat?: SourceStat;
  readonly digest: Digest | undefined;
  readonly tag?: string;
  readonly application?: string;
  /** 0 to 6 (wire.md §1.1); 6 when nobody says otherwise. */
  readonly priority: number;
  readonly filteredQueryParams: readonly string[];
  /** An explicit piece length, in bytes. */
  readonly pieceLength?: number;
  /** How the swarm cuts the content already, in bytes, as the peer says for which a seed peer is triggered. */
  readonly swarmPieceLength?: number;
  readonly isBlobDigestTaskId: boolean;
  /** Set when a scheduler triggers this host as the seed peer: it must fetch from the source. */
  readonly needBackToSource: boolean;
  readonly disableBackToSource: boolean;
  /**
   * What is done with what this requester does not read: there is none, for he takes the content from its beginning to
   * its end; or it is fetched within a limit of its own, or left. Left out, it is fetched like what he reads.
   */
  readonly rest?: "none" | "prefetched" | "left";
  /** The address of who asks, for traces only. */
  readonly remoteIp?: string;
}

/** Bytes of a task by where they came from. A task that was complete before it was asked for is all local. */
export interface Traffic {
  readonly backToSource: number;
  readonly remotePeer: number;
  readonly localPeer: number;
}

/** One requester's hold on a task; disposing it leaves. The download goes on while others hold it. */
export interface TaskHandle extends AsyncDisposable {
  readonly taskId: string;
  readonly peerId: string;
  readonly contentLength: number;
  readonly pieceLength: number;
  readonly responseHeaders: Readonly<Record<string, string>>;
  /** The task was complete on this host before this request. */
  readonly isLocalHit: boolean;
  /** The source was asked for it with this request's own rights, and has begun to give it. */
  readonly isGranted?: boolean;
  /**
   * The bytes of `range` as they become available, in order; a byte stream that is pulled, so that nothing is read
   * ahead. The last byte of the content is only given once the task is sealed. Cancelling the stream does not leave the
   * task.
   */
  read(range: ByteRange): ReadableStream<Uint8Array<ArrayBuffer>>;
  /** Resolves when the task is sealed; rejects with what ended the download. */
  readonly sealed: Promise<Traffic>;
  traffic(): Traffic;
}

/** The tasks of this host. */
export interface Tasks extends AsyncDisposable {
  /**
   * Joins or starts a task. It returns when the content length is known, before any byte of content has come.
   * Throws `source_error`, `no_space`, `failed_precondition` (back-to-source disabled and no parent), `timeout`.
   */
  open(request: TaskRequest, signal: AbortSignal): Promise<TaskHandle>;
  /**
   * Whether {@link open} will ask nobody but the source, and that at once for all of it: then its answer tells whether
   * the requester may have it, and how long it is.
   */
  asksSourceAtOnce(request: TaskRequest): boolean;
  /** Deletes a task that nobody holds from this host and tells the scheduler. Throws `not_found`, `failed_precondition`. */
  delete(taskId: string, signal: AbortSignal): Promise<void>;
}
