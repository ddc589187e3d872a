import { ExpiringMap } from "../../core/expiring_map.ts";
import { errorText } from "../../core/error.ts";
import type { PullEventKind } from "../../core/pull_story.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { Log } from "../../runtime/log.ts";
import { publicUrl } from "../source/source_failure.ts";
import type { TaskRecord } from "../storage/storage.ts";
import type { BeginningPull, PullJournal, PullNote, PullNotes } from "../task/pull_journal.ts";
import type { TaskRequest } from "../task/task.ts";
import type { PullRecord } from "./pull_record.ts";
import type { RecordStore, TagAnswer } from "./record_store.ts";
import { type EarlierEvent, namesOf, RunningPull } from "./running_pull.ts";

/** Records are written together, so that a pull never waits for that. */
const WRITE_INTERVAL_MS = 1_000;
/** Records that wait to be written; what comes on top within a second is not kept. */
const WAITING_MAX = 2_000;
const TAGS_WAITING_MAX = 256;
/** What a source said belongs to a pull that begins within this time. */
const EARLIER_MS = 30_000;
const EARLIER_URLS_MAX = 1_024;
const EARLIER_EVENTS_MAX = 16;
/** Parts that are read of a content so soon after it came belong to the pull that brought it. */
const OWN_READS_MS = 60_000;
const RECENT_MAX = 1_024;

/** What the recorder works with. */
export interface RecorderParts {
  readonly clock: Clock;
  readonly log: Log;
  readonly store: RecordStore;
}

/**
 * Keeps what people may ask of a pull later: notes while it runs, a record once it has ended. What cannot be written is
 * lost with one warning; no pull fails or waits for it.
 */
export class Recorder implements Disposable {
  readonly #parts: RecorderParts;
  readonly #running = new Set<RunningPull>();
  /** What sources said that was no pull yet, by URL. */
  readonly #earlier: ExpiringMap<EarlierEvent[]>;
  /** When a content came, or was last read whole, by its id. */
  readonly #recent: ExpiringMap<true>;
  #waiting: PullRecord[] = [];
  #tags: TagAnswer[] = [];
  #isWarned = false;
  readonly #timer: Disposable;

  constructor(parts: RecorderParts) {
    this.#parts = parts;
    const now = () => parts.clock.now();
    this.#earlier = new ExpiringMap({ now, sizeMax: EARLIER_URLS_MAX });
    this.#recent = new ExpiringMap({ now, sizeMax: RECENT_MAX });
    this.#timer = parts.clock.every(WRITE_INTERVAL_MS, () => this.flush());
  }

  /** Where downloads write; `managerTrouble` says why the manager cannot be reached, when it cannot. */
  journal(managerTrouble: () => string | undefined): PullJournal {
    return {
      began: (begun) => this.#begin(begun, managerTrouble),
      hit: (request, record, bytes) => this.#hit(request, record, bytes),
    };
  }

  #begin(begun: BeginningPull, managerTrouble: () => string | undefined): PullNotes {
    const { clock } = this.#parts;
    const { url } = begun.record;
    const since = clock.now() - EARLIER_MS;
    const earlier = (this.#earlier.get(url) ?? []).filter(({ atMs }) => atMs > since);
    this.#earlier.delete(url);
    const pull = new RunningPull({ clock, managerTrouble, onEnded: (pull) => this.#onEnded(pull) }, begun, earlier);
    this.#running.add(pull);
    return pull;
  }

  #hit(request: TaskRequest, record: TaskRecord, bytes: number): void {
    const { clock } = this.#parts;
    const { contentLength } = record.plan;
    if (bytes < contentLength && this.#recent.get(record.taskId) === true) return;
    this.#add({
      ...namesOf(request, record.url),
      ...{ peerId: "", digest: record.digest?.text ?? "", isHit: true, isRunning: false, error: "" },
      ...{ startedAtMs: clock.wallMs(), firstByteMs: 0, durationMs: 0, contentLength, originBytes: 0 },
      ...{ peerBytes: 0, localBytes: bytes, parents: [], events: [], droppedEvents: 0 },
    });
  }

  /** Something was said by the source of a URL: a note of the pull of it that runs, or of the next. */
  atSource(url: string, kind: PullEventKind, note: PullNote): void {
    const shown = URL.canParse(url) ? publicUrl(new URL(url)) : url;
    const pull = this.#running.values().find((pull) => pull.url === shown);
    if (pull !== undefined) return pull.note(kind, note);
    const now = this.#parts.clock.now();
    const events = this.#earlier.get(shown) ?? [];
    if (events.length >= EARLIER_EVENTS_MAX) events.shift();
    events.push({ kind, atMs: now, note });
    this.#earlier.set(shown, events, now + EARLIER_MS);
  }

  /** Bytes of a task were held by a limit of this host. */
  held(taskId: string, ms: number, which: string): void {
    for (const pull of this.#running) if (pull.taskIds.includes(taskId)) pull.spent("held", ms, which);
  }

  /** The disk has made all who write wait. */
  diskWaited(ms: number): void {
    for (const pull of this.#running) pull.spent("disk", ms);
  }

  /** A registry has said what a tag is. */
  tagAnswered(answer: Omit<TagAnswer, "answeredAtMs">): void {
    this.#tags.push({ ...answer, answeredAtMs: this.#parts.clock.wallMs() });
    if (this.#tags.length > TAGS_WAITING_MAX) this.#tags.shift();
  }

  /** What runs now. */
  running(): PullRecord[] {
    return [...this.#running].map((pull) => pull.record());
  }

  /** Writes what waits to be written. */
  flush(): void {
    const { store, log, clock } = this.#parts;
    const [records, tags] = [this.#waiting, this.#tags];
    if (records.length === 0 && tags.length === 0) return;
    [this.#waiting, this.#tags] = [[], []];
    try {
      store.add(records, tags, clock.wallMs());
      this.#isWarned = false;
    } catch (error) {
      if (this.#isWarned) return;
      this.#isWarned = true;
      log.warn("Records of pulls cannot be kept: dfctl explain and savings will lack them", {
        error: errorText(error),
      });
    }
  }

  [Symbol.dispose](): void {
    this.#timer[Symbol.dispose]();
    this.flush();
  }

  #onEnded(pull: RunningPull): void {
    this.#running.delete(pull);
    for (const id of pull.taskIds) this.#recent.set(id, true, this.#parts.clock.now() + OWN_READS_MS);
    this.#add(pull.record());
  }

  #add(record: PullRecord): void {
    if (record.isHit) return this.#addHit(record);
    if (this.#waiting.length < WAITING_MAX) this.#waiting.push(record);
  }

  /** Many small reads of a content at the same time are one record. */
  #addHit(hit: PullRecord): void {
    const { taskId, requester } = hit;
    const index = this.#waiting.findLastIndex((one) =>
      one.isHit && one.taskId === taskId && one.requester === requester
    );
    const before = this.#waiting[index];
    if (before !== undefined) this.#waiting[index] = { ...before, localBytes: before.localBytes + hit.localBytes };
    else if (this.#waiting.length < WAITING_MAX) this.#waiting.push(hit);
  }
}
