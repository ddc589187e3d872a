import { DamselflyError, errorText } from "../../core/error.ts";
import { CACHE_TTL_MS } from "../../core/persistent_cache.ts";
import { Download, type PersistentCacheTask, TaskType } from "../../rpc/gen/common/v2/common.ts";
import { durationOfMs, msOfDuration } from "../../rpc/time.ts";
import type { Runtime } from "../../runtime/runtime.ts";
import type { PiecePlan } from "../../core/piece.ts";
import { cacheDialect } from "./cache_dialect.ts";
import type { PeerSession } from "./control.ts";
import { GrpcSession } from "./grpc_session.ts";
import type { SchedulerLink } from "./scheduler_link.ts";

const CALL_TIMEOUT_MS = 5_000;
/** Between two copies that are told again to a scheduler that may have forgotten them. */
const TELL_PAUSE_MS = 20;
/** Copies told again, the youngest of those given. */
const TOLD_COPIES_MAX = 10_000;

/** Two times at which a task expires are of one import when they are not further apart: clocks differ a little. */
const EXPIRY_DIFFERENCE_MS_MAX = 60_000;

/** A copy of a task of the persistent cache on this host; a `TaskRecord` of the storage with a retention is one. */
export interface CacheCopy {
  readonly taskId: string;
  readonly plan: PiecePlan;
  readonly retention: {
    readonly isPersistent: boolean;
    readonly ttlMs: number;
    readonly expiresAtMs: number;
    readonly peerId: string;
    readonly replicaCount: number;
    readonly tag: string | undefined;
    readonly application: string | undefined;
  };
}

/** What a peer says to the schedulers about tasks of the persistent cache, each to the one of the task. */
export interface CacheControl {
  readonly hostId: string;
  /** Opens a conversation about a download. Throws `unavailable` when there is no scheduler. */
  openSession(taskId: string, peerId: string, isPersistent: boolean, signal: AbortSignal): Promise<PeerSession>;
  /** This host begins to import a task, for its whole time. Throws `already_exists` when the swarm has it, `unavailable`, `timeout`. */
  uploadStarted(copy: CacheCopy, signal: AbortSignal): Promise<void>;
  /** The import is complete: from now on the scheduler sees to its replicas. */
  uploadFinished(copy: CacheCopy, signal: AbortSignal): Promise<PersistentCacheTask>;
  uploadFailed(copy: CacheCopy, description: string, signal: AbortSignal): Promise<void>;
  /** What the scheduler knows of a task. Throws `not_found`, `unavailable`, `timeout`. */
  stat(taskId: string, signal: AbortSignal): Promise<PersistentCacheTask>;
  /**
   * Whether the id of a copy stands for another import by now: the scheduler knows the task, but not with this copy, nor
   * with its time. A scheduler that knows nothing of it says nothing. Throws `unavailable`, `timeout`.
   */
  isSuperseded(copy: CacheCopy, signal: AbortSignal): Promise<boolean>;
  /** Removes a task from all hosts that the scheduler knows to have it. Throws `not_found`, `unavailable`, `timeout`. */
  remove(taskId: string, signal: AbortSignal): Promise<void>;
  /** Tells the scheduler of a copy that it may not know. */
  copyPresent(copy: CacheCopy, signal: AbortSignal): Promise<void>;
  /** This host no longer has its copy. */
  copyDeleted(copy: CacheCopy, signal: AbortSignal): Promise<void>;
}

/** What {@link GrpcCacheControl} needs. */
export interface CacheControlParts {
  readonly hostId: string;
  readonly runtime: Pick<Runtime, "clock" | "log">;
  /** The scheduler of a task. */
  readonly pick: (taskId: string) => SchedulerLink | undefined;
  /** The same; one that was down is asked first whether it is back. */
  readonly reach: (taskId: string, signal: AbortSignal) => Promise<SchedulerLink | undefined>;
  /** The sealed copies on this host, most recently used first. */
  readonly copies: () => readonly CacheCopy[];
}

/** A call to the scheduler of a task. */
type Call<T> = (link: SchedulerLink, options: { signal: AbortSignal; timeoutMs: number }) => Promise<T>;

/** The persistent cache as the schedulers of this host see it. */
export class GrpcCacheControl implements CacheControl {
  readonly hostId: string;
  readonly #parts: CacheControlParts;

  constructor(parts: CacheControlParts) {
    this.#parts = parts;
    this.hostId = parts.hostId;
  }

