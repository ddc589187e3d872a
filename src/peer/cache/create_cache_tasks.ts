import { DamselflyError, errorText } from "../../core/error.ts";
import { peerIdOf } from "../../core/host_id.ts";
import type { HostIdentity } from "../../core/host_id.ts";
import { checkCacheTaskId } from "../../core/persistent_cache.ts";
import { pieceLengthOf, type PiecePlan, piecePlan, PIECES_MAX } from "../../core/piece.ts";
import type { PersistentCacheTask } from "../../rpc/gen/common/v2/common.ts";
import { msOfDuration } from "../../rpc/time.ts";
import { orAbort } from "../../runtime/or_abort.ts";
import type { Runtime } from "../../runtime/runtime.ts";
import { type CacheCopy, isSameImport } from "../control/cache_control.ts";
import type { Retention, Storage, StoredTask, TaskInit } from "../storage/storage.ts";
import { ContentDigests } from "../task/content_digests.ts";
import { TaskMetrics } from "../task/task_metrics.ts";
import { type CacheDownloadParts, downloadCopy } from "./cache_download.ts";
import type { CacheHandle, CacheRequest, CacheTasks, ImportRequest } from "./cache_tasks.ts";
import { copyIntoTask, importedSize, importedTaskId } from "./import_file.ts";

/** Imports and downloads at a time. */
const RUNNING_MAX = 256;
/** How long the scheduler is asked about a copy that is here; then the copy counts. */
const OPINION_TIMEOUT_MS = 2_000;
/** How long the scheduler is told about a failed import. */
const GOODBYE_TIMEOUT_MS = 2_000;

/** What the tasks of the persistent cache work with. */
export interface CacheTasksParts extends Omit<CacheDownloadParts, "metrics" | "runtime"> {
  readonly storage: Storage;
  readonly identity: HostIdentity;
  readonly runtime: Pick<Runtime, "clock" | "random" | "log" | "metrics" | "disk">;
}

/** The persistent cache on this host. Disposing it ends imports and downloads; finished pieces stay in the storage. */
export function createCacheTasks(parts: CacheTasksParts): CacheTasks {
  return new StoredCacheTasks(parts);
}

interface Running {
  readonly peerId: string;
  readonly stored: Promise<StoredTask>;
  readonly sealed: Promise<void>;
}

class StoredCacheTasks implements CacheTasks {
  readonly #parts: CacheTasksParts;
  readonly #metrics: TaskMetrics;
  readonly #stop = new AbortController();
  readonly #importing = new Set<string>();
  readonly #running = new Map<string, Running>();
  readonly #background = new Set<Promise<unknown>>();
  readonly #digests = new ContentDigests(this.#stop.signal, (work) => this.#inBackground(work));

  constructor(parts: CacheTasksParts) {
    this.#parts = parts;
    this.#metrics = new TaskMetrics(parts.runtime.metrics, "PERSISTENT_CACHE");
  }

