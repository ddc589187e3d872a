import { SizeScope, Task } from "../../rpc/gen/common/v2/common.ts";
import { StatLocalTaskResponse } from "../../rpc/gen/dfdaemon/v2/dfdaemon.ts";
import { timestampOfMs } from "../../rpc/time.ts";
import type { StoredTask, TaskRecord } from "../storage/storage.ts";
import { pieceMessage } from "../task/report.ts";

const TINY_BYTES_MAX = 128;

/** How large a content is, in words of the protocol (wire.md §1.1). */
function sizeScopeOf({ contentLength, pieceCount }: TaskRecord["plan"]): SizeScope {
  if (contentLength === 0) return SizeScope.EMPTY;
  if (contentLength <= TINY_BYTES_MAX) return SizeScope.TINY;
  return pieceCount === 1 ? SizeScope.SMALL : SizeScope.NORMAL;
}

/** A task as this host knows it; the states are the scheduler's. */
export function taskMessage(task: StoredTask): Task {
  const { taskId, url, plan, digest, isSealed, createdAtMs, updatedAtMs } = task.record;
  return Task.create({
    id: taskId,
    url,
    digest: digest?.text,
    contentLength: plan.contentLength,
    pieceCount: plan.pieceCount,
    sizeScope: sizeScopeOf(plan),
    pieces: task.finishedPieces().flatMap((number) => task.piece(number) ?? []).map((piece) =>
      pieceMessage(piece, plan)
    ),
    state: isSealed ? "Succeeded" : "Running",
    peerCount: 1,
    hasAvailablePeer: task.finishedPieceCount > 0,
    createdAt: timestampOfMs(createdAtMs),
    updatedAt: timestampOfMs(updatedAtMs),
  });
}

/** A task as it lies on the disk of this host. */
export function localTaskMessage(record: TaskRecord): StatLocalTaskResponse {
  const { taskId, plan, responseHeaders, createdAtMs, updatedAtMs, finishedAtMs } = record;
  return StatLocalTaskResponse.create({
    taskId,
    pieceLength: plan.pieceLength,
    contentLength: plan.contentLength,
    responseHeader: { ...responseHeaders },
    createdAt: timestampOfMs(createdAtMs),
    updatedAt: timestampOfMs(updatedAtMs),
    finishedAt: finishedAtMs === undefined ? undefined : timestampOfMs(finishedAtMs),
  });
}
