import { DamselflyError, errorText, isCancelled, toDamselflyError } from "../../core/error.ts";
import { type PiecePlan, pieceRange, planByRule } from "../../core/piece.ts";
import type { Runtime } from "../../runtime/runtime.ts";
import { type Span, traced } from "../../runtime/tracing.ts";
import { type Control, type Decision, type PeerEvent, type PeerSession } from "../control/control.ts";
import type { Parent, ParentRpc } from "../piece/parent.ts";
import type { BandwidthLimit } from "../piece/bandwidth_limit.ts";
import type { PieceClient } from "../piece/vortex_client.ts";
import type { Source, SourceBody, SourceStat } from "../source/source.ts";
import { sourceAnswerOf } from "../source/source_failure.ts";
import { orAbort } from "../../runtime/or_abort.ts";
import type { PieceRecord, Storage, StoredTask } from "../storage/storage.ts";
import type { BanList } from "./ban_list.ts";
import { DecisionWait } from "./decision_wait.ts";
import { closeUnused, isUnshared } from "./early_session.ts";
import type { HeadStarts } from "./head_start.ts";
import { Users } from "./users.ts";
import { findLies } from "./lies.ts";
import { fetchFromParents, parentsOf, type ParentsStage } from "./parents_stage.ts";
import type { PullJournal, PullNotes } from "./pull_journal.ts";
import type { ReadableTask, ReaderPosition } from "./reader.ts";
import { Conversation, pieceMessage, registerOf } from "./report.ts";
import type { SourceRequests } from "./source_requests.ts";
import { SourceLine } from "./source_line.ts";
import { fetchFromSource, wrongContent } from "./source_stage.ts";
import type { SplitSwarms } from "./split_swarms.ts";
import { localTraffic, recordedBytes, type TaskMetrics } from "./task_metrics.ts";
import type { TaskRequest, Traffic } from "./task.ts";
import { Wanted } from "./wanted.ts";

/** Reports that wait for the scheduler to know that the source is asked; what comes on top is dropped. */
const EARLY_REPORTS_MAX = 1_024;

/** How tasks are downloaded; fields of `download` and `scheduler` in dfdaemon's configuration. */
export interface DownloadOptions {
  /** Pieces of one task that are fetched from parents at a time. */
  readonly concurrentPieceCount: number;
  /** Decisions of the scheduler about one download before the source is asked. */
  readonly maxScheduleCount: number;
  /** How long a parent may tell nothing while others do. */
  readonly collectedPieceTimeoutMs: number;
  /** How long parents may make no progress before they are given up. */
  readonly parentStallTimeoutMs: number;
}

/** What all downloads of this host together may take. */
export interface DownloadLimits {
  readonly parents: BandwidthLimit;
  readonly source: BandwidthLimit;
  /** Of what is fetched though nobody reads it, besides the other two. */
  readonly prefetch: BandwidthLimit;
}

/** What downloads work with. */
export interface DownloadParts {
  readonly storage: Storage;
  readonly source: Source;
  readonly control: Control;
  readonly parentRpc: ParentRpc;
  readonly pieceClient: PieceClient;
  readonly limits: DownloadLimits;
  readonly bans: BanList;
  readonly splits: SplitSwarms;
  readonly headStarts?: HeadStarts;
  readonly metrics: TaskMetrics;
  readonly journal: PullJournal;
  /** Called with the bytes of pieces that came from parents or the source. */
  readonly onReceived: (bytes: number) => void;
  readonly runtime: Pick<Runtime, "clock" | "random" | "log">;
  readonly options: DownloadOptions;
}

/** What one download is about. */
export interface DownloadSubject {
  readonly peerId: string;
  readonly request: TaskRequest;
  readonly requests: SourceRequests;
  readonly stat: SourceStat;
  /** All of the content, if the source has begun to send it. */
  readonly begun?: SourceBody | undefined;
  /** The session with the scheduler, if it is being opened and the registration under way. */
  readonly session?: Promise<PeerSession | undefined> | undefined;
}