  async openSession(
    taskId: string,
    peerId: string,
    isPersistent: boolean,
    signal: AbortSignal,
  ): Promise<PeerSession> {
    const { runtime: { clock }, pick } = this.#parts;
    const link = await this.#link(taskId, signal);
    const ids = { hostId: this.hostId, taskId, peerId };
    return new GrpcSession(ids, cacheDialect(isPersistent), clock, link, () => pick(taskId));
  }

  async uploadStarted(copy: CacheCopy, signal: AbortSignal): Promise<void> {
    await this.#startUpload(copy, copy.retention.ttlMs, signal);
  }

  async #startUpload(copy: CacheCopy, ttlMs: number, signal: AbortSignal): Promise<void> {
    const { plan, retention: { replicaCount, tag, application } } = copy;
    const request = {
      ...this.#idsOf(copy),
      persistentReplicaCount: replicaCount,
      tag,
      application,
      pieceLength: plan.pieceLength,
      contentLength: plan.contentLength,
      pieceCount: plan.pieceCount,
      ttl: durationOfMs(ttlMs),
    };
    const start = () =>
      this.#ask(copy.taskId, signal, ({ client }, options) => {
        return client.uploadPersistentCacheTaskStarted(request, options);
      });
    try {
      await start();
    } catch (cause) {
      if (codeOf(cause) === "already_exists") {
        const what = `Cannot import task ${copy.taskId}: the persistent cache has it already; export it by this id`;
        throw new DamselflyError("already_exists", what, { cause });
      }
      if (codeOf(cause) !== "not_found") throw cause;
      // A scheduler that was restarted does not know this host yet.
      await (await this.#link(copy.taskId, signal)).announce(signal);
      await start();
    }
  }

  async uploadFinished(copy: CacheCopy, signal: AbortSignal): Promise<PersistentCacheTask> {
    const request = this.#idsOf(copy);
    return await this.#ask(copy.taskId, signal, ({ client }, options) => {
      return client.uploadPersistentCacheTaskFinished(request, options);
    });
  }

  async uploadFailed(copy: CacheCopy, description: string, signal: AbortSignal): Promise<void> {
    const request = { ...this.#idsOf(copy), description };
    await this.#ask(copy.taskId, signal, ({ client }, options) => {
      return client.uploadPersistentCacheTaskFailed(request, options);
    });
  }

  async stat(taskId: string, signal: AbortSignal): Promise<PersistentCacheTask> {
    const request = { hostId: this.hostId, taskId };
    return await this.#askOfKnown(taskId, signal, ({ client }, options) => {
      return client.statPersistentCacheTask(request, options);
    });
  }

  async remove(taskId: string, signal: AbortSignal): Promise<void> {
    const request = { hostId: this.hostId, taskId };
    await this.#askOfKnown(taskId, signal, ({ client }, options) => client.deletePersistentCacheTask(request, options));
  }

  async isSuperseded(copy: CacheCopy, signal: AbortSignal): Promise<boolean> {
    if (await this.#isKnown(copy, signal)) return false;
    try {
      return !await this.#isOfKnownImport(copy, signal);
    } catch (error) {
      if (codeOf(error) !== "not_found") throw error;
      return false;
    }
  }

  async copyPresent(copy: CacheCopy, signal: AbortSignal): Promise<void> {
    await this.#tell(copy, signal);
  }

  async copyDeleted(copy: CacheCopy, signal: AbortSignal): Promise<void> {
    const request = this.#idsOf(copy);
    await this.#ask(copy.taskId, signal, ({ client }, options) => client.deletePersistentCachePeer(request, options));
  }

  /**
   * Tells a scheduler that came up what this host has, as far as it does not know it: ours forgets everything when it
   * restarts. Replicas go first, for with the first of them the task itself is known again.
   */
  async tellCopies(link: SchedulerLink, signal: AbortSignal): Promise<void> {
    const { runtime: { clock, log }, copies, pick } = this.#parts;
    const sorted = copies().toSorted((a, b) => Number(b.retention.isPersistent) - Number(a.retention.isPersistent));
    let told = 0;
    for (const copy of sorted.slice(0, TOLD_COPIES_MAX)) {
      signal.throwIfAborted();
      if (pick(copy.taskId) !== link || copy.retention.expiresAtMs <= clock.wallMs()) continue;
      try {
        if (await this.#tell(copy, signal)) told++;
      } catch (error) {
        signal.throwIfAborted();
        log.debug("A scheduler was not told of a copy", { taskId: copy.taskId, error: errorText(error) });
      }
      await clock.sleep(TELL_PAUSE_MS, signal);
    }
    if (told > 0) log.info("A scheduler was told what this host has of the persistent cache", { tasks: told });
  }

  /** Whether the copy had to be told: a scheduler that knows it is left alone. */
  async #tell(copy: CacheCopy, signal: AbortSignal): Promise<boolean> {
    if (await this.#isKnown(copy, signal)) return false;
    if (copy.retention.isPersistent && await this.#tellTask(copy, signal)) return true;
    if (!await this.#isOfKnownImport(copy, signal)) return false;
    await this.#tellPeer(copy, signal);
    return true;
  }

  async #isKnown(copy: CacheCopy, signal: AbortSignal): Promise<boolean> {
    const request = this.#idsOf(copy);
    try {
      await this.#ask(copy.taskId, signal, ({ client }, options) => client.statPersistentCachePeer(request, options));
      return true;
    } catch (error) {
      if (codeOf(error) !== "not_found") throw error;
      return false;
    }
  }

  /** Under an id that was chosen freely, somebody may have imported something else meanwhile. */
  async #isOfKnownImport(copy: CacheCopy, signal: AbortSignal): Promise<boolean> {
    const { createdAt, ttl } = await this.stat(copy.taskId, signal);
    if (createdAt === undefined || ttl === undefined) return false;
    return isSameImport({ expiresAtMs: msOfDuration(createdAt) + msOfDuration(ttl) }, copy.retention);
  }

  /** Makes the task known by this copy; false when it is known already. */
  async #tellTask(copy: CacheCopy, signal: AbortSignal): Promise<boolean> {
    const leftMs = copy.retention.expiresAtMs - this.#parts.runtime.clock.wallMs();
    try {
      await this.#startUpload(copy, Math.min(CACHE_TTL_MS.max, leftMs), signal);
    } catch (error) {
      if (codeOf(error) === "already_exists") return false;
      throw error;
    }
    await this.uploadFinished(copy, signal);
    return true;
  }

  /** Makes one more copy of a known task known: a download that is over as soon as it has begun. */
  async #tellPeer({ taskId, plan, retention }: CacheCopy, signal: AbortSignal): Promise<void> {
    const { peerId, isPersistent } = retention;
    await using session = await this.openSession(taskId, peerId, isPersistent, signal);
    await session.send({ kind: "register", download: cacheDownload(plan, retention) }, signal);
    await session.nextDecision(signal);
    await session.send({ kind: "started" }, signal);
    await session.send({ kind: "finished" }, signal);
  }

  #idsOf({ taskId, retention: { peerId } }: CacheCopy) {
    return { hostId: this.hostId, taskId, peerId };
  }

  async #link(taskId: string, signal: AbortSignal): Promise<SchedulerLink> {
    const link = await this.#parts.reach(taskId, signal);
    if (link !== undefined) return link;
    throw new DamselflyError(
      "unavailable",
      `Cannot ask about task ${taskId}: no scheduler is reachable, and the persistent cache needs one`,
    );
  }

  /** {@link #ask} about a task that should be known. */
  async #askOfKnown<T>(taskId: string, signal: AbortSignal, call: Call<T>): Promise<T> {
    try {
      return await this.#ask(taskId, signal, call);
    } catch (cause) {
      if (codeOf(cause) !== "not_found") throw cause;
      const what = `Cannot find task ${taskId} in the persistent cache: nobody imported it, or its time is over`;
      throw new DamselflyError("not_found", what, { cause });
    }
  }

  async #ask<T>(taskId: string, signal: AbortSignal, call: Call<T>): Promise<T> {
    return await call(await this.#link(taskId, signal), { signal, timeoutMs: CALL_TIMEOUT_MS });
  }
}

/** Whether two copies come of the same import, and so are of the same content. */
export function isSameImport(
  a: Pick<CacheCopy["retention"], "expiresAtMs"> | undefined,
  b: Pick<CacheCopy["retention"], "expiresAtMs">,
): boolean {
  return a !== undefined && Math.abs(a.expiresAtMs - b.expiresAtMs) <= EXPIRY_DIFFERENCE_MS_MAX;
}

/** A download of the persistent cache in the words of all downloads; its dialect takes from it what it can say. */
export function cacheDownload(
  plan: PiecePlan,
  { tag, application }: Pick<CacheCopy["retention"], "tag" | "application">,
  concurrentPieceCount?: number,
): Download {
  return Download.fromPartial({
    type: TaskType.PERSISTENT_CACHE,
    tag,
    application,
    concurrentPieceCount,
    disableBackToSource: true,
    actualPieceLength: plan.pieceLength,
    actualContentLength: plan.contentLength,
    actualPieceCount: plan.pieceCount,
  });
}

function codeOf(error: unknown): string | undefined {
  return error instanceof DamselflyError ? error.code : undefined;
}
