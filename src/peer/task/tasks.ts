import type { ByteRange } from "../../core/byte_range.ts";
import type { Digest } from "../../core/digest.ts";
import { DamselflyError, errorText } from "../../core/error.ts";
import { peerIdOf } from "../../core/host_id.ts";
import {
  isOwnPlan,
  isUsualPieceLength,
  pieceLengthOf,
  type PieceLengthRule,
  piecePlan,
  PIECES_MAX,
} from "../../core/piece.ts";
import { blobDigestOf, taskIdOf, taskIdPartsOf } from "../../core/task_id.ts";
import type { Runtime } from "../../runtime/runtime.ts";
import type { Control } from "../control/control.ts";
import type { ParentRpc } from "../piece/parent.ts";
import type { PieceClient } from "../piece/vortex_client.ts";
import { isObjectUrl, locationOf } from "../source/location.ts";
import type { Source, SourceStat } from "../source/source.ts";
import { publicUrl, sourceAnswerOf } from "../source/source_failure.ts";
import { orAbort } from "../../runtime/or_abort.ts";
import type { Storage, StoredTask, TaskCut, TaskInit } from "../storage/storage.ts";
import { BanList } from "./ban_list.ts";
import { ContentDigests } from "./content_digests.ts";
import { Download, type DownloadLimits, type DownloadOptions, type DownloadParts } from "./download.ts";
import { closeUnused, isUnshared, openRegistered } from "./early_session.ts";
import type { HeadStarts } from "./head_start.ts";
import { NO_JOURNAL, type PullJournal } from "./pull_journal.ts";
import { readTask } from "./reader.ts";
import { registerOf } from "./report.ts";
import { SplitSwarms } from "./split_swarms.ts";
import { SourceRequests } from "./source_requests.ts";
import { localTraffic, TaskMetrics } from "./task_metrics.ts";
import type { TaskHandle, TaskRequest, Tasks, Traffic } from "./task.ts";

/** Downloads at a time; a node pulls a few images with some dozens of layers. */
const RUNNING_TASKS_MAX = 1_024;
/** How often a request that joined a failing one begins again. */
const JOINS_MAX = 8;
/** Answers that are about the requester who happened to be first. */
const REFUSALS = new Set([401, 403, 404]);

/** How tasks are run. */
export interface TasksOptions extends DownloadOptions {
  readonly pieceLengthRule: PieceLengthRule;
}

/** What all tasks together have moved. */
export interface TrafficMeter {
  /** Bytes since the start. */
  traffic(): Traffic;
}

/** What tasks work with. */
export interface TasksParts {
  readonly storage: Storage;
  readonly source: Source;
  readonly control: Control;
  readonly parentRpc: ParentRpc;
  readonly pieceClient: PieceClient;
  readonly limits: DownloadLimits;
  /** Called with the bytes of pieces that came from parents or the source. */
  readonly onReceived: (bytes: number) => void;
  /** Told by whoever gives pieces away; left out, nobody is waited for. */
  readonly headStarts?: HeadStarts;
  /** Left out, nothing is kept of a pull. */
  readonly journal?: PullJournal;
  readonly runtime: Pick<Runtime, "clock" | "random" | "log" | "metrics">;
  readonly options: TasksOptions;
}

/**
 * The tasks of this host. A download goes on when all its requesters have left, since another node or the next pull
 * will want it; disposing this stops all downloads, and what they have finished stays in the storage.
 */
export function createTasks(parts: TasksParts): Tasks & TrafficMeter {
  return new RunningTasks(parts);
}

interface Running {
  readonly opened: Promise<Download>;
}

class RunningTasks implements Tasks, TrafficMeter {
  readonly #parts: TasksParts;
  readonly #downloads: DownloadParts;
  readonly #stop = new AbortController();
  /** By every name under which a request can be for the same copy: see {@link #keysOf}. */
  readonly #running = new Map<string, Running>();
  #runningCount = 0;
  readonly #background = new Set<Promise<void>>();
  /** Handles by task, so that nothing is deleted under a reader. */
  readonly #handles = new Map<string, number>();
  #hasWarnedOfIds = false;
  readonly #digests = new ContentDigests(this.#stop.signal, (work) => this.#inBackground(work));

