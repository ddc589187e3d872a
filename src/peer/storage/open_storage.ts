import { join } from "node:path";
import type { Digest } from "../../core/digest.ts";
import { DamselflyError, errorText } from "../../core/error.ts";
import { pieceLengthOf } from "../../core/piece.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { Disk } from "../../runtime/disk.ts";
import type { Log } from "../../runtime/log.ts";
import { type Checksums, REAL_CHECKSUMS } from "./checksums.ts";
import { ContentFile, IdleFiles } from "./content_file.ts";
import { ContentTask, type TaskOwner } from "./content_task.ts";
import { bytesOver, type EvictionCandidate, isEvictable, planEviction } from "./eviction.ts";
import { Metadata, type TaskMetadata, type TaskRow } from "./metadata.ts";
import { Scratch } from "./scratch.ts";
import type { Neighbour, Storage, StoredTask, TaskInit, TaskRecord } from "./storage.ts";

/** The database in memory, for a storage that is gone with its process. */
export const MEMORY_DATABASE = ":memory:";

/** The families of tasks, each of which has a storage of its own (wire.md §6.1). */
export type StorageFamily = "tasks" | "persistent-cache-tasks";

/** Tasks that a collection leaves; each costs a row, a file and some memory, however small it is. */
const TASKS_MAX = 100_000;

const DATABASES: Record<StorageFamily, string> = {
  "tasks": "metadata.db",
  "persistent-cache-tasks": "persistent-cache.db",
};

/** Where a storage is, and how full it may get. */
export interface StorageOptions {
  readonly dir: string;
  /** Standard tasks when it is not said. */
  readonly family?: StorageFamily;
  /** Whether content of an earlier run is kept. */
  readonly keep: boolean;
  /** How long a task is kept after its last use. */
  readonly taskTtlMs: number;
  /** Bytes that tasks may take; 0 for the whole volume. */
  readonly diskThresholdBytes: number;
  readonly diskHighThresholdPercent: number;
  readonly diskLowThresholdPercent: number;
  /** The metadata file, when it is not the family's own in `dir`; may be {@link MEMORY_DATABASE}. */
  readonly databasePath?: string;
}

/** What a storage acts on. */
export interface StorageDeps {
  readonly disk: Disk;
  readonly clock: Clock;
  readonly log: Log;
  /** Set where bodies are not real. */
  readonly checksums?: Checksums;
  /** Set where metadata need not outlive the process. */
  readonly openMetadata?: (path: string) => TaskMetadata;
  /** Set where many storages share a process. */
  readonly scratch?: Scratch;
  /** The storages that share the volume and its limit; this one adds itself. */
  readonly volume?: Set<Neighbour>;
}

const TASK_ID = /^[0-9a-f]{8,128}$/;

/** The directories that tasks are spread over are named by the first digits of their ids. */
const PREFIX = /^[0-9a-f]{3}$/;

/**
 * Opens the storage in `options.dir` and drops what is broken: a task without its file, a file without its task. A
 * damaged metadata file is moved aside with a warning and the content dropped, since all of it can be had again.
 * Throws `failed_precondition` when another process uses the directory, `permission_denied` and the like when it
 * cannot be read and written.
 */
export async function openStorage(options: StorageOptions, deps: StorageDeps): Promise<Storage> {
  const contentDir = join(options.dir, "content", options.family ?? "tasks");
  try {
    await deps.disk.mkdirAll(contentDir);
  } catch (cause) {
    const { code } = cause as DamselflyError;
    const hint = "make it writable for this user or set another storage.dir";
    throw new DamselflyError(code, `Cannot use storage directory ${options.dir}: ${errorText(cause)}; ${hint}`, {
      cause,
    });
  }
  let storage: ContentStorage | undefined;
  const open = deps.openMetadata ??
    ((path: string) => new Metadata(path, deps.clock, (error) => storage?.beginAnew(error)));
  const metadata = await openMetadata(databaseOf(options), contentDir, open, deps);
  try {
    if (!options.keep) {
      metadata.clear();
      await emptyDir(contentDir, deps.disk);
    }
    const loading = new ContentStorage(options, contentDir, { ...deps, metadata, open });
    await loading.load();
    return storage = loading;
  } catch (error) {
    metadata[Symbol.dispose]();
    throw error;
  }
}

