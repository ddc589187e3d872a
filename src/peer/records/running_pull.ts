import { contentNameOf } from "../../core/content_name.ts";
import { errorText } from "../../core/error.ts";
import { type PullEventKind, weightOf } from "../../core/pull_story.ts";
import type { Peer } from "../../rpc/gen/common/v2/common.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { PieceRecord } from "../storage/storage.ts";
import type { BeginningPull, PullNote, PullNotes } from "../task/pull_journal.ts";
import type { TaskRequest } from "../task/task.ts";
import {
  EVENTS_MAX,
  type Open,
  type OpenParent,
  PARENTS_MAX,
  type PullEvent,
  type PullRecord,
  shortened,
} from "./pull_record.ts";

/** Parents that gave nothing are told of if they are among the first. */
const IDLE_PARENTS_TOLD = 8;

/** What comes in many small waits, and is kept as one event. */
export type SumKind = "held" | "disk" | "parents_waiting";

/** What is told of source and limits before it is a pull, or beside it. */
export interface EarlierEvent {
  readonly kind: PullEventKind;
  /** When it ended, by the monotonic clock. */
  readonly atMs: number;
  readonly note: PullNote;
}

/** What a {@link RunningPull} works with. */
export interface RunningPullParts {
  readonly clock: Pick<Clock, "now" | "wallMs">;
  /** Why the manager cannot be reached; undefined when it can, or none is configured. */
  readonly managerTrouble: () => string | undefined;
  /** Called with the pull once it has ended. */
  readonly onEnded: (pull: RunningPull) => void;
}

/** The notes of one pull while it runs. Writing one costs a few assignments, for each piece too. */
export class RunningPull implements PullNotes {
  readonly taskIds: readonly string[];
  /** Without user, password and query. */
  readonly url: string;
  readonly #parts: RunningPullParts;
  readonly #begun: BeginningPull;
  readonly #startedAt: number;
  readonly #startedAtMs: number;
  readonly #events: PullEvent[] = [];
  readonly #parents = new Map<string, OpenParent>();
  /** Sums of what comes in many small parts. */
  readonly #sums = new Map<SumKind, Open<PullEvent>>();
  #originBytes = 0;
  #peerBytes = 0;
  #firstByteMs: number | undefined;
  #offeredAt: number | undefined;
  #endedAt: number | undefined;
  #droppedEvents = 0;
  #error = "";

  constructor(parts: RunningPullParts, begun: BeginningPull, earlier: readonly EarlierEvent[]) {
    this.#parts = parts;
    this.#begun = begun;
    this.url = begun.record.url;
    this.taskIds = [...new Set([begun.request.taskId, begun.record.taskId])];
    // What was waited for just before is a part of what the requester waited for.
    const waits = earlier.map(({ atMs, note }) => atMs - (note.ms ?? 0));
    this.#startedAt = Math.min(parts.clock.now(), ...waits);
    this.#startedAtMs = parts.clock.wallMs() - (parts.clock.now() - this.#startedAt);
    for (const { kind, atMs, note } of earlier) this.#add(kind, atMs - this.#startedAt, note);
  }

  note(kind: PullEventKind, note: PullNote = {}): void {
    const trouble = kind === "no_scheduler" ? this.#parts.managerTrouble() : undefined;
    const subject = this.#parents.get(note.subject ?? "")?.ip ?? note.subject ?? "";
    if (trouble !== undefined) return this.#add("no_manager", this.#now(), { ...note, detail: trouble });
    this.#add(kind, this.#now(), { ...note, subject });
  }