/** One run of a task, from the first decision to the seal. Many may read it meanwhile. */
export class Download implements ReadableTask {
  readonly peerId: string;
  /** Resolves when the task is sealed; rejects with what ended the download. */
  readonly sealed: Promise<Traffic>;
  readonly #parts: DownloadParts;
  readonly #subject: DownloadSubject;
  readonly #failed = new AbortController();
  readonly #replaced = Promise.withResolvers<StoredTask>();
  readonly #wanted: Wanted;
  readonly #users: Users;
  readonly #notes: PullNotes;
  readonly #holds = new DisposableStack();
  readonly #traffic: { -readonly [K in keyof Traffic]: Traffic[K] };
  #stored: StoredTask;
  #isBackToSource = false;
  #begun: SourceBody | undefined;
  #session: Promise<PeerSession | undefined> | undefined;
  /** Reports of pieces, until the scheduler knows how they are fetched. */
  #early: PeerEvent[] | undefined = [];
  /** Of a parent that could not be used because of it. */
  #otherPieceLength: number | undefined;
  #goodbye: Promise<void> = Promise.resolve();
  /** The step of the request that began it. */
  #span: Span | undefined;

  /** `stored` must not have been given away since storage opened it, or it may be collected before it is held. */
  constructor(parts: DownloadParts, subject: DownloadSubject, stored: StoredTask, signal: AbortSignal) {
    this.#parts = parts;
    this.#subject = subject;
    this.peerId = subject.peerId;
    this.#begun = subject.begun;
    this.#session = subject.session;
    this.#stored = stored;
    this.#holds.use(stored.hold());
    this.#traffic = { ...localTraffic(recordedBytes(stored)) };
    const { peerId, request } = subject;
    this.#wanted = new Wanted(request.rest);
    this.#users = new Users({
      clock: parts.runtime.clock,
      isOnlyRead: () => this.isOnlyRead,
      onNone: () => this.#holds.dispose(),
    });
    this.#notes = parts.journal.began({ peerId, request, record: stored.record, localBytes: this.#traffic.localPeer });
    this.#replaced.promise.catch(() => {});
    this.sealed = traced("download_task", { attributes: this.#facts() }, (span) => {
      this.#span = span;
      return this.#run(AbortSignal.any([signal, this.#users.unread]));
    });
    this.sealed.catch(() => {});
    if (request.rest === "prefetched") this.#prefetch();
  }

  /** What the swarm calls it; it may be stored by another id. */
  get taskId(): string {
    return this.#subject.request.taskId;
  }

  get stored(): StoredTask {
    return this.#stored;
  }

  get failed(): AbortSignal {
    return this.#failed.signal;
  }

  get requests(): SourceRequests {
    return this.#subject.requests;
  }

  /** Whether the source had begun to send all of it when this began. */
  get hasBegun(): boolean {
    return this.#subject.begun !== undefined;
  }

  traffic(): Traffic {
    return { ...this.#traffic };
  }

  replaced(signal: AbortSignal): Promise<StoredTask> {
    return orAbort(this.#replaced.promise, signal);
  }

  onWait(): void {
    this.#wanted.demand.ring();
  }

  get readers(): Set<ReaderPosition> {
    return this.#wanted.readers;
  }

  get isOnlyRead(): boolean {
    return this.#wanted.isOnlyRead;
  }

  /** Another request joins: what it wants is fetched too. */
  join({ source, rest }: TaskRequest): void {
    this.requests.add(source);
    if (this.#wanted.join(rest)) this.#prefetch();
  }

  #prefetch(): void {
    this.#wanted.prefetch(() => this.#stored, this.#parts.limits.prefetch, this.#users.over).catch(() => {});
  }

  /** What goes on after the end for a limited time: the last words to the scheduler. */
  async untilQuiet(): Promise<void> {
    await this.sealed.catch(() => {});
    await this.#goodbye;
  }

  /** Keeps what is stored, until the result is disposed; undefined when it is let go already. */
  use(): Disposable | undefined {
    return this.#users.add();
  }

  async #run(signal: AbortSignal): Promise<Traffic> {
    const { clock, log } = this.#parts.runtime;
    const { contentLength } = this.#stored.record.plan;
    const ended = this.#parts.metrics.started(this.#subject.request);
    const startedAt = clock.now();
    const fields = { taskId: this.taskId, peerId: this.peerId, contentLength };
    try {
      await this.#complete(signal);
      const durationMs = Math.round(clock.now() - startedAt);
      ended(false);
      this.#parts.metrics.succeeded(contentLength, durationMs);
      this.#notes.ended();
      this.#span?.set({ "bytes.source": this.#traffic.backToSource, "bytes.peers": this.#traffic.remotePeer });
      log.info("A task is complete", { ...fields, ...this.#traffic, durationMs });
      return this.traffic();
    } catch (caught) {
      const error = signal.aborted ? signal.reason : toDamselflyError(caught, "internal", "Cannot complete the task");
      ended(!isCancelled(error));
      this.#notes.ended(error);
      if (!isCancelled(error)) log.warn("A task failed", { ...fields, ...this.#traffic, error: errorText(error) });
      this.#failed.abort(error);
      this.#stored.expectNothing(error);
      throw error;
    } finally {
      this.#replaced.reject(new DamselflyError("cancelled", "The download has ended"));
      await this.#takeBegun()?.[Symbol.asyncDispose]();
      await closeUnused(this.#takeSession());
      this.#users.end();
    }
  }

  /** What a trace of it is found by. */
  #facts() {
    const { url, plan: { contentLength, pieceCount } } = this.#stored.record;
    const ids = { host_id: this.#parts.control.hostId, task_id: this.taskId, peer_id: this.peerId };
    return { ...ids, url, content_length: contentLength, piece_count: pieceCount };
  }

  async #complete(signal: AbortSignal): Promise<void> {
    if (await this.#isFull(signal)) {
      await this.#seal(undefined, signal);
      if (this.#stored.record.plan.pieceCount > 0) this.#goodbye = this.#announce(signal);
      return;
    }
    const talk = await this.#openConversation(signal);
    try {
      await this.#fill(talk, signal);
      await this.#seal(talk, signal);
    } catch (error) {
      const kind = this.#isBackToSource ? "back_to_source_failed" : "failed";
      if (signal.aborted) talk?.close();
      else talk?.finish({ kind, description: errorText(error) });
      this.#goodbye = talk?.closed ?? this.#goodbye;
      throw error;
    }
    const isTold = talk?.isOpen === true;
    talk?.finish({ kind: this.#isBackToSource ? "back_to_source_finished" : "finished" });
    this.#goodbye = isTold ? talk.closed : this.#announce(signal, talk);
  }

  async #openConversation(signal: AbortSignal): Promise<Conversation | undefined> {
    if (this.#isUnshared()) return undefined;
    const session = await this.#openSession(signal);
    return session === undefined ? undefined : new Conversation(session, this.#parts.runtime.log, signal);
  }

  async #openSession(signal: AbortSignal): Promise<PeerSession | undefined> {
    const { control, runtime: { log } } = this.#parts;
    try {
      const session = await (this.#takeSession() ?? control.openSession(this.taskId, this.peerId, signal));
      if (session === undefined) this.#notes.note("no_scheduler");
      return session;
    } catch (error) {
      signal.throwIfAborted();
      this.#notes.note("no_scheduler", { detail: errorText(error) });
      log.warn("No scheduler can be asked; the download goes on without", { error: errorText(error) });
      return undefined;
    }
  }

  /** Whether the scheduler, to which the stream broke off, is there over another one. */
  async #hasReturned(talk: Conversation, signal: AbortSignal): Promise<boolean> {
    if (!talk.isBrokenOff) return false;
    const session = await this.#openSession(signal);
    if (session === undefined) return false;
    await talk.beginAnew(session);
    this.#early = [];
    return true;
  }

  #isUnshared(): boolean {
    return isUnshared(this.#subject.request, this.#stored.record.plan, this.#parts.control);
  }

  /** Gets all pieces, from where the scheduler says and, for the rest, from the source. */
  async #fill(talk: Conversation | undefined, signal: AbortSignal): Promise<void> {
    const { concurrentPieceCount, maxScheduleCount } = this.#parts.options;
    await using line = new SourceLine((signal) => this.#fromSource(talk, signal), signal);
    // Whoever is to fetch it from the source need not wait to be told so.
    if (this.#begun !== undefined) line.start();
    const register = registerOf(this.#subject.request, this.#stored.record.plan, concurrentPieceCount);
    let decision = await this.#ask(register, talk, line, signal);
    let isNew = true;
    for (let asked = 1; talk !== undefined; asked++) {
      if (decision === undefined && await this.#hasReturned(talk, signal)) {
        decision = await this.#ask(register, talk, line, signal);
        isNew = true;
      }
      if (decision === undefined) break;
      if (decision.kind === "back_to_source") {
        this.#allowSource(decision.description);
        this.#noteSplit();
        this.#tellWay({ kind: "back_to_source_started" }, talk);
        this.#isBackToSource = true;
        return await line.finish();
      }
      if (isNew) this.#tellWay({ kind: "started" }, talk);
      isNew = false;
      if (decision.kind !== "from_parents") break;
      await line.stop();
      let bereftIds = await this.#fromParents(decision, talk, signal);
      while (await this.#hasRested(signal)) bereftIds = await this.#fromParents(decision, talk, signal);
      if (await this.#isFull(signal)) return;
      if (asked >= maxScheduleCount) {
        talk.finish({ kind: "failed", description: `${asked} sets of parents did not have all pieces` });
        break;
      }
      const parents = decision.parents.filter(({ id }) => !bereftIds.has(id));
      const again = { kind: "reschedule", parents, description: "pieces are missing" } as const;
      decision = await this.#ask(again, talk, line, signal);
    }
    this.#allowSource(talk === undefined ? this.#whyAlone() : whyOf(decision));
    this.#noteSplit();
    await line.finish();
  }

  /** Where not all is wanted: whether it was there, and something else is wanted now, for which was waited. */
  async #hasRested(signal: AbortSignal): Promise<boolean> {
    const isFull = () => this.#stored.recordedPieceCount === this.#stored.record.plan.pieceCount;
    if (isFull() || this.#wanted.isMissing(this.#stored)) return false;
    while (!isFull() && !this.#wanted.isMissing(this.#stored)) await this.#wanted.demand.next(signal);
    return !isFull();
  }

  #whyAlone(): string {
    return this.#isUnshared()
      ? "a stock scheduler does not have so small a content shared"
      : "no scheduler is reachable";
  }

  /** Says something that is answered with a decision. */
  async #ask(
    event: PeerEvent,
    talk: Conversation | undefined,
    line: SourceLine,
    signal: AbortSignal,
  ): Promise<Decision | undefined> {
    if (talk === undefined) return undefined;
    const { begun, request: { disableBackToSource } } = this.#subject;
    const mayDoubt = !disableBackToSource && begun === undefined;
    const wait = { runtime: this.#parts.runtime, notes: this.#notes, talk, line, taskId: this.taskId, mayDoubt };
    return await new DecisionWait(wait).ask(event, signal);
  }

  /** Tells how the pieces are fetched, and of those that came before that was decided. */
  #tellWay(way: PeerEvent, talk: Conversation): void {
    talk.post(way);
    for (const event of this.#early ?? []) talk.post(event);
    this.#early = undefined;
  }

  #takeBegun(): SourceBody | undefined {
    const begun = this.#begun;
    this.#begun = undefined;
    return begun;
  }

  #takeSession(): Promise<PeerSession | undefined> | undefined {
    const session = this.#session;
    this.#session = undefined;
    return session;
  }

  /** Says why the source is asked, for each copy that it sends is one that the swarm is there to spare it. */
  #allowSource(why: string): void {
    const ids = { taskId: this.taskId, peerId: this.peerId };
    this.#notes.note("to_source", { detail: why });
    if (!this.#subject.request.disableBackToSource) {
      return this.#parts.runtime.log.info("A task is fetched from its source", { ...ids, why });
    }
    throw new DamselflyError(
      "failed_precondition",
      `Cannot download task ${this.taskId}: ${why || "no parent has it"}, and back-to-source is disabled`,
    );
  }

  /** Gives the ids of those parents that did not fail, though the round is over. */
  async #fromParents(
    { parents: peers }: Extract<Decision, { kind: "from_parents" }>,
    talk: Conversation,
    signal: AbortSignal,
  ): Promise<ReadonlySet<string>> {
    const { control, bans, parentRpc, pieceClient, limits, runtime, options } = this.#parts;
    const parents = parentsOf(peers, (hostId) => hostId === control.hostId || bans.has(hostId));
    this.#notes.offered(peers);
    const stage: Omit<ParentsStage, "mayRecut"> = {
      ...runtime,
      ...options,
      hostId: control.hostId,
      taskId: this.taskId,
      peerId: this.peerId,
      stored: this.#stored,
      parentRpc,
      pieceClient,
      parentsLimit: limits.parents,
      readerPieces: () => this.#readerPieces(),
      wanted: this.#wanted,
      onPiece: (record: PieceRecord) => this.#onPiece(record, talk),
      onParentLost: (kind, parent, note) => this.#notes.note(kind, { ...note, subject: parent.rpc.hostname }),
      onParentWaited: ({ peerId }, ms) => this.#notes.parentWaited(peerId, ms),
      onOtherCut: ({ pieceLength }: PiecePlan) => this.#otherPieceLength = pieceLength,
      onPieceFailed: (pieceNumber: number, parentId: string) =>
        talk.post({ kind: "piece_failed", pieceNumber, parentId, temporary: true }),
    };
    const mayRecut = this.#subject.request.pieceLength === undefined;
    if (mayRecut) this.#meet(parents);
    const { plan, bereftIds } = await fetchFromParents({ ...stage, mayRecut }, parents, signal);
    if (plan === undefined) return bereftIds;
    if (this.#stored.recordedPieceCount === 0) this.#stored.recut({ plan });
    return (await fetchFromParents({ ...stage, mayRecut: false }, parents, signal)).bereftIds;
  }

  /** Parents of our own make give pieces in any cut, others only in theirs: that of the stock rule, as a rule. */
  #meet(parents: readonly Parent[]): void {
    const { plan: { contentLength }, isOwnCut } = this.#stored.record;
    if (isOwnCut !== true || this.#stored.recordedPieceCount > 0) return;
    if (parents.every(({ cutsAsAsked }) => cutsAsAsked)) return;
    this.#stored.recut({ plan: planByRule(contentLength, "dragonfly") });
  }

  /** Notes that P2P was lost to a difference that a setting can mend. */
  #noteSplit(): void {
    if (this.#otherPieceLength === undefined) return;
    const { plan } = this.#stored.record;
    this.#parts.splits.add(this.taskId, plan.pieceLength, this.#otherPieceLength);
  }

  async #fromSource(talk: Conversation | undefined, signal: AbortSignal): Promise<void> {
    const { source, limits, runtime, headStarts } = this.#parts;
    const { requests, stat, request: { needBackToSource } } = this.#subject;
    try {
      await fetchFromSource({
        ...runtime,
        source,
        sourceLimit: limits.source,
        stored: this.#stored,
        requests,
        begun: this.#takeBegun(),
        acceptsRanges: stat.acceptsRanges,
        wanted: this.#wanted,
        onPiece: (record) => this.#onPiece(record, talk),
        headStart: needBackToSource ? (signal) => headStarts?.give(this.#stored, signal) : undefined,
      }, signal);
    } catch (error) {
      if (!signal.aborted) talk?.post({ kind: "piece_back_to_source_failed", message: errorText(error) });
      // What is here belongs to a version that nobody can complete: the next request begins anew.
      if (sourceAnswerOf(error)?.isOtherVersion === true) await this.#parts.storage.delete(this.#stored.record.taskId);
      throw error;
    }
  }

  #onPiece(record: PieceRecord, talk: Conversation | undefined): void {
    const { plan } = this.#stored.record;
    const { start, end } = pieceRange(plan, record.number);
    const isFromSource = record.trafficType === "back_to_source";
    this.#traffic[isFromSource ? "backToSource" : "remotePeer"] += end - start;
    this.#parts.metrics.received(record.trafficType, end - start);
    this.#notes.received(record, end - start);
    this.#parts.onReceived(end - start);
    this.#span?.event("piece", { number: record.number, length: end - start, parent: record.parentId || "source" });
    const kind = isFromSource ? "piece_back_to_source_finished" : "piece_finished";
    const event = { kind, piece: pieceMessage(record, plan) } as const;
    if (this.#early === undefined) talk?.post(event);
    else if (talk !== undefined && this.#early.length < EARLY_REPORTS_MAX) this.#early.push(event);
  }

  *#readerPieces(): Generator<number> {
    const { pieceLength } = this.#stored.record.plan;
    for (const { position } of this.readers) yield Math.floor(position / pieceLength);
  }

  async #seal(talk: Conversation | undefined, signal: AbortSignal): Promise<void> {
    const { clock } = this.#parts.runtime;
    const filledAt = clock.now();
    try {
      await this.#stored.seal(signal);
      this.#notes.note("seal", { ms: clock.now() - filledAt });
    } catch (error) {
      if (!(error instanceof DamselflyError) || error.code !== "data_loss") throw error;
      await this.#healFrom(error, talk, signal);
    }
  }

  /** Somebody gave wrong bytes: takes all from the source, and finds out by comparison who it was. */
  async #healFrom(mismatch: DamselflyError, talk: Conversation | undefined, signal: AbortSignal): Promise<void> {
    const { request, requests } = this.#subject;
    const init = this.#stored.record;
    const claimed = (mismatch.details ?? []) as readonly PieceRecord[];
    const parents = new Set(claimed.map(({ parentId }) => parentId).filter((parentId) => parentId !== ""));
    const [suspect] = parents;
    const areSeveral = requests.pin();
    if (suspect === undefined && !areSeveral) throw wrongContent(init.url, init.digest?.text ?? "");
    if (suspect !== undefined && request.disableBackToSource) {
      const isAlone = parents.size === 1 && claimed.every(({ parentId }) => parentId === suspect);
      if (isAlone) this.#parts.bans.ban(suspect, init.taskId);
      throw mismatch;
    }
    const fresh = await this.#parts.storage.open(init);
    for (const id of init.otherIds) this.#parts.storage.addId(fresh, id);
    this.#holds.use(fresh.hold());
    this.#stored = fresh;
    this.#replaced.resolve(fresh);
    await this.#fromSource(talk, signal);
    const lies = findLies(claimed, (number) => fresh.piece(number)?.digest);
    try {
      await fresh.seal(signal);
    } catch (error) {
      signal.throwIfAborted();
      const isWrong = error instanceof DamselflyError && error.code === "data_loss";
      throw isWrong ? wrongContent(init.url, init.digest?.text ?? "") : error;
    }
    for (const { parentId, pieceNumber } of lies) {
      this.#notes.note("parent_lied", { subject: parentId });
      this.#parts.bans.ban(parentId, init.taskId);
      talk?.post({ kind: "piece_failed", pieceNumber, parentId, temporary: true });
    }
  }

  /** The scheduler did not see how this ended: tells it that this host has the task now. */
  async #announce(signal: AbortSignal, talk?: Conversation): Promise<void> {
    try {
      await talk?.closed;
      await this.#parts.control.announceTask({ ...this.#stored.record, taskId: this.taskId }, signal);
    } catch (error) {
      this.#parts.runtime.log.debug("The scheduler was not told of a task", { error: errorText(error) });
    }
  }

  /** Whether nothing is missing; where an earlier run left all that is, not before that is checked. */
  async #isFull(signal: AbortSignal): Promise<boolean> {
    const { plan } = this.#stored.record;
    if (this.#stored.recordedPieceCount < plan.pieceCount) return false;
    await this.#stored.checked(signal);
    return this.#stored.finishedPieceCount === plan.pieceCount;
  }
}

/** Why a download goes to the source that was not sent there. */
function whyOf(decision: Decision | undefined): string {
  return decision === undefined ? "the scheduler gave no decision" : "no parent has all of it";
}
