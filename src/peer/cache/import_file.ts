import { createHash } from "node:crypto";
import { DamselflyError } from "../../core/error.ts";
import { invariant } from "../../core/invariant.ts";
import { cacheTaskIdHash } from "../../core/persistent_cache.ts";
import { pieceRange } from "../../core/piece.ts";
import type { Disk } from "../../runtime/disk.ts";
import type { StoredTask } from "../storage/storage.ts";
import type { ImportRequest } from "./cache_tasks.ts";

/** Above 256 KiB the disk works off the event loop, so that others have their turn between two reads. */
const READ_BYTES = 512 * 1024;

/** The size of a file that can be imported. Throws `invalid_argument`. */
export async function importedSize(path: string, disk: Disk): Promise<number> {
  const stat = await disk.stat(path);
  if (stat === undefined) throw new DamselflyError("invalid_argument", `Cannot import ${path}: there is no such file`);
  if (stat.isDirectory) throw new DamselflyError("invalid_argument", `Cannot import ${path}: it is a directory`);
  return stat.size;
}

/** The id of the task that a file becomes. Throws `failed_precondition` when the file grows meanwhile. */
export async function importedTaskId(
  request: ImportRequest,
  contentLength: number,
  disk: Disk,
  signal: AbortSignal,
): Promise<string> {
  const { contentForTaskId } = request;
  if (contentForTaskId !== undefined) return createHash("sha256").update(contentForTaskId).digest("hex");
  const hash = cacheTaskIdHash(request);
  await using file = await disk.openFile(request.path);
  const buffer = new Uint8Array(READ_BYTES);
  for (let position = 0;;) {
    signal.throwIfAborted();
    const count = await file.read(buffer, position);
    if (count === 0) return hash.taskId();
    hash.update(buffer.subarray(0, count));
    position += count;
    if (position > contentLength) throw changed(request.path);
  }
}

/**
 * Copies a file into its task, which is empty, piece by piece. It is a copy and no hard link, as in Dragonfly, since
 * whoever writes to the file later would change what others get. Throws `failed_precondition` when the file is not what
 * it was when the id was found.
 */
export async function copyIntoTask(
  request: ImportRequest,
  stored: StoredTask,
  disk: Disk,
  signal: AbortSignal,
): Promise<void> {
  const { taskId, plan } = stored.record;
  const hash = cacheTaskIdHash(request);
  await using file = await disk.openFile(request.path);
  const buffer = new Uint8Array(Math.min(READ_BYTES, Math.max(1, plan.contentLength)));
  for (let number = 0; number < plan.pieceCount; number++) {
    using writer = stored.openPiece(number);
    invariant(writer !== undefined, `piece ${number} of an import is written twice`);
    const { start, end } = pieceRange(plan, number);
    for (let position = start; position < end;) {
      signal.throwIfAborted();
      const count = await file.read(buffer.subarray(0, Math.min(buffer.length, end - position)), position);
      if (count === 0) throw changed(request.path);
      const block = buffer.subarray(0, count);
      hash.update(block);
      await writer.write(block);
      position += count;
    }
    await writer.commit({ parentId: "", trafficType: "local_peer", costMs: 0 });
  }
  const isLonger = await file.read(buffer, plan.contentLength) > 0;
  if (isLonger || (request.contentForTaskId === undefined && hash.taskId() !== taskId)) throw changed(request.path);
}

function changed(path: string): DamselflyError {
  return new DamselflyError(
    "failed_precondition",
    `Cannot import ${path}: it changed while it was read; import it again`,
  );
}