  async importFile(request: ImportRequest, caller: AbortSignal): Promise<PersistentCacheTask> {
    const { disk } = this.#parts.runtime;
    const signal = AbortSignal.any([caller, this.#stop.signal]);
    const contentLength = await importedSize(request.path, disk);
    // Peers take the cut from the scheduler. Dragonfly's takes no smaller pieces, and its own rule fits everybody.
    const plan = planOf(contentLength, request.pieceLength ?? pieceLengthOf(contentLength, "dragonfly"));
    this.#requireRoom();
    const taskId = await importedTaskId(request, contentLength, disk, signal);
    if (this.#importing.has(taskId) || this.#running.has(taskId)) {
      throw new DamselflyError("already_exists", `Cannot import ${request.path}: task ${taskId} is under way here`);
    }
    this.#requireRoom();
    this.#importing.add(taskId);
    try {
      return await this.#inBackground(this.#import(request, { taskId, plan }, signal));
    } finally {
      this.#importing.delete(taskId);
    }
  }

  async open(request: CacheRequest, signal: AbortSignal): Promise<CacheHandle> {
    const taskId = checkCacheTaskId(request.taskId);
    this.#stop.signal.throwIfAborted();
    const local = await this.#present(taskId);
    if (local !== undefined && !await this.#isSuperseded(local, signal)) {
      return this.#openLocal(local, request, signal);
    }
    const running = this.#running.get(taskId) ?? this.#start(request);
    const stored = await orAbort(running.stored, signal);
    const { [Symbol.dispose]: leave } = stored.hold();
    const sealed = this.#sealedAs(running.sealed, stored, request, signal);
    return { taskId, peerId: running.peerId, stored, isLocalHit: false, sealed, [Symbol.dispose]: leave };
  }

  // deno-lint-ignore require-await -- throws become rejections
  async persist(taskId: string): Promise<void> {
    const stored = this.#known(taskId);
    const { retention } = stored.record;
    if (!stored.record.isSealed || retention === undefined) {
      throw new DamselflyError("failed_precondition", `Cannot keep task ${taskId}: it is not complete on this host`);
    }
    if (!retention.isPersistent) stored.retain({ ...retention, isPersistent: true });
  }

  async delete(taskId: string): Promise<void> {
    this.#known(taskId);
    if (this.#importing.has(taskId) || this.#running.has(taskId)) {
      throw new DamselflyError("failed_precondition", `Cannot delete task ${taskId}: it is under way`);
    }
    await this.#parts.storage.delete(taskId);
  }

  async stat(taskId: string, signal: AbortSignal): Promise<PersistentCacheTask> {
    return await this.#parts.control.stat(checkCacheTaskId(taskId), signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort(new DamselflyError("cancelled", "This host is stopping"));
    while (this.#background.size > 0) await Promise.allSettled(this.#background);
  }

  async #import(
    request: ImportRequest,
    { taskId, plan }: Pick<TaskInit, "taskId" | "plan">,
    signal: AbortSignal,
  ): Promise<PersistentCacheTask> {
    const { storage, control, runtime: { clock, disk, log } } = this.#parts;
    const retention: Retention = {
      isPersistent: true,
      ttlMs: request.ttlMs,
      expiresAtMs: clock.wallMs() + request.ttlMs,
      peerId: this.#newPeerId(),
      replicaCount: request.replicaCount,
      tag: request.tag,
      application: request.application,
    };
    const copy: CacheCopy = { taskId, plan, retention };
    await control.uploadStarted(copy, signal);
    try {
      await storage.delete(taskId); // nobody in the swarm knows of what may be left of an earlier one
      const stored = await storage.open({ taskId, url: "", plan, digest: undefined, responseHeaders: {}, retention });
      using _held = stored.hold();
      await copyIntoTask(request, stored, disk, signal);
      await stored.seal(signal);
      const task = await control.uploadFinished(copy, signal);
      log.info("A file is imported", { taskId, bytes: plan.contentLength });
      return task;
    } catch (error) {
      await storage.delete(taskId);
      this.#inBackground(this.#sayFailed(copy, errorText(error)));
      throw error;
    }
  }

  async #sayFailed(copy: CacheCopy, description: string): Promise<void> {
    const { control, runtime: { clock, log } } = this.#parts;
    using limit = clock.deadline(GOODBYE_TIMEOUT_MS);
    try {
      await control.uploadFailed(copy, description, limit.signal);
    } catch (error) {
      log.info("The scheduler was not told of a failed import", { taskId: copy.taskId, error: errorText(error) });
    }
  }

  /** The complete copy of this host, if there is one whose time is not over. */
  async #present(taskId: string): Promise<StoredTask | undefined> {
    const { storage, runtime: { clock } } = this.#parts;
    const stored = storage.find(taskId);
    if (stored === undefined || !stored.record.isSealed || this.#importing.has(taskId)) return undefined;
    if ((stored.record.retention?.expiresAtMs ?? 0) > clock.wallMs()) return stored;
    await storage.delete(taskId);
    return undefined;
  }

  /**
   * Whether a copy is of an import that was deleted while this host was away, and another one has its id. Without a
   * scheduler that says so it is not: what is here is had without one.
   */
  async #isSuperseded(stored: StoredTask, signal: AbortSignal): Promise<boolean> {
    const { control, runtime: { clock, log } } = this.#parts;
    const { taskId, plan, retention } = stored.record;
    if (retention === undefined) return false;
    using limit = clock.deadline(OPINION_TIMEOUT_MS);
    try {
      const asked = AbortSignal.any([signal, limit.signal, this.#stop.signal]);
      return await orAbort(control.isSuperseded({ taskId, plan, retention }, asked), asked) || stored.isDeleted;
    } catch (error) {
      signal.throwIfAborted();
      this.#stop.signal.throwIfAborted();
      log.info("The scheduler was not asked about a copy that is here", { taskId, error: errorText(error) });
      return stored.isDeleted;
    }
  }

  #openLocal(stored: StoredTask, request: CacheRequest, signal: AbortSignal): CacheHandle {
    const { taskId, retention, plan } = stored.record;
    const { [Symbol.dispose]: leave } = stored.hold();
    if (request.isPersistent && retention !== undefined) {
      // The scheduler asked because it did not know that this host has it.
      const kept = { ...retention, isPersistent: true };
      stored.retain(kept);
      this.#inBackground(this.#sayPresent({ taskId, plan, retention: kept }));
    }
    this.#metrics.received("local_peer", plan.contentLength);
    const sealed = this.#sealedAs(Promise.resolve(), stored, request, signal);
    return { taskId, peerId: this.#newPeerId(), stored, isLocalHit: true, sealed, [Symbol.dispose]: leave };
  }

  async #sayPresent(copy: CacheCopy): Promise<void> {
    try {
      await this.#parts.control.copyPresent(copy, this.#stop.signal);
    } catch (error) {
      this.#parts.runtime.log.info("The scheduler was not told of a copy", { error: errorText(error) });
    }
  }

  #start(request: CacheRequest): Running {
    this.#requireRoom();
    const { taskId } = request;
    const peerId = this.#newPeerId();
    const stored = this.#openStored(request, peerId);
    const sealed = this.#inBackground(
      stored.then(async (task) => {
        const { retention } = task.record;
        if (retention === undefined) throw new DamselflyError("internal", `Task ${taskId} has no time to be kept`);
        const parts = { ...this.#parts, metrics: this.#metrics };
        await downloadCopy(task, retention, parts, this.#stop.signal);
      }).finally(() => this.#running.delete(taskId)),
    );
    sealed.catch(() => {});
    const running = { peerId, stored, sealed };
    this.#running.set(taskId, running);
    return running;
  }

  async #openStored({ taskId, isPersistent }: CacheRequest, peerId: string): Promise<StoredTask> {
    const { storage, runtime: { clock } } = this.#parts;
    const task = await this.stat(taskId, this.#stop.signal);
    const { createdAt, ttl, state, contentLength, pieceLength } = task;
    if (state !== "Succeeded") {
      throw new DamselflyError("failed_precondition", `Cannot get task ${taskId}: its import is in state ${state}`);
    }
    const plan = planOf(contentLength, pieceLength);
    const ttlMs = ttl === undefined ? 0 : msOfDuration(ttl);
    const createdAtMs = createdAt === undefined ? clock.wallMs() : msOfDuration(createdAt);
    const retention: Retention = {
      isPersistent,
      ttlMs,
      expiresAtMs: createdAtMs + ttlMs,
      peerId,
      replicaCount: task.persistentReplicaCount,
      tag: task.tag,
      application: task.application,
    };
    const init = { taskId, url: "", plan, digest: undefined, responseHeaders: {}, retention };
    const stored = await storage.open(init);
    if (isSameImport(stored.record.retention, retention)) {
      stored.retain(retention);
      return stored;
    }
    // What an earlier import left may be of another content, when it was not the content that decided the id.
    await storage.delete(taskId);
    return await storage.open(init);
  }

  /** Each requester has his own idea of what the content must be. */
  #sealedAs(
    sealed: Promise<void>,
    stored: StoredTask,
    { digest }: CacheRequest,
    signal: AbortSignal,
  ): Promise<void> {
    const checked = sealed.then(() => this.#digests.require(stored, digest, signal));
    checked.catch(() => {});
    return checked;
  }

  #known(taskId: string): StoredTask {
    const stored = this.#parts.storage.find(checkCacheTaskId(taskId));
    if (stored !== undefined) return stored;
    throw new DamselflyError("not_found", `Cannot find task ${taskId} of the persistent cache on this host`);
  }

  #requireRoom(): void {
    if (this.#importing.size + this.#running.size < RUNNING_MAX) return;
    throw new DamselflyError("resource_exhausted", `Cannot begin: ${RUNNING_MAX} imports and downloads are under way`);
  }

  #newPeerId(): string {
    return peerIdOf(this.#parts.identity, this.#parts.runtime.random.uuid());
  }

  #inBackground<T>(work: Promise<T>): Promise<T> {
    this.#background.add(work);
    const forget = () => void this.#background.delete(work);
    work.then(forget, forget);
    return work;
  }
}

function planOf(contentLength: number, pieceLength: number): PiecePlan {
  if (pieceLength > 0 && contentLength / pieceLength <= PIECES_MAX) return piecePlan(contentLength, pieceLength);
  throw new DamselflyError(
    "invalid_argument",
    `Cannot cut ${contentLength} bytes into pieces of ${pieceLength}: at most ${PIECES_MAX} pieces are allowed`,
  );
}
