import { DamselflyError } from "../../core/error.ts";
import { askedPieceLength } from "../../core/piece.ts";
import { CACHE_REPLICAS_MAX, CACHE_TTL_MS } from "../../core/persistent_cache.ts";
import {
  StatLocalPersistentCacheTaskResponse,
  type UploadPersistentCacheTaskRequest,
} from "../../rpc/gen/dfdaemon/v2/dfdaemon.ts";
import { durationOfMs, msOfDuration, timestampOfMs } from "../../rpc/time.ts";
import type { ImportRequest } from "../cache/cache_tasks.ts";
import type { TaskRecord } from "../storage/storage.ts";

/** An import as it was asked for, checked. Throws `invalid_argument`, naming the field. */
export function importRequestOf(request: UploadPersistentCacheTaskRequest, ttlMsDefault: number): ImportRequest {
  const { path, persistentReplicaCount: replicaCount, pieceLength, tag, application } = request;
  check(path.startsWith("/"), "path", "an absolute path");
  check(
    replicaCount >= 1 && replicaCount <= CACHE_REPLICAS_MAX,
    "persistent_replica_count",
    `1 to ${CACHE_REPLICAS_MAX}`,
  );
  const ttlMs = request.ttl === undefined ? ttlMsDefault : msOfDuration(request.ttl);
  check(ttlMs >= CACHE_TTL_MS.min && ttlMs <= CACHE_TTL_MS.max, "ttl", "5 minutes to 7 days");
  return {
    path,
    contentForTaskId: request.contentForCalculatingTaskId,
    replicaCount,
    tag,
    application,
    pieceLength: pieceLength === undefined ? undefined : askedPieceLength(pieceLength),
    ttlMs,
  };
}

function check(condition: boolean, field: string, expected: string): void {
  if (!condition) {
    throw new DamselflyError("invalid_argument", `Cannot import with this ${field}: expected ${expected}`);
  }
}

/** A copy of the persistent cache as it lies on the disk of this host. */
export function localCopyMessage(record: TaskRecord): StatLocalPersistentCacheTaskResponse {
  const { taskId, plan, retention, createdAtMs, updatedAtMs, finishedAtMs } = record;
  return StatLocalPersistentCacheTaskResponse.create({
    taskId,
    persistent: retention?.isPersistent ?? false,
    ttl: durationOfMs(retention?.ttlMs ?? 0),
    pieceLength: plan.pieceLength,
    contentLength: plan.contentLength,
    createdAt: timestampOfMs(createdAtMs),
    updatedAt: timestampOfMs(updatedAtMs),
    finishedAt: finishedAtMs === undefined ? undefined : timestampOfMs(finishedAtMs),
  });
}
