import { type ByteRange, resolveRange } from "../../core/byte_range.ts";
import { DamselflyError } from "../../core/error.ts";
import { type PiecePlan, piecePlan, pieceRange, piecesOf } from "../../core/piece.ts";
import { type Download, Piece } from "../../rpc/gen/common/v2/common.ts";
import type { DownloadTaskResponse, DownloadTaskStartedResponse } from "../../rpc/gen/dfdaemon/v2/dfdaemon.ts";
import { msOfDuration } from "../../rpc/time.ts";
import type { Clock } from "../../runtime/clock.ts";
import { orAbort } from "../../runtime/or_abort.ts";
import type { PieceRecord, Storage, StoredTask } from "../storage/storage.ts";
import { pieceMessage, withBackend } from "../task/report.ts";
import type { TaskHandle, Tasks } from "../task/task.ts";
import { Arrivals, AskedPieces } from "./asked_piece.ts";
import { taskRequestOf } from "./task_request.ts";

/** Bytes that are read at a time to compute the digest of a piece. */
const READ_BYTES = 256 * 1024;

/** What a download over gRPC acts on. */
export interface DownloadDeps {
  readonly tasks: Tasks;
  readonly storage: Storage;
  readonly clock: Clock;
  /** Our host id. */
  readonly hostId: string;
}

/** What is done with a download besides telling of it. */
export interface DownloadOptions {
  /** Send the bytes of the pieces along. */
  readonly withContent: boolean;
  /** The address of who asks; left out for a program of this host. */
  readonly callerIp?: string;
  /** Called with the whole content or the wanted range of it, once it is there and before the stream ends. */
  deliver?(task: StoredTask, range: ByteRange): Promise<void>;
}

/**
 * Downloads a task and tells of it: that it started, each wanted piece as it is finished, and the end (wire.md §1.2).
 * A download of the whole content ends when its digest was checked, one of a range when its pieces are there.
 */
export async function* streamDownload(
  download: Download,
  deps: DownloadDeps,
  options: DownloadOptions,
  caller: AbortSignal,
): AsyncGenerator<DownloadTaskResponse, void, undefined> {
  try {
    yield* tellingOf(download, deps, options, caller);
  } catch (error) {
    throw withBackend(error);
  }
}

async function* tellingOf(
  download: Download,
  deps: DownloadDeps,
  options: DownloadOptions,
  caller: AbortSignal,
): AsyncGenerator<DownloadTaskResponse, void, undefined> {
  const request = taskRequestOf(download, options.callerIp);
  using limit = download.timeout === undefined ? undefined : deps.clock.deadline(msOfDuration(download.timeout));
  const failed = new AbortController();
  const signal = AbortSignal.any([caller, failed.signal, ...(limit === undefined ? [] : [limit.signal])]);
  await using handle = await deps.tasks.open(request, signal);
  handle.sealed.catch((error) => failed.abort(error));
  const plan = piecePlan(handle.contentLength, handle.pieceLength);
  const range = wantedRange(download, plan);
  const ids = { hostId: deps.hostId, taskId: handle.taskId, peerId: handle.peerId };
  yield { ...ids, response: { $case: "downloadTaskStartedResponse", value: startedMessage(handle, plan, range) } };
  const source = { storage: deps.storage, handle, signal };
  for await (const { task, record } of finishedPieces(plan, range, source, options)) {
    const piece = pieceMessage(record, plan);
    if (options.withContent) piece.content = await contentOf(task, pieceRange(plan, record.number));
    yield { ...ids, response: { $case: "downloadPieceFinishedResponse", value: { piece } } };
  }
  if (range.end - range.start === plan.contentLength) await orAbort(handle.sealed, signal);
  if (options.deliver === undefined) return;
  const task = await storedTask(source);
  using _held = task.hold();
  await options.deliver(task, range);
}

/** Where finished pieces are looked for. */
export interface PieceSource {
  readonly storage: Storage;
  readonly handle: Pick<TaskHandle, "taskId"> & { readonly sealed: Promise<unknown> };
  readonly signal: AbortSignal;
}

/** The task in the store; between two attempts there is none, and the end of the download is waited for. */
async function storedTask({ storage, handle, signal }: PieceSource): Promise<StoredTask> {
  const { taskId } = handle;
  const found = storage.find(taskId);
  if (found !== undefined) return found;
  await orAbort(handle.sealed, signal);
  const sealed = storage.find(taskId);
  if (sealed !== undefined) return sealed;
  throw new DamselflyError("not_found", `Cannot read task ${taskId}: it was deleted`);
}

/** Each piece of a range once, as they are finished, in the cut that the caller was told of. */
export async function* finishedPieces(
  plan: PiecePlan,
  range: ByteRange,
  source: PieceSource,
  { withContent }: DownloadOptions,
): AsyncGenerator<{ task: StoredTask; record: PieceRecord }, void, undefined> {
  const numbers = piecesOf(plan, range);
  const missing = new Set(numbers);
  const asked = new AskedPieces();
  const buffer = new Uint8Array(READ_BYTES);
  while (missing.size > 0) {
    const task = await storedTask(source);
    using _held = task.hold();
    const arrivals = new Arrivals(task, plan);
    while (missing.size > 0 && !task.isDeleted) {
      const come = arrivals.next(missing);
      for (const number of come) {
        const record = await asked.record(task, plan, number, buffer);
        if (record === undefined) continue;
        missing.delete(number);
        yield { task, record };
      }
      // While the caller took what was yielded, more may have come.
      if (come.length === 0) await task.nextChange(source.signal);
    }
    if (task.isDeleted && withContent && missing.size < numbers.length) {
      // What was sent may be what was wrong with it, and the next attempt would not tell.
      const { taskId } = task.record;
      throw new DamselflyError("data_loss", `Cannot go on with task ${taskId}: it was deleted; ask for it again`);
    }
  }
}

/** The bytes of a finished piece. */
export async function contentOf(task: StoredTask, { start, end }: ByteRange): Promise<Uint8Array> {
  const content = new Uint8Array(end - start);
  await task.read(content, start);
  return content;
}

function startedMessage(handle: TaskHandle, plan: PiecePlan, range: ByteRange): DownloadTaskStartedResponse {
  const pieces = piecesOf(plan, range).map((number) => {
    const { start, end } = pieceRange(plan, number);
    return Piece.create({ number, offset: start, length: end - start });
  });
  return {
    contentLength: handle.contentLength,
    range: { start: range.start, length: range.end - range.start },
    responseHeader: { ...handle.responseHeaders },
    pieces,
    isFinished: handle.isLocalHit,
  };
}

/** The part that is wanted: of the message, else of the Range header, else all. Throws `failed_precondition`. */
function wantedRange(download: Download, { contentLength }: PiecePlan): ByteRange {
  const { range } = download;
  if (range !== undefined) {
    const end = range.start + range.length;
    if (range.length > 0 && end <= contentLength) return { start: range.start, end };
    throw badRange(`${range.length} bytes from ${range.start}`, contentLength);
  }
  const header = Object.entries(download.requestHeader).find(([name]) => name.toLowerCase() === "range")?.[1];
  const resolved = resolveRange(header, contentLength);
  if (resolved.kind === "unsatisfiable") throw badRange(`${header}`, contentLength);
  return resolved.kind === "part" ? resolved.range : { start: 0, end: contentLength };
}

function badRange(what: string, contentLength: number): DamselflyError {
  return new DamselflyError("failed_precondition", `Cannot download ${what}: the content has ${contentLength} bytes`);
}