  constructor(parts: TasksParts) {
    this.#parts = parts;
    const { clock, log, metrics } = parts.runtime;
    this.#downloads = {
      ...parts,
      journal: parts.journal ?? NO_JOURNAL,
      bans: new BanList({ clock, log, metrics }),
      splits: new SplitSwarms({ clock, log, metrics }),
      metrics: new TaskMetrics(metrics),
    };
  }

  async open(request: TaskRequest, signal: AbortSignal): Promise<TaskHandle> {
    for (let joins = 0;; joins++) {
      this.#stop.signal.throwIfAborted();
      signal.throwIfAborted();
      const local = this.#openLocal(request);
      if (local !== undefined) return await this.#checkedLocal(local, request, signal);
      const joined = this.#runningFor(request);
      try {
        const download = await orAbort((joined ?? this.#start(request)).opened, signal);
        if (isOfOtherUrl(download.stored, request)) throw otherContent(request.taskId);
        if (!isContentOf(download.stored, request)) {
          if (request.isBlobDigestTaskId) throw otherContent(request.taskId);
          // Whether it is the content that is asked for is known once it is there.
          await orAbort(download.sealed.catch(() => {}), signal);
          continue;
        }
        const use = download.use();
        if (use === undefined) {
          await orAbort(download.sealed.catch(() => {}), signal);
          continue;
        }
        if (joined !== undefined) this.#join(download, request);
        const isGranted = joined === undefined && download.hasBegun;
        const handle = new DownloadHandle(download, use, request.taskId, isGranted);
        return this.#handle(handle, download.stored.record.taskId);
      } catch (error) {
        if (joined === undefined || signal.aborted || joins >= JOINS_MAX || !isRefusal(error)) throw error;
      }
    }
  }

  asksSourceAtOnce(request: TaskRequest): boolean {
    const { storage, control } = this.#parts;
    const { taskId, needBackToSource, rest, disableBackToSource, stat } = request;
    const isForUs = needBackToSource || (rest === "none" && !disableBackToSource && control.isAlone());
    if (!isForUs || stat !== undefined || this.#runningFor(request) !== undefined) return false;
    return !storage.has(storage.storedAs(taskId, contentOf(request)));
  }

  traffic(): Traffic {
    return this.#downloads.metrics.traffic();
  }

  async delete(taskId: string, signal: AbortSignal): Promise<void> {
    const { storage } = this.#parts;
    const record = storage.find(taskId)?.record;
    const keys = [taskId, ...(record === undefined ? [] : [record.taskId, record.digest?.hex ?? ""])];
    if (keys.some((key) => this.#running.has(key) || this.#handles.has(key))) {
      throw new DamselflyError("failed_precondition", `Cannot delete task ${taskId}: it is in use`);
    }
    if (record === undefined) {
      throw new DamselflyError("not_found", `Cannot delete task ${taskId}: this host does not have it`);
    }
    await storage.delete(taskId);
    for (const id of [record.taskId, ...record.otherIds]) await this.#tellDeleted(id, signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort(new DamselflyError("cancelled", "This host is stopping"));
    await Promise.all([...this.#running.values()].map(({ opened }) => opened.then(() => {}, () => {})));
    await Promise.all([...this.#background]);
  }

  #openLocal(request: TaskRequest): LocalHandle | undefined {
    const { storage } = this.#parts;
    const stored = storage.find(storage.storedAs(request.taskId, contentOf(request)));
    if (stored === undefined || !stored.record.isSealed) return undefined;
    // The id of a blob says what its content is: what is kept under it with another digest is no such blob.
    if (request.isBlobDigestTaskId && !isContentOf(stored, request)) return undefined;
    if (isOfOtherUrl(stored, request)) return undefined;
    this.#call(stored, request.taskId);
    return this.#handle(new LocalHandle(stored, this.#newPeerId(), request.taskId), stored.record.taskId);
  }

  /** Another request for what is being downloaded, maybe by another id. */
  #join(download: Download, request: TaskRequest): void {
    const { taskId, needBackToSource } = request;
    download.join(request);
    if (taskId === download.taskId) return;
    this.#call(download.stored, taskId);
    if (!needBackToSource) return;
    // Those who wait for this host under that id can have the pieces that there are; they follow until the last.
    this.#announce(download.stored, taskId);
    this.#inBackground(
      download.sealed.then(() => {}, () => this.#tellDeleted(taskId, this.#stop.signal)),
    );
  }

  /** From now on a task is found by this id too. Two kinds of ids for one blob mean two swarms, of which one is too many. */
  #call(stored: StoredTask, taskId: string): void {
    const { record } = stored;
    if (taskId === record.taskId || record.otherIds.includes(taskId)) return;
    this.#parts.storage.addId(stored, taskId);
    const areOfOneKind = (taskId === record.digest?.hex) === (record.taskId === record.digest?.hex);
    if (areOfOneKind || this.#hasWarnedOfIds) return;
    this.#hasWarnedOfIds = true;
    this.#parts.runtime.log.warn(
      "Peers ask for one blob by its URL and by its digest, and only share with those who ask as they do; " +
        "set proxy.registryMirror.enableTaskIDBasedBlobDigest alike on all peers",
      { digest: record.digest?.text, taskIds: [record.taskId, taskId] },
    );
  }

  /** Any other id may stand for a content with the digest that is asked for, or not: whoever asks is told. */
  async #checkedLocal(local: LocalHandle, request: TaskRequest, signal: AbortSignal): Promise<TaskHandle> {
    try {
      await this.#digests.require(local.stored, request.digest, signal);
    } catch (error) {
      await local[Symbol.asyncDispose]();
      throw error;
    }
    this.#downloads.metrics.received("local_peer", local.contentLength);
    local.onRead = (bytes) => this.#downloads.journal.hit(request, local.stored.record, bytes);
    // The scheduler triggered this host because it did not know that it has the task.
    if (request.needBackToSource) this.#announce(local.stored, request.taskId);
    return local;
  }

  /**
   * What a download is known by while it runs: the digest of its blob, its id, and the id of the copy that it writes.
   * Two downloads never write one copy.
   */
  #keysOf(request: TaskRequest): string[] {
    const content = contentOf(request);
    const storedAs = this.#parts.storage.storedAs(request.taskId, content);
    return [...new Set([...(content === undefined ? [] : [content.hex]), storedAs, request.taskId])];
  }

  #runningFor(request: TaskRequest): Running | undefined {
    const key = this.#keysOf(request).find((key) => this.#running.has(key));
    return key === undefined ? undefined : this.#running.get(key);
  }

  #start(request: TaskRequest): Running {
    const { taskId } = request;
    if (this.#runningCount >= RUNNING_TASKS_MAX) {
      throw new DamselflyError(
        "resource_exhausted",
        `Cannot download task ${taskId}: ${RUNNING_TASKS_MAX} downloads are running`,
      );
    }
    const keys = this.#keysOf(request);
    // Decided with the keys: what another download stores meanwhile is that one's.
    const storedAs = this.#parts.storage.storedAs(taskId, contentOf(request));
    const running = { opened: this.#begin(request, storedAs) };
    this.#runningCount++;
    for (const key of keys) this.#running.set(key, running);
    const forget = () => {
      this.#runningCount--;
      for (const key of keys) this.#running.delete(key);
    };
    this.#inBackground(running.opened.then(async (download) => {
      await download.sealed.catch(() => {});
      forget();
      await download.untilQuiet();
    }, forget));
    return running;
  }

  async #begin(request: TaskRequest, storedAs: string): Promise<Download> {
    const signal = this.#stop.signal;
    const url = publicUrlOf(request);
    const { taskId, digest } = request;
    // One request of the source, where it is known that it will be asked for all.
    const { stat, body: begun } = this.asksSourceAtOnce(request)
      ? await this.#parts.source.begin(request.source, signal)
      : { stat: await this.#stat(request, signal) };
    await using unused = new AsyncDisposableStack();
    unused.use(begun);
    const cut = this.#cut(request, stat);
    const facts = { url, idParts: idPartsOf(request), digest, responseHeaders: stat.responseHeaders };
    const peerId = this.#newPeerId();
    // The file is made meanwhile: neither needs the other.
    const session = this.#registerEarly(request, storedAs, peerId, cut);
    unused.defer(() => this.#inBackground(closeUnused(session)));
    const stored = await this.#openStored({ taskId: storedAs, ...facts, ...cut }, request).catch((error) => {
      this.#downloads.journal.failed(request, { ...facts, ...cut }, error);
      throw error;
    });
    this.#call(stored, taskId);
    const subject = { peerId, request, requests: new SourceRequests(request.source), stat, begun, session };
    const download = new Download(this.#downloads, subject, stored, signal);
    unused.move();
    return download;
  }

  /** Tells the scheduler of a download of which nothing is here yet. */
  #registerEarly(request: TaskRequest, storedAs: string, peerId: string, { plan }: TaskCut) {
    const { storage, control, options } = this.#parts;
    if (storage.has(storedAs) || plan.pieceCount === 0 || isUnshared(request, plan, control)) return undefined;
    const event = registerOf(request, plan, options.concurrentPieceCount);
    const session = openRegistered(control, { taskId: request.taskId, peerId, event }, this.#stop.signal);
    session.catch(() => {}); // and seen by the download
    return session;
  }

  /** Asks the source what the content is; what is known already will do for a digest when the source is down. */
  async #stat(request: TaskRequest, signal: AbortSignal): Promise<SourceStat> {
    if (request.stat !== undefined) return request.stat;
    try {
      return await this.#parts.source.stat(request.source, signal);
    } catch (error) {
      const status = sourceAnswerOf(error)?.status ?? 500;
      const known = request.digest === undefined ? undefined : this.#parts.storage.find(request.taskId)?.record;
      if (signal.aborted || status < 500 || known === undefined) throw error;
      return {
        contentLength: known.plan.contentLength,
        acceptsRanges: true,
        responseHeaders: known.responseHeaders,
      };
    }
  }

  /** By the piece length that was asked for, else as the swarm cuts the content already, else by our rule. */
  #cut({ pieceLength: wanted, swarmPieceLength: swarms }: TaskRequest, { contentLength }: SourceStat): TaskCut {
    const ofSwarm = swarms !== undefined && isUsualPieceLength(swarms) ? swarms : undefined;
    const pieceLength = wanted ?? ofSwarm ?? pieceLengthOf(contentLength, this.#parts.options.pieceLengthRule);
    const plan = piecePlan(contentLength, pieceLength);
    if (plan.pieceCount <= PIECES_MAX) return { plan, isOwnCut: wanted === undefined && isOwnPlan(plan) };
    throw new DamselflyError(
      "invalid_argument",
      `Cannot cut ${contentLength} bytes into pieces of ${pieceLength}: at most ${PIECES_MAX} pieces are allowed`,
    );
  }

  /** What is left of an earlier download counts, unless it may be of another version of the content. */
  async #openStored(init: TaskInit, request: TaskRequest): Promise<StoredTask> {
    const { storage } = this.#parts;
    const stored = await storage.open(init);
    if (isOfOtherUrl(stored, request)) {
      await storage.delete(init.taskId);
      return storage.open(init);
    }
    if (init.digest !== undefined || stored.recordedPieceCount === 0) return stored;
    const [before, now] = [stored.record.responseHeaders, init.responseHeaders];
    const isSame = ["etag", "last-modified"].every((name) => before[name] === now[name]);
    if (isSame) return stored;
    await storage.delete(init.taskId);
    return storage.open(init);
  }

  #announce({ record }: StoredTask, taskId: string): void {
    const { control, runtime: { log } } = this.#parts;
    this.#inBackground(
      control.announceTask({ ...record, taskId }, this.#stop.signal).catch((error) => {
        log.info("The scheduler was not told of a task", { taskId, error: errorText(error) });
      }),
    );
  }

  async #tellDeleted(taskId: string, signal: AbortSignal): Promise<void> {
    const { control, runtime: { log } } = this.#parts;
    try {
      await control.taskDeleted(taskId, signal);
    } catch (error) {
      log.info("The scheduler was not told that a task is deleted", { taskId, error: errorText(error) });
    }
  }

  #inBackground(work: Promise<void>): void {
    this.#background.add(work);
    work.finally(() => this.#background.delete(work));
  }

  #handle<H extends TaskHandle & { onLeave: () => void }>(handle: H, taskId: string): H {
    this.#handles.set(taskId, (this.#handles.get(taskId) ?? 0) + 1);
    handle.onLeave = () => {
      const count = (this.#handles.get(taskId) ?? 1) - 1;
      if (count === 0) this.#handles.delete(taskId);
      else this.#handles.set(taskId, count);
    };
    return handle;
  }

  #newPeerId(): string {
    const { ip, hostname, type } = this.#parts.control.host();
    return peerIdOf({ ip, hostname, isSeed: type !== 0 }, this.#parts.runtime.random.uuid());
  }
}

