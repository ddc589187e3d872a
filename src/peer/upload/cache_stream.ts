import { parseDigest } from "../../core/digest.ts";
import { pieceRange } from "../../core/piece.ts";
import type {
  DownloadPersistentCacheTaskRequest,
  DownloadPersistentCacheTaskResponse,
} from "../../rpc/gen/dfdaemon/v2/dfdaemon.ts";
import { msOfDuration } from "../../rpc/time.ts";
import type { Clock } from "../../runtime/clock.ts";
import { orAbort } from "../../runtime/or_abort.ts";
import type { CacheTasks } from "../cache/cache_tasks.ts";
import type { Storage } from "../storage/storage.ts";
import { pieceMessage } from "../task/report.ts";
import { contentOf, type DownloadOptions, finishedPieces } from "./download_stream.ts";

/** What the persistent cache over gRPC acts on. */
export interface CacheDeps {
  readonly cache: CacheTasks;
  /** The storage of the persistent cache. */
  readonly cacheStorage: Storage;
  readonly clock: Clock;
  /** Our host id. */
  readonly hostId: string;
  /** How long an import is kept when nobody says, in milliseconds. */
  readonly cacheTtlMs: number;
}

/**
 * Gets a task of the persistent cache and tells of it: that it started, each piece as it is finished, and the end, when
 * all of it is there and has the digest that was asked for. A task that cannot be opened fails before anything is sent.
 */
export async function* streamCopy(
  request: DownloadPersistentCacheTaskRequest,
  { cache, cacheStorage: storage, clock, hostId }: CacheDeps,
  options: DownloadOptions,
  caller: AbortSignal,
): AsyncGenerator<DownloadPersistentCacheTaskResponse, void, undefined> {
  const { taskId, persistent: isPersistent, digest = "", timeout } = request;
  using limit = timeout === undefined ? undefined : clock.deadline(msOfDuration(timeout));
  const failed = new AbortController();
  const signal = AbortSignal.any([caller, failed.signal, ...(limit === undefined ? [] : [limit.signal])]);
  const wanted = { taskId, isPersistent, digest: digest === "" ? undefined : parseDigest(digest) };
  using handle = await cache.open(wanted, signal);
  handle.sealed.catch((error) => failed.abort(error));
  const { plan } = handle.stored.record;
  const ids = { hostId, taskId, peerId: handle.peerId };
  const started = { contentLength: plan.contentLength };
  yield { ...ids, response: { $case: "downloadPersistentCacheTaskStartedResponse", value: started } };
  const whole = { start: 0, end: plan.contentLength };
  for await (const { task, record } of finishedPieces(plan, whole, { storage, handle, signal }, options)) {
    const piece = pieceMessage(record, plan);
    if (options.withContent) piece.content = await contentOf(task, pieceRange(plan, record.number));
    yield { ...ids, response: { $case: "downloadPieceFinishedResponse", value: { piece } } };
  }
  await orAbort(handle.sealed, signal);
  await options.deliver?.(handle.stored, whole);
}