function databaseOf({ dir, family, databasePath }: StorageOptions): string {
  return databasePath ?? join(dir, DATABASES[family ?? "tasks"]);
}

type OpenMetadata = (path: string) => TaskMetadata;

async function openMetadata(path: string, contentDir: string, open: OpenMetadata, deps: StorageDeps) {
  try {
    return open(path);
  } catch (error) {
    if (!(error instanceof DamselflyError) || error.code !== "data_loss") throw error;
    const aside = await moveAside(path, deps);
    deps.log.warn("The metadata of the storage is damaged: it was moved aside, and all content is dropped", {
      path,
      aside,
      error: errorText(error),
    });
    await emptyDir(contentDir, deps.disk);
    return open(path);
  }
}

/** Makes place for a new database; the result is where the damaged one is. */
async function moveAside(path: string, { disk, clock }: StorageDeps): Promise<string> {
  const aside = `${path}.corrupt-${clock.wallMs()}`;
  if (path !== MEMORY_DATABASE) await disk.rename(path, aside);
  for (const suffix of ["-wal", "-shm"]) await disk.remove(path + suffix);
  return aside;
}

async function emptyDir(dir: string, disk: Disk): Promise<void> {
  await disk.remove(dir);
  await disk.mkdirAll(dir);
}

class ContentStorage implements Storage, Neighbour, TaskOwner {
  metadata: TaskMetadata;
  readonly clock: Clock;
  readonly log: Log;
  readonly checksums: Checksums;
  readonly scratch: Scratch;
  readonly #options: StorageOptions;
  readonly #open: OpenMetadata;
  readonly #contentDir: string;
  readonly #disk: Disk;
  readonly #volume: Set<Neighbour>;
  readonly #idleFiles: IdleFiles;
  readonly #tasks = new Map<string, ContentTask>();
  /** Tasks by their other ids, and by the digests of their contents. */
  readonly #otherIds = new Map<string, ContentTask>();
  readonly #contents = new Map<string, ContentTask>();
  /** Ids of tasks that an earlier run left incomplete, and that nobody has opened since. */
  readonly #unchecked = new Set<string>();
  /** The last change of each task that is under way: creations and deletions of one id happen one after the other. */
  readonly #turns = new Map<string, Promise<unknown>>();
  readonly #background = new Set<Promise<void>>();
  #newBeginning: Promise<void> | undefined;
  /** For tasks that are being created. */
  #reservedBytes = 0;

  constructor(
    options: StorageOptions,
    contentDir: string,
    deps: StorageDeps & { readonly metadata: TaskMetadata; readonly open: OpenMetadata },
  ) {
    this.#options = options;
    this.#open = deps.open;
    this.#contentDir = contentDir;
    this.metadata = deps.metadata;
    this.clock = deps.clock;
    this.log = deps.log;
    this.checksums = deps.checksums ?? REAL_CHECKSUMS;
    this.scratch = deps.scratch ?? new Scratch();
    this.#disk = deps.disk;
    this.#volume = (deps.volume ?? new Set()).add(this);
    this.#idleFiles = new IdleFiles(deps.log);
  }

