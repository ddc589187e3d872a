import type { PullEventKind } from "../../core/pull_story.ts";
import type { Peer } from "../../rpc/gen/common/v2/common.ts";
import type { PieceRecord, TaskRecord } from "../storage/storage.ts";
import type { TaskRequest } from "./task.ts";

/** What else is known of an event; see `PullEvent`. */
export interface PullNote {
  /** For how long it was waited until now, in milliseconds; 0 when left out. */
  readonly ms?: number;
  readonly subject?: string;
  readonly detail?: string;
}

/** What a download tells of itself while it runs. Nothing here throws or is waited for. */
export interface PullNotes {
  /** Something happened, or was waited for until now. */
  note(kind: PullEventKind, note?: PullNote): void;
  /** The peers that it was sent to. */
  offered(peers: readonly Peer[]): void;
  /** A piece is here. */
  received(record: PieceRecord, bytes: number): void;
  /** For so long a parent that lives had nothing new to give: it waited itself. */
  parentWaited(parentId: string, ms: number): void;
  /** It has ended: well when there is no error. */
  ended(error?: unknown): void;
}

/** A download, as it begins. */
export interface BeginningPull {
  readonly peerId: string;
  readonly request: TaskRequest;
  readonly record: TaskRecord;
  /** Bytes that an earlier run has left. */
  readonly localBytes: number;
}

/** Where downloads write what people may ask for later. No decision goes by it. */
export interface PullJournal {
  began(pull: BeginningPull): PullNotes;
  /** A download of what is described could not even begin, such as for want of room. */
  failed(request: TaskRequest, init: Pick<TaskRecord, "url" | "digest" | "plan">, error: unknown): void;
  /** So many bytes are read of a content that was complete before it was asked for. */
  hit(request: TaskRequest, record: TaskRecord, bytes: number): void;
}

const NO_NOTES: PullNotes = { note() {}, offered() {}, received() {}, parentWaited() {}, ended() {} };

/** Keeps nothing. */
export const NO_JOURNAL: PullJournal = { began: () => NO_NOTES, failed() {}, hit() {} };
