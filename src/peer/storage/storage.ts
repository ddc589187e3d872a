import type { Digest } from "../../core/digest.ts";
import type { PiecePlan } from "../../core/piece.ts";
import type { Follower } from "./changes.ts";
import type { Holders } from "./holders.ts";

/** Where the bytes of a piece came from (wire.md §1.1, `TrafficType`). */
export type TrafficType = "back_to_source" | "remote_peer" | "local_peer";

/** A finished piece: its bytes are in the content file and their CRC-32 was checked. */
export interface PieceRecord {
  readonly number: number;
  /** `crc32:<decimal>` (wire.md §3.4). */
  readonly digest: string;
  /** Peer id of the parent it came from; empty when it came from the source. */
  readonly parentId: string;
  readonly trafficType: TrafficType;
  readonly costMs: number;
  readonly finishedAtMs: number;
}

/** How long a task of the persistent cache is kept: until its time is over, however much or little it is used. */
export interface Retention {
  /** One of the replicas that were asked for: it never makes room for others. */
  readonly isPersistent: boolean;
  readonly ttlMs: number;
  /** When the task expires on all hosts; wall clock. */
  readonly expiresAtMs: number;
  /** As whom the scheduler knows this copy. */
  readonly peerId: string;
  readonly replicaCount: number;
  readonly tag: string | undefined;
  readonly application: string | undefined;
}

/** What must be known of a content before a byte of it is stored. */
export interface TaskInit {
  readonly taskId: string;
  /** The URL without its query: what people may see. Empty for a task of the persistent cache, which has none. */
  readonly url: string;
  /** What the id was made of by the URL rule, hashed: see `taskIdPartsOf`. */
  readonly idParts?: string | undefined;
  readonly plan: PiecePlan;
  /** Cut by our own rule, so that peers of another make, which name no piece length, mean other pieces than these. */
  readonly isOwnCut?: boolean;
  /** Digest of the whole content; it is checked before the task is sealed. */
  readonly digest: Digest | undefined;
  /** Headers of the source that are replayed to later requesters; never credentials or cookies. */
  readonly responseHeaders: Readonly<Record<string, string>>;
  /** Set for tasks of the persistent cache. */
  readonly retention?: Retention;
}

/** How a content is cut. */
export type TaskCut = Pick<TaskInit, "plan" | "isOwnCut">;

/** A task as the storage remembers it. */
export interface TaskRecord extends TaskInit {
  /** What the task is called besides `taskId`, see {@link Storage.addId}. */
  readonly otherIds: readonly string[];
  /** Complete, and its digest checked. */
  readonly isSealed: boolean;
  readonly createdAtMs: number;
  /** When it was last opened or written. */
  readonly updatedAtMs: number;
  readonly finishedAtMs: number | undefined;
}

/** Takes the bytes of one piece, in order. Nothing counts until {@link commit}; leaving it uncommitted forgets them. */
export interface PieceWriter extends Disposable {
  write(bytes: Uint8Array): Promise<void>;
  /**
   * Records the piece as finished. Throws `data_loss` when the byte count is not the piece's length, or when
   * `expectedDigest` (`crc32:…`; empty is accepted unchecked, wire.md §2.11) differs from that of the bytes.
   */
  commit(from: {
    readonly parentId: string;
    readonly trafficType: TrafficType;
    readonly costMs: number;
    readonly expectedDigest?: string;
  }): Promise<PieceRecord>;
}

/** A piece of which bytes can be read while it is being written: it comes from a source, and not from another peer. */
export interface ComingPiece {
  readonly number: number;
  /** The position in the content up to which its bytes are there. */
  readonly end: number;
  /** It was left uncommitted: whoever writes the piece now may bring other bytes. */
  readonly isForgotten: boolean;
}

