import { DamselflyError, errorText, isCancelled, toDamselflyError } from "../../core/error.ts";
import { pieceRange } from "../../core/piece.ts";
import type { Runtime } from "../../runtime/runtime.ts";
import { type CacheControl, cacheDownload } from "../control/cache_control.ts";
import type { Decision } from "../control/control.ts";
import type { ParentRpc } from "../piece/parent.ts";
import type { BandwidthLimit } from "../piece/bandwidth_limit.ts";
import type { PieceClient } from "../piece/vortex_client.ts";
import type { PieceRecord, Retention, StoredTask } from "../storage/storage.ts";
import type { DownloadOptions } from "../task/download.ts";
import { fetchFromParents, parentsOf } from "../task/parents_stage.ts";
import { Conversation, pieceMessage } from "../task/report.ts";
import type { TaskMetrics } from "../task/task_metrics.ts";

/** What downloads of the persistent cache work with. */
export interface CacheDownloadParts {
  readonly control: CacheControl;
  /** Of this family of tasks, as is the piece client. */
  readonly parentRpc: ParentRpc;
  readonly pieceClient: PieceClient;
  /** Of what comes from parents, for tasks of both families together. */
  readonly parentsLimit: BandwidthLimit;
  readonly metrics: TaskMetrics;
  /** Called with the bytes of pieces that came from parents. */
  readonly onReceived: (bytes: number) => void;
  readonly runtime: Pick<Runtime, "clock" | "random" | "log">;
  readonly options: DownloadOptions;
}

/**
 * Gets a task of the persistent cache from those who have it, until it is sealed. There is no source: when the
 * scheduler knows no parent that has what is missing, the download fails with `failed_precondition`.
 */
export async function downloadCopy(
  stored: StoredTask,
  retention: Retention,
  parts: CacheDownloadParts,
  signal: AbortSignal,
): Promise<void> {
  using _held = stored.hold();
  const { runtime: { clock, log }, metrics } = parts;
  const { taskId, plan } = stored.record;
  const { tag = "", application = "", peerId } = retention;
  const ended = metrics.started({ tag, application, priority: 0 });
  const startedAt = clock.now();
  try {
    await stored.checked(signal);
    if (!isFull(stored)) await fill(stored, retention, parts, signal);
    await stored.seal(signal);
    const durationMs = Math.round(clock.now() - startedAt);
    ended(false);
    metrics.succeeded(plan.contentLength, durationMs);
    log.info("A task of the persistent cache is complete", { taskId, peerId, durationMs });
  } catch (caught) {
    const error = signal.aborted ? signal.reason : toDamselflyError(caught, "internal", `Cannot get task ${taskId}`);
    ended(!isCancelled(error));
    if (!isCancelled(error)) {
      log.warn("A task of the persistent cache failed", { taskId, peerId, error: errorText(error) });
    }
    throw error;
  }
}

async function fill(stored: StoredTask, retention: Retention, parts: CacheDownloadParts, signal: AbortSignal) {
  const { control, runtime: { log } } = parts;
  const { peerId, isPersistent } = retention;
  const session = await control.openSession(stored.record.taskId, peerId, isPersistent, signal);
  const talk = new Conversation(session, log, signal);
  try {
    await askForParents(stored, retention, talk, parts, signal);
    // The scheduler may send children here from now on; the seal that follows has no digest to fail on.
    talk.finish({ kind: "finished" });
  } catch (error) {
    if (signal.aborted) talk.close();
    else talk.finish({ kind: "failed", description: errorText(error) });
    throw error;
  } finally {
    await talk.closed;
  }
}

async function askForParents(
  stored: StoredTask,
  retention: Retention,
  talk: Conversation,
  parts: CacheDownloadParts,
  signal: AbortSignal,
): Promise<void> {
  const { maxScheduleCount, concurrentPieceCount } = parts.options;
  const { taskId, plan } = stored.record;
  const download = cacheDownload(plan, retention, concurrentPieceCount);
  let decision = await talk.ask({ kind: "register", download });
  for (let asked = 1; decision?.kind === "from_parents"; asked++) {
    if (asked === 1) talk.post({ kind: "started" });
    const bereftIds = await fetchFrom(decision, stored, retention, talk, parts, signal);
    if (isFull(stored)) return;
    if (asked >= maxScheduleCount) break;
    const parents = decision.parents.filter(({ id }) => !bereftIds.has(id));
    decision = await talk.ask({ kind: "reschedule", parents, description: "pieces are missing" });
  }
  const cause = talk.failure === undefined ? "no peer has all of it" : errorText(talk.failure);
  throw new DamselflyError("failed_precondition", `Cannot get task ${taskId} of the persistent cache: ${cause}`, {
    cause: talk.failure,
  });
}

/** Gives the ids of those parents that did not fail, though the round is over. */
async function fetchFrom(
  { parents: peers }: Extract<Decision, { kind: "from_parents" }>,
  stored: StoredTask,
  { peerId }: Retention,
  talk: Conversation,
  parts: CacheDownloadParts,
  signal: AbortSignal,
): Promise<ReadonlySet<string>> {
  const { control: { hostId }, parentRpc, pieceClient, parentsLimit, metrics, runtime, options } = parts;
  const { taskId, plan } = stored.record;
  const onPiece = (record: PieceRecord) => {
    const { start, end } = pieceRange(plan, record.number);
    metrics.received(record.trafficType, end - start);
    parts.onReceived(end - start);
    talk.post({ kind: "piece_finished", piece: pieceMessage(record, plan) });
  };
  const onPieceFailed = (pieceNumber: number, parentId: string) =>
    talk.post({ kind: "piece_failed", pieceNumber, parentId, temporary: true });
  const readerPieces = () => [];
  // All copies are cut as the import says; a parent whose copy is not has none of this task.
  const cut = { mayRecut: false, onOtherCut: () => {} };
  const stage = {
    ...runtime,
    ...options,
    ...cut,
    hostId,
    taskId,
    peerId,
    stored,
    parentRpc,
    pieceClient,
    parentsLimit,
  };
  const parents = parentsOf(peers, (parentHostId) => parentHostId === hostId);
  return (await fetchFromParents({ ...stage, onPiece, onPieceFailed, readerPieces }, parents, signal)).bereftIds;
}

function isFull({ record, finishedPieceCount }: StoredTask): boolean {
  return finishedPieceCount === record.plan.pieceCount;
}