/** A hold on a download. */
class DownloadHandle implements TaskHandle {
  readonly isLocalHit = false;
  readonly isGranted: boolean;
  readonly taskId: string;
  readonly sealed: Promise<Traffic>;
  onLeave = () => {};
  readonly #download: Download;
  readonly #use: Disposable;
  #hasLeft = false;

  constructor(download: Download, use: Disposable, taskId: string, isGranted: boolean) {
    this.isGranted = isGranted;
    this.taskId = taskId;
    this.#download = download;
    this.#use = use;
    this.sealed = download.sealed;
  }

  get peerId(): string {
    return this.#download.peerId;
  }

  get contentLength(): number {
    return this.#download.stored.record.plan.contentLength;
  }

  get pieceLength(): number {
    return this.#download.stored.record.plan.pieceLength;
  }

  get responseHeaders(): Readonly<Record<string, string>> {
    return this.#download.stored.record.responseHeaders;
  }

  read(range: ByteRange): ReadableStream<Uint8Array<ArrayBuffer>> {
    return readTask(this.#download, range, this.#download.readers);
  }

  traffic(): Traffic {
    return this.#download.traffic();
  }

  [Symbol.asyncDispose](): Promise<void> {
    if (!this.#hasLeft) {
      this.#hasLeft = true;
      this.#use[Symbol.dispose]();
      this.onLeave();
    }
    return Promise.resolve();
  }
}

/** A hold on a task that was complete already. */
class LocalHandle implements TaskHandle {
  readonly isLocalHit = true;
  readonly taskId: string;
  readonly peerId: string;
  readonly contentLength: number;
  readonly pieceLength: number;
  readonly responseHeaders: Readonly<Record<string, string>>;
  readonly stored: StoredTask;
  onLeave = () => {};
  /** Told of the bytes that are asked for. */
  onRead = (_bytes: number) => {};
  readonly #hold: Disposable;
  #hasLeft = false;