/** One task on disk. It stays readable while somebody holds it, even when it is deleted meanwhile. */
export interface StoredTask {
  readonly record: TaskRecord;
  /**
   * Until disposed: the garbage collection spares the task, and it stays readable though it is deleted. Take it in the
   * same step as `find` or `open` gave the task.
   */
  hold(): Disposable;
  readonly finishedPieceCount: number;
  /** Finished ones, and those of an earlier run that are still compared with their records ({@link checked}). */
  readonly recordedPieceCount: number;
  /** Whether a piece is one of those: nobody needs to fetch it now. */
  isRecorded(number: number): boolean;
  piece(number: number): PieceRecord | undefined;
  /** Numbers of finished pieces, ascending. */
  finishedPieces(): number[];
  /** Numbers of finished pieces in the order of their finish, but for the first `count`; none once the task is sealed. */
  finishedAfter(count: number): number[];
  /** What other hosts that are asked for pieces have of them, in the cut of the task. */
  readonly holders: Holders;
  /** Cuts the content otherwise. Throws `failed_precondition` when a piece is recorded or being written. */
  recut(cut: TaskCut): void;
  /**
   * Starts to write a piece; undefined when it is recorded or being written: then wait with {@link nextChange}. With
   * `isReadable` its bytes are a {@link ComingPiece} meanwhile.
   */
  openPiece(number: number, options?: { readonly isReadable: boolean }): PieceWriter | undefined;
  /** A piece that can be read while it is being written; undefined when this one cannot. */
  coming(number: number): ComingPiece | undefined;
  /** Reads bytes of such a piece from `position`; the result is how many, fewer than asked at its present end. */
  readComing(piece: ComingPiece, buffer: Uint8Array, position: number): Promise<number>;
  /**
   * Reads bytes of finished pieces into `buffer` from `position`; never fewer than asked but at the end of the content.
   * Throws `failed_precondition` for a piece that is not finished, `not_found` when the task is deleted and not held.
   */
  read(buffer: Uint8Array, position: number): Promise<number>;
  /**
   * Makes `path` a hard link to the content. Throws `already_exists`, or `internal` where the two are on different volumes.
   * From then on the bytes are compared with their records again whenever the file was changed.
   */
  link(path: string): Promise<void>;
  /** Makes `path` a copy of the content, of which all pieces must be there; blocks are shared where the volume can do it. */
  copy(path: string): Promise<void>;
  /**
   * When all pieces are there: hashes what is not hashed yet, compares with the digest, and marks the task sealed. The
   * sync to stable storage goes on behind the caller's back; only after it the mark survives a restart.
   * Throws `data_loss` on a mismatch: the task is then deleted, and the error's `details` hold its
   * {@link PieceRecord}s, so that the caller can find who lied. Throws `failed_precondition` while pieces are missing.
   */
  seal(signal: AbortSignal): Promise<void>;
  /**
   * Resolves at the next piece finished or given up, at the seal, or at the deletion; rejects when `signal` fires, and
   * with the error of {@link expectNothing}.
   */
  nextChange(signal: AbortSignal): Promise<void>;
  /**
   * The same, and resolves also when bytes of a {@link ComingPiece} have come. A piece of an earlier run that is
   * `wanted` is compared before others.
   */
  nextBytes(signal: AbortSignal, wanted: number): Promise<void>;
  /** The same for whoever waits for one change after the other. */
  changes(signal: AbortSignal): Follower;
  /**
   * Resolves when no piece of an earlier run is left to be compared. Rejects when the disk cannot be read, when the task
   * is deleted, and when `signal` fires.
   */
  checked(signal: AbortSignal): Promise<void>;
  /** The download has ended without all pieces: tells why to all who wait for a change. */
  expectNothing(error: unknown): void;
  readonly isDeleted: boolean;
  /** Changes how long the task is kept, or as whom the scheduler knows it. */
  retain(retention: Retention): void;
}

/** A storage as those see it that share its volume, and with it the limit of space. */
export interface Neighbour {
  /** Bytes of finished pieces. */
  readonly usedBytes: number;
  /** Bytes that tasks in use, and those that are being created, have still to write. */
  readonly promisedBytes: number;
  /** Bytes of tasks that may go when space is needed. */
  readonly evictableBytes: number;
  /** Deletes such tasks, least recently used first, until about `bytes` come free. */
  makeWay(bytes: number): Promise<void>;
}

/**
 * The content store of a peer: one file per task, which has its full length from the start and is sparse until it is
 * written, and metadata in SQLite. Space is promised when a task is created, for nothing here can allocate it.
 */
export interface Storage extends AsyncDisposable {
  /**
   * The task with this id. One that an earlier run left incomplete is absent until it is opened, which begins to check
   * its pieces: after a crash of the machine their records may be ahead of their bytes.
   */
  find(taskId: string): StoredTask | undefined;
  /** The same, after what is being opened or deleted under this id. */
  findSoon(taskId: string): Promise<StoredTask | undefined>;
  /** Whether there is anything of a task, also what {@link find} does not give. */
  has(taskId: string): boolean;
  /**
   * The `taskId` of the record by which a content is stored, or is to be: of the task with this id, else of one whose
   * content has this digest and is cut in a usual way, else `taskId` itself.
   */
  storedAs(taskId: string, content: Digest | undefined): string;
  /** From now on the task is found by another id too; of more than a few such ids the oldest goes. */
  addId(task: StoredTask, taskId: string): void;
  /**
   * The task with this id, new or as it was left. One with another content length or digest is deleted first; one that
   * is cut otherwise keeps its cut if it has a piece, and else takes that of `init`. Throws `invalid_argument` when the id is not made of hex digits, and `no_space` when the volume, or the
   * configured limit, has no room for the content.
   */
  open(init: TaskInit): Promise<StoredTask>;
  /** Removes a task; absent is fine. */
  delete(taskId: string): Promise<void>;
  list(): TaskRecord[];
  /** Bytes of finished pieces, and the space of the volume. */
  usage(): Promise<{ readonly usedBytes: number; readonly totalBytes: number; readonly freeBytes: number }>;
  /** Deletes tasks past their time or, least recently used first, until space is below the limit (wire.md §6.3). */
  collectGarbage(): Promise<string[]>;
}

/** What the storage remembers of a task, under each of its ids. */
export function byEachId(record: TaskRecord): TaskRecord[] {
  return [record, ...record.otherIds.map((taskId) => ({ ...record, taskId }))];
}