  /** Finds out what an earlier run left, and makes records and files agree. */
  async load(): Promise<void> {
    for (const row of this.metadata.tasks()) {
      const { taskId, plan, isSealed } = row.record;
      const stat = await this.#disk.stat(this.#path(taskId));
      if (stat?.size !== plan.contentLength) {
        this.log.warn("A task was dropped, for its content file is missing or cut short", { taskId });
        this.metadata.removeTask(row.key);
        continue;
      }
      this.#register(row);
      if (!isSealed) this.#unchecked.add(taskId);
    }
    for (const prefix of (await this.#disk.list(this.#contentDir)).filter((name) => PREFIX.test(name))) {
      for (const name of await this.#disk.list(join(this.#contentDir, prefix))) {
        if (!this.#tasks.has(name)) await this.#disk.remove(join(this.#contentDir, prefix, name));
      }
    }
  }

  find(taskId: string): StoredTask | undefined {
    const task = this.#named(taskId);
    return task === undefined || this.#unchecked.has(task.record.taskId) ? undefined : task;
  }

  async findSoon(taskId: string): Promise<StoredTask | undefined> {
    await this.#turns.get(taskId)?.catch(() => undefined); // its caller was told
    return this.find(taskId);
  }

  has(taskId: string): boolean {
    return this.#named(taskId) !== undefined;
  }

  storedAs(taskId: string, content: Digest | undefined): string {
    const same = content === undefined ? undefined : this.#contents.get(content.text);
    const task = this.#named(taskId) ?? (same !== undefined && isCutAsUsual(same.record) ? same : undefined);
    return task?.record.taskId ?? taskId;
  }

  addId(task: StoredTask, taskId: string): void {
    const known = this.#tasks.get(task.record.taskId);
    if (known === undefined || known !== task || this.#named(taskId) !== undefined) return;
    const gone = known.addId(checkedId(taskId));
    if (gone !== undefined) this.#otherIds.delete(gone);
    this.#otherIds.set(taskId, known);
  }

  #named(taskId: string): ContentTask | undefined {
    return this.#tasks.get(taskId) ?? this.#otherIds.get(taskId);
  }

  /**
   * The records turned out to be damaged while in use. What they vouch for cannot be told any more, and all of it can be
   * had again: the storage forgets everything at once, and takes new tasks as soon as it has a new database. Who holds
   * a task can go on to read it.
   */
  beginAnew(error: DamselflyError): void {
    if (this.#newBeginning !== undefined) return;
    const lost = [...this.#tasks.values()];
    for (const index of [this.#tasks, this.#otherIds, this.#contents, this.#unchecked]) index.clear();
    this.metadata[Symbol.dispose]();
    this.#newBeginning = this.#replaceMetadata(lost, error).finally(() => this.#newBeginning = undefined);
    this.background(this.#newBeginning);
  }

  async #replaceMetadata(lost: readonly ContentTask[], error: DamselflyError): Promise<void> {
    const path = databaseOf(this.#options);
    const fields = { path, error: errorText(error) };
    try {
      const deps = { disk: this.#disk, clock: this.clock, log: this.log };
      this.log.error("The metadata of the storage was damaged in use, and all content is dropped", fields);
      for (const task of lost) await task.abandon();
      await moveAside(path, deps);
      this.metadata = this.#open(path);
    } catch (cause) {
      this.log.error("The storage has no place for its metadata; content is kept until the next start", {
        path,
        error: errorText(cause),
      });
      this.metadata = this.#open(MEMORY_DATABASE);
    }
  }

  async open(init: TaskInit): Promise<StoredTask> {
    await this.#newBeginning;
    return await this.#inTurn(checkedId(init.taskId), async () => {
      const known = this.#tasks.get(init.taskId);
      if (known !== undefined && !isSameContent(known.record, init)) await this.#remove(known);
      const task = this.#tasks.get(init.taskId) ?? await this.#create(init);
      if (this.#unchecked.has(init.taskId)) {
        task.restore();
        this.#unchecked.delete(init.taskId);
      }
      task.checkEarlier();
      const { plan, isSealed } = task.record;
      const isFree = !isSealed && task.recordedPieceCount === 0;
      if (isFree && plan.pieceLength !== init.plan.pieceLength) task.recut(init);
      task.touch();
      return task;
    });
  }

  async delete(taskId: string): Promise<void> {
    const name = this.storedAs(taskId, undefined);
    await this.#inTurn(name, async () => {
      const task = this.#tasks.get(name);
      if (task !== undefined) await this.#remove(task);
    });
  }

  async drop(task: ContentTask): Promise<void> {
    const { taskId } = task.record;
    await this.#inTurn(taskId, async () => {
      if (this.#tasks.get(taskId) === task) await this.#remove(task);
    });
  }

  list(): TaskRecord[] {
    return [...this.#tasks.values()].map(({ record }) => record);
  }

  async usage(): Promise<{ usedBytes: number; totalBytes: number; freeBytes: number }> {
    const { totalBytes, freeBytes } = await this.#disk.space(this.#contentDir);
    return { usedBytes: this.usedBytes, totalBytes, freeBytes };
  }

  get usedBytes(): number {
    return this.#tasks.values().reduce((sum, task) => sum + task.finishedBytes, 0);
  }

  get promisedBytes(): number {
    return this.#tasks.values().filter((task) => task.isBusy || task.isNew)
      .reduce((sum, task) => sum + task.record.plan.contentLength - task.finishedBytes, this.#reservedBytes);
  }

  get evictableBytes(): number {
    const nowMs = this.clock.wallMs();
    return this.#candidates().filter((task) => isEvictable(task, nowMs)).reduce((sum, task) => sum + task.bytes, 0);
  }

  async makeWay(bytes: number): Promise<void> {
    await this.#evict(bytes);
  }

  async collectGarbage(): Promise<string[]> {
    const { diskThresholdBytes, diskHighThresholdPercent, diskLowThresholdPercent } = this.#options;
    const { freeBytes } = await this.usage();
    const usedBytes = this.#ofVolume("usedBytes");
    // What others have on the volume is not ours to make room for: it would cost all tasks, and come to nothing.
    const totalBytes = diskThresholdBytes > 0 ? diskThresholdBytes : usedBytes + freeBytes;
    const thresholds = { highPercent: diskHighThresholdPercent, lowPercent: diskLowThresholdPercent };
    return await this.#evict(bytesOver({ usedBytes, totalBytes }, thresholds));
  }

  background(work: Promise<void>): void {
    const done = work.finally(() => this.#background.delete(done));
    this.#background.add(done);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#volume.delete(this);
    await Promise.allSettled(this.#turns.values());
    for (const task of this.#tasks.values()) task.stopChecking();
    await Promise.all(this.#background);
    await this.#idleFiles[Symbol.asyncDispose]();
    for (const task of this.#tasks.values()) await task.close();
    this.metadata[Symbol.dispose]();
  }

  #path(taskId: string): string {
    return join(this.#contentDir, taskId.slice(0, 3), taskId);
  }

  #ofVolume(what: "usedBytes" | "promisedBytes" | "evictableBytes"): number {
    return this.#volume.values().reduce((sum, neighbour) => sum + neighbour[what], 0);
  }

  #register(row: TaskRow): ContentTask {
    const { taskId, otherIds, digest } = row.record;
    const task = new ContentTask(row, new ContentFile(this.#path(taskId), this.#disk, this.#idleFiles), this);
    this.#tasks.set(taskId, task);
    for (const id of otherIds) this.#otherIds.set(id, task);
    if (digest !== undefined) this.#contents.set(digest.text, task);
    return task;
  }

  async #create(init: TaskInit): Promise<ContentTask> {
    const { taskId, plan: { contentLength } } = init;
    const { metadata } = this;
    using _reserved = await this.#reserve(contentLength);
    const path = this.#path(taskId);
    await this.#disk.mkdirAll(join(path, ".."));
    // Of a file that an interrupted creation left, only the length would be right.
    await this.#disk.remove(path);
    await using _file = await this.#disk.openFile(path, { create: true, truncateTo: contentLength });
    const nowMs = this.clock.wallMs();
    // A storage that begins anew meanwhile closes this one, for then the file may be gone.
    const key = metadata.addTask(init, nowMs);
    const times = { createdAtMs: nowMs, updatedAtMs: nowMs, finishedAtMs: undefined };
    const record = { ...init, otherIds: [], isSealed: false, ...times };
    return this.#register({ key, record, finishedPieceCount: 0 });
  }

  async #remove(task: ContentTask): Promise<void> {
    const { taskId, otherIds, digest } = task.record;
    this.#tasks.delete(taskId);
    for (const id of otherIds) this.#otherIds.delete(id);
    if (digest !== undefined && this.#contents.get(digest.text) === task) this.#contents.delete(digest.text);
    this.#unchecked.delete(taskId);
    await task.remove();
  }

  /**
   * Sees to it that `bytes` more fit, besides what the tasks in use have still to write, and keeps that place until
   * disposed: between the look and the promise nobody else has a turn.
   */
  async #reserve(bytes: number): Promise<Disposable> {
    let missing = this.#missing(bytes, await this.usage());
    // What cannot fit in any case shall not cost the others their place.
    if (missing > 0 && this.#ofVolume("evictableBytes") >= missing) {
      await this.#evict(missing);
      for (const neighbour of this.#volume) {
        const still = this.#missing(bytes, await this.usage());
        if (still > 0 && neighbour !== this) await neighbour.makeWay(still);
      }
      missing = this.#missing(bytes, await this.usage());
    }
    if (missing <= 0) return this.#promise(bytes);
    throw new DamselflyError(
      "no_space",
      `Cannot store ${bytes} bytes in ${this.#options.dir}: ${missing} bytes too many; free some space, ` +
        "or raise gc.policy.diskThreshold",
    );
  }

  #missing(bytes: number, { freeBytes }: { readonly freeBytes: number }): number {
    const limit = this.#options.diskThresholdBytes;
    const freeOfLimit = limit > 0 ? limit - this.#ofVolume("usedBytes") : Infinity;
    return bytes + this.#ofVolume("promisedBytes") - Math.min(freeBytes, freeOfLimit);
  }

  #promise(bytes: number): Disposable {
    this.#reservedBytes += bytes;
    return { [Symbol.dispose]: () => void (this.#reservedBytes -= bytes) };
  }

  #candidates(): EvictionCandidate[] {
    return [...this.#tasks.values()].map(({ record, finishedBytes, isBusy }) => ({
      taskId: record.taskId,
      bytes: finishedBytes,
      updatedAtMs: record.updatedAtMs,
      isSealed: record.isSealed,
      isBusy,
      retention: record.retention,
    }));
  }

  /** Deletes tasks past their time, and others until about `bytesToFree` come free; the result is their ids. */
  async #evict(bytesToFree: number): Promise<string[]> {
    const { taskTtlMs } = this.#options;
    const plannedAtMs = this.clock.wallMs();
    const chosen = planEviction(this.#candidates(), {
      nowMs: plannedAtMs,
      taskTtlMs,
      bytesToFree,
      tasksMax: TASKS_MAX,
    });
    const deleted: string[] = [];
    for (const taskId of chosen) {
      await this.#inTurn(taskId, async () => {
        const task = this.#tasks.get(taskId);
        // While others were deleted, somebody may have come to need this one.
        if (task === undefined || task.isBusy || isUsedSince(task.record, plannedAtMs)) return;
        await this.#remove(task);
        deleted.push(taskId, ...task.record.otherIds);
      });
    }
    return deleted;
  }

  /** Runs `run` when all earlier changes of this task are done. */
  async #inTurn<T>(taskId: string, run: () => Promise<T>): Promise<T> {
    const before = this.#turns.get(taskId);
    const turn = (async () => {
      await before?.catch(() => undefined); // its caller was told
      return await run();
    })();
    this.#turns.set(taskId, turn);
    try {
      return await turn;
    } finally {
      if (this.#turns.get(taskId) === turn) this.#turns.delete(taskId);
    }
  }
}

function checkedId(taskId: string): string {
  if (TASK_ID.test(taskId)) return taskId;
  throw new DamselflyError("invalid_argument", `Cannot store task "${taskId.slice(0, 160)}": not a task id`);
}

/** Whether peers that ask for the content by another id find it cut in the way that they expect. */
function isCutAsUsual({ plan, isOwnCut }: TaskRecord): boolean {
  return plan.pieceCount <= 1 || isOwnCut === true ||
    plan.pieceLength === pieceLengthOf(plan.contentLength, "dragonfly");
}

/** Use keeps a task from being removed, but for one whose time is over however much it is used. */
function isUsedSince({ updatedAtMs, retention }: TaskRecord, ms: number): boolean {
  return updatedAtMs > ms && (retention === undefined || retention.expiresAtMs > ms);
}

/** Whether what is stored is what is asked for; who names no digest takes the content with any. */
function isSameContent({ plan, digest }: TaskRecord, wanted: TaskInit): boolean {
  return plan.contentLength === wanted.plan.contentLength &&
    (wanted.digest === undefined || digest?.text === wanted.digest.text);
}