  constructor(stored: StoredTask, peerId: string, taskId: string) {
    const { plan, responseHeaders } = stored.record;
    this.taskId = taskId;
    this.peerId = peerId;
    this.contentLength = plan.contentLength;
    this.pieceLength = plan.pieceLength;
    this.responseHeaders = responseHeaders;
    this.stored = stored;
    this.#hold = stored.hold();
  }

  get sealed(): Promise<Traffic> {
    return Promise.resolve(this.traffic());
  }

  read(range: ByteRange): ReadableStream<Uint8Array<ArrayBuffer>> {
    this.onRead(range.end - range.start);
    const task = {
      stored: this.stored,
      failed: new AbortController().signal,
      onWait: () => {},
      replaced: () => Promise.reject(new DamselflyError("not_found", `Cannot read task ${this.taskId}: it is deleted`)),
    };
    return readTask(task, range, new Set());
  }

  traffic(): Traffic {
    return localTraffic(this.contentLength);
  }

  [Symbol.asyncDispose](): Promise<void> {
    if (!this.#hasLeft) {
      this.#hasLeft = true;
      this.#hold[Symbol.dispose]();
      this.onLeave();
    }
    return Promise.resolve();
  }
}

/** What of a request's URL may be written down. Throws as {@link locationOf} does. */
function publicUrlOf({ source }: TaskRequest): string {
  locationOf(source);
  return publicUrl(new URL(source.url));
}

/** The digest of the blob that is asked for: by whatever id, it is the same content. Not if it is to be cut in its own way. */
function contentOf({ source, digest, pieceLength }: TaskRequest): Digest | undefined {
  if (digest === undefined || pieceLength !== undefined) return undefined;
  return blobDigestOf(source.url)?.text === digest.text ? digest : undefined;
}

/** Whether a task has the digest that is asked for. Its id alone may have been given to it by somebody else's request. */
function isContentOf({ record }: StoredTask, { digest }: TaskRequest): boolean {
  return digest === undefined || record.digest?.text === digest.text;
}

/** The URL rule puts its parts together without marks between them, so that two URLs can have one id: the record tells. */
function isOfOtherUrl({ record }: StoredTask, request: TaskRequest): boolean {
  if (request.isBlobDigestTaskId || contentOf(request) !== undefined) return false;
  const parts = idPartsOf(request);
  if (parts === undefined) return false;
  // What an earlier version of this program stored has no parts.
  return record.idParts === undefined ? record.url !== publicUrlOf(request) : record.idParts !== parts;
}

/** What the id of a request is made of, undefined when it is not by the URL rule. */
function idPartsOf(request: TaskRequest): string | undefined {
  const { source } = request;
  const input = { ...request, url: source.url };
  // A bucket has its name at one storage; the id does not say at which.
  const at = isObjectUrl(source.url) ? locationOf(source).origin : undefined;
  return taskIdOf(input) === request.taskId ? taskIdPartsOf({ ...input, at }) : undefined;
}

function otherContent(taskId: string): DamselflyError {
  const text = `Cannot join the download of task ${taskId}: it is for a content of another digest or URL`;
  return new DamselflyError("failed_precondition", text);
}

function isRefusal(error: unknown): boolean {
  return REFUSALS.has(sourceAnswerOf(error)?.status ?? 0);
}
