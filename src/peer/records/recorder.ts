import { type ContentName, contentNameOf } from "../../core/content_name.ts";
import { ExpiringMap } from "../../core/expiring_map.ts";
import { errorText } from "../../core/error.ts";
import type { PullEventKind } from "../../core/pull_story.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { Log } from "../../runtime/log.ts";
import { publicUrl } from "../source/source_failure.ts";
import type { TaskRecord } from "../storage/storage.ts";
import type { BeginningPull, PullJournal, PullNote, PullNotes } from "../task/pull_journal.ts";
import type { TaskRequest } from "../task/task.ts";
import { type PullRecord, shortened } from "./pull_record.ts";
import type { RecordStore, TagAnswer } from "./record_store.ts";
import { type EarlierEvent, namesOf, RunningPull } from "./running_pull.ts";

/** Records are written together, so that a pull never waits for that. */
const WRITE_INTERVAL_MS = 1_000;
/** Records that wait to be written; what comes on top is not kept. */
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
 * told of once and tried again, as long as there is room; no pull fails or waits for it.
 */
export class Recorder implements Disposable {
  readonly #parts: RecorderParts;
  readonly #running = new Set<RunningPull>();
  /** What sources said that was no pull yet, by URL, and by {@link repositoryOf} one. */
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
      failed: (request, init, error) => {
        this.#addAtOnce(request, init, { isHit: false, localBytes: 0, error: shortened(errorText(error)) });
      },
      hit: (request, record, bytes) => this.#hit(request, record, bytes),
    };
  }

  #begin(begun: BeginningPull, managerTrouble: () => string | undefined): PullNotes {
    const { clock } = this.#parts;
    const earlier = [begun.record.url, repositoryOf(begun.record.url)].flatMap((key) => this.#takeEarlier(key));
    earlier.sort((a, b) => a.atMs - b.atMs);
    const pull = new RunningPull({ clock, managerTrouble, onEnded: (pull) => this.#onEnded(pull) }, begun, earlier);
    this.#running.add(pull);
    return pull;
  }

  #takeEarlier(key: string): EarlierEvent[] {
    const since = this.#parts.clock.now() - EARLIER_MS;
    const earlier = (this.#earlier.get(key) ?? []).filter(({ atMs }) => atMs > since);
    this.#earlier.delete(key);
    return earlier;
  }

  #hit(request: TaskRequest, record: TaskRecord, bytes: number): void {
    if (bytes < record.plan.contentLength && this.#recent.get(record.taskId) === true) return;
    this.#addAtOnce(request, record, { isHit: true, localBytes: bytes, error: "" });
  }

  /** Adds what took no time. */
  #addAtOnce(
    request: TaskRequest,
    { url, digest, plan: { contentLength } }: Pick<TaskRecord, "url" | "digest" | "plan">,
    facts: Pick<PullRecord, "isHit" | "localBytes" | "error">,
  ): void {
    this.#add({
      ...namesOf(request, url),
      ...{ peerId: "", digest: digest?.text ?? "", isRunning: false, startedAtMs: this.#parts.clock.wallMs() },
      ...{ firstByteMs: facts.isHit ? 0 : undefined, durationMs: 0, contentLength, originBytes: 0, peerBytes: 0 },
      ...{ parents: [], events: [], droppedEvents: 0, ...facts },
    });
  }

  /** Something was said by the source of a URL: a note of the pull of it that runs, or of the next. */
  atSource(url: string, kind: PullEventKind, note: PullNote): void {
    const shown = URL.canParse(url) ? publicUrl(new URL(url)) : url;
    const pull = this.#running.values().find((pull) => pull.url === shown);
    if (pull !== undefined) return pull.note(kind, note);
    this.#addEarlier(shown, kind, note);
  }

  /**
   * Something was said by the registry of a URL that is about its whole repository, such as of a tag, or that a sign-in
   * is needed: a note of the next pull from there.
   */
  atRepository(url: string, kind: PullEventKind, note: PullNote): void {
    const key = repositoryOf(url);
    if (key === "") return this.atSource(url, kind, note);
    this.#addEarlier(key, kind, note);
  }

  #addEarlier(key: string, kind: PullEventKind, note: PullNote): void {
    const now = this.#parts.clock.now();
    const events = this.#earlier.get(key) ?? [];
    if (events.length >= EARLIER_EVENTS_MAX) events.shift();
    events.push({ kind, atMs: now, note });
    this.#earlier.set(key, events, now + EARLIER_MS);
  }

  /** Bytes of a task were held by a limit of this host. */
  held(taskId: string, ms: number, which: string): void {
    for (const pull of this.#running) if (pull.taskIds.includes(taskId)) pull.spent("held", ms, { detail: which });
  }

  /** The disk has made all who write wait. */
  diskWaited(ms: number): void {
    for (const pull of this.#running) pull.spent("disk", ms);
  }

  /** A registry has said what a tag is. What was waited for until then is a part of the pull that follows. */
  tagAnswered(answer: Omit<TagAnswer, "answeredAtMs">): void {
    const { clock } = this.#parts;
    const now = clock.now();
    const asked = (this.#earlier.get(repositoryKey(answer)) ?? []).map(({ atMs, note: { ms = 0 } }) => atMs - ms);
    const waitedMs = now - Math.min(now, ...asked.filter((atMs) => atMs > now - EARLIER_MS));
    this.#tags.push({ ...answer, answeredAtMs: clock.wallMs() - waitedMs });
    if (this.#tags.length > TAGS_WAITING_MAX) this.#tags.shift();
  }

  /** What has ended and is not written. */
  unwritten(): readonly PullRecord[] {
    return this.#waiting;
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
      [this.#waiting, this.#tags] = [records, tags];
      if (this.#isWarned) return;
      this.#isWarned = true;
      log.warn("Records of pulls cannot be written: dfctl explain and savings lack them after the next start", {
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

/** What all contents of a repository have in common; empty for what is no content of a registry. */
function repositoryOf(url: string): string {
  return repositoryKey(contentNameOf(url));
}

function repositoryKey({ registry, repository }: ContentName): string {
  return repository === "" ? "" : `${registry}/${repository}`;
}