  offered(peers: readonly Peer[]): void {
    const now = this.#now();
    this.#offeredAt ??= now;
    for (const { id, host } of peers) {
      if (host === undefined || this.#parents.has(id) || this.#parents.size >= PARENTS_MAX) continue;
      const { id: hostId, hostname, ip, network, type } = host;
      const told = { peerId: id, hostId, hostname, ip, idc: network?.idc ?? "", isSeed: type !== 0 };
      this.#parents.set(id, { ...told, pieces: 0, bytes: 0 });
    }
    const hosts = peers.slice(0, PARENTS_MAX).flatMap(({ host }) => host?.ip ?? []);
    this.#add("to_parents", now, { detail: [...new Set(hosts)].join(" ") });
  }

  received({ parentId, trafficType }: PieceRecord, bytes: number): void {
    if (this.#firstByteMs === undefined) this.#first(parentId);
    if (trafficType === "back_to_source") {
      this.#originBytes += bytes;
      return;
    }
    this.#peerBytes += bytes;
    const parent = this.#parents.get(parentId);
    if (parent === undefined) return;
    parent.pieces++;
    parent.bytes += bytes;
  }

  parentWaited(parentId: string, ms: number): void {
    this.spent("parents_waiting", ms, { subject: this.#parents.get(parentId)?.ip ?? "" });
  }

  ended(error?: unknown): void {
    this.#endedAt = this.#now();
    if (error !== undefined) this.#error = shortened(errorText(error));
    this.#parts.onEnded(this);
  }

  /** Adds to what a limit, the disk or parents have cost in all; what is waited for at the same time counts once. */
  spent(kind: SumKind, ms: number, { subject = "", detail = "" }: PullNote = {}): void {
    const sum = this.#sums.get(kind) ?? { kind, atMs: 0, ms: 0, subject, detail };
    const now = this.#now();
    sum.ms += Math.min(ms, now - sum.atMs);
    sum.atMs = now;
    this.#sums.set(kind, sum);
  }

  /** The pull as it is now. */
  record(): PullRecord {
    const { peerId, request, record, localBytes } = this.#begun;
    return {
      ...namesOf(request, record.url),
      peerId,
      digest: record.digest?.text ?? "",
      isHit: false,
      isRunning: this.#endedAt === undefined,
      startedAtMs: this.#startedAtMs,
      firstByteMs: this.#firstByteMs,
      durationMs: this.#endedAt ?? this.#now(),
      contentLength: record.plan.contentLength,
      originBytes: this.#originBytes,
      peerBytes: this.#peerBytes,
      localBytes,
      parents: [...this.#parents.values()].filter(({ pieces }, index) => pieces > 0 || index < IDLE_PARENTS_TOLD)
        .map((parent) => ({ ...parent })),
      events: [...this.#events, ...this.#sums.values().map((sum) => ({ ...sum }))],
      droppedEvents: this.#droppedEvents,
      error: this.#error,
    };
  }

  #first(parentId: string): void {
    const now = this.#now();
    this.#firstByteMs = now;
    const ip = this.#parents.get(parentId)?.ip;
    if (ip !== undefined && this.#offeredAt !== undefined) {
      // What the parent waited for itself is told apart.
      const waitedMs = this.#sums.get("parents_waiting")?.ms ?? 0;
      this.#add("first_piece", now, { ms: Math.max(0, now - this.#offeredAt - waitedMs), subject: ip });
    }
  }

  #add(kind: PullEventKind, atMs: number, { ms = 0, subject = "", detail = "" }: PullNote): void {
    if (this.#events.length >= EVENTS_MAX && !this.#makesRoom(weightOf({ kind, ms }))) return;
    this.#events.push({ kind, atMs, ms, subject: shortened(subject), detail: shortened(detail) });
  }

  /** Drops the event that explains least; false when a new one explains no more than that, and is the one that goes. */
  #makesRoom(weight: number): boolean {
    this.#droppedEvents++;
    const weights = this.#events.map(weightOf);
    const least = Math.min(...weights);
    if (weight <= least) return false;
    this.#events.splice(weights.indexOf(least), 1);
    return true;
  }

  #now(): number {
    return this.#parts.clock.now() - this.#startedAt;
  }
}

/** Who asks for what. */
export function namesOf(request: TaskRequest, url: string) {
  return {
    taskId: request.taskId,
    url: shortened(url),
    ...contentNameOf(url),
    application: shortened(request.application ?? ""),
    requester: requesterOf(request),
    isTriggered: request.needBackToSource,
  };
}

/** The first product of a `User-Agent`: who asks, and of which version. */
function requesterOf({ source }: TaskRequest): string {
  return shortened((source.headers["user-agent"] ?? "").split(/[\s(]/, 1)[0] ?? "");
}
