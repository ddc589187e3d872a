import type { ByteRange } from "../../core/byte_range.ts";
import { DamselflyError } from "../../core/error.ts";
import {
  DfdaemonDownloadService,
  DfdaemonUploadService,
  type DownloadPersistentCacheTaskRequest,
} from "../../rpc/gen/dfdaemon/v2/dfdaemon.ts";
import { msOfDuration } from "../../rpc/time.ts";
import type { Handlers } from "../../rpc/service.ts";
import type { StoredTask } from "../storage/storage.ts";
import type { CallMetrics } from "./call_metrics.ts";
import { importRequestOf, localCopyMessage } from "./cache_messages.ts";
import { type CacheDeps, streamCopy } from "./cache_stream.ts";
import { checkOutput, deliverFile, type DeliveryDeps, keepingPlace } from "./deliver_file.ts";
import { type PieceAddress, syncPieces } from "./sync_pieces.ts";
import { presentTask } from "./upload_service.ts";

/** What `DfdaemonDownload` offers of the persistent cache to programs on this host (wire.md §1). */
export function cacheDownloadHandlers(
  options: CacheDeps & DeliveryDeps,
  calls: CallMetrics,
): Handlers<typeof DfdaemonDownloadService> {
  const { cache, cacheStorage, clock, cacheTtlMs } = options;
  return {
    uploadPersistentCacheTask: async (request, { signal: caller }) => {
      const { timeout } = request;
      using limit = timeout === undefined ? undefined : clock.deadline(msOfDuration(timeout));
      const signal = AbortSignal.any([caller, ...(limit === undefined ? [] : [limit.signal])]);
      return await cache.importFile(importRequestOf(request, cacheTtlMs), signal);
    },
    downloadPersistentCacheTask: (request, { signal }) => localCopy(request, options, signal),
    statPersistentCacheTask: ({ taskId }, { signal }) =>
      calls.count("stat_task", "PERSISTENT_CACHE", () => cache.stat(taskId, signal)),
    statLocalPersistentCacheTask: ({ taskId }) =>
      calls.count(
        "stat_local_task",
        "PERSISTENT_CACHE",
        () => localCopyMessage(presentTask(cacheStorage, taskId).record),
      ),
    listLocalPersistentCacheTasks: () =>
      calls.count("list_local_tasks", "PERSISTENT_CACHE", () => ({ tasks: cacheStorage.list().map(localCopyMessage) })),
  };
}

/** What `DfdaemonUpload` needs besides. */
export interface CacheUploadOptions extends CacheDeps {
  readonly pieceAddress: PieceAddress;
  readonly disableShared: boolean;
  /** Aborts when this host stops. */
  readonly stopping: AbortSignal;
}

/** What `DfdaemonUpload` offers of the persistent cache to schedulers and other peers (wire.md §1). */
export function cacheUploadHandlers(
  options: CacheUploadOptions,
  calls: CallMetrics,
): Handlers<typeof DfdaemonUploadService> {
  const { cache, cacheStorage: storage, clock, pieceAddress: address, disableShared, stopping } = options;
  return {
    downloadPersistentCacheTask: (request, { signal }) => triggeredCopy(request, options, signal),
    syncPersistentCachePieces: async function* (request, { signal, sendHeaders }) {
      sendHeaders();
      if (disableShared) throw new DamselflyError("permission_denied", "Cannot share: this host gives no pieces away");
      yield* syncPieces(request, { storage, clock, address }, AbortSignal.any([signal, stopping]));
    },
    updatePersistentCacheTask: async ({ taskId, persistent }) => {
      await calls.count("update_task", "PERSISTENT_CACHE", async () => {
        if (persistent) return await cache.persist(taskId);
        throw new DamselflyError("invalid_argument", `Cannot give up the replica ${taskId}: delete it instead`);
      });
      return {};
    },
    statPersistentCacheTask: ({ taskId }, { signal }) =>
      calls.count("stat_task", "PERSISTENT_CACHE", () => cache.stat(taskId, signal)),
    deletePersistentCacheTask: async ({ taskId }) => {
      await calls.count("delete_task", "PERSISTENT_CACHE", () => cache.delete(taskId));
      return {};
    },
  };
}

async function* localCopy(
  request: DownloadPersistentCacheTaskRequest,
  options: CacheDeps & DeliveryDeps,
  signal: AbortSignal,
) {
  const { outputPath: path = "", overwrite, forceHardLink, needPieceContent: withContent } = request;
  if (path === "") return yield* streamCopy(request, options, { withContent }, signal);
  const output = { path, overwrite, forceHardLink };
  await checkOutput(output, options);
  const deliver = (task: StoredTask, range: ByteRange) => deliverFile(task, range, output, options, signal);
  yield* keepingPlace(streamCopy(request, options, { withContent, deliver }, signal), output, options, signal);
}

/** A copy that the scheduler asks for: it fills this host's store, and never writes anywhere else. */
async function* triggeredCopy(request: DownloadPersistentCacheTaskRequest, deps: CacheDeps, signal: AbortSignal) {
  if ((request.outputPath ?? "") !== "") {
    throw new DamselflyError("permission_denied", "Cannot write to an output path for another host; ask on the host");
  }
  yield* streamCopy(request, deps, { withContent: false }, signal);
}
