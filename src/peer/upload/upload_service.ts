import { DamselflyError } from "../../core/error.ts";
import { isUsualPieceLength } from "../../core/piece.ts";
import { DURATION_BUCKETS_MS, sizeLevel } from "../../core/size_level.ts";
import { type Download, Host, type Network } from "../../rpc/gen/common/v2/common.ts";
import { DfdaemonUploadService, type DownloadTaskResponse } from "../../rpc/gen/dfdaemon/v2/dfdaemon.ts";
import { type CallContext, type RpcService, service } from "../../rpc/service.ts";
import { BoundedLabels } from "../../runtime/bounded_labels.ts";
import { orAbort } from "../../runtime/or_abort.ts";
import type { Metrics } from "../../runtime/metrics.ts";
import { currentSpan } from "../../runtime/tracing.ts";
import { CONTENT_VERSION_HEADER, PIECE_LENGTH_HEADER, TURNS_HEADER } from "../piece/parent.ts";
import { cacheUploadHandlers } from "./cache_handlers.ts";
import type { CacheDeps } from "./cache_stream.ts";
import type { Destinations } from "../../http/destination.ts";
import { CallMetrics } from "./call_metrics.ts";
import { callerIp } from "./caller_ip.ts";
import { type DownloadDeps, streamDownload } from "./download_stream.ts";
import { type EntriesDeps, listEntries } from "./list_entries.ts";
import { type PieceAddress, syncPieces } from "./sync_pieces.ts";
import { localTaskMessage, taskMessage } from "./task_messages.ts";
import { locationOf } from "../source/location.ts";
import { sourceRequestOf } from "./task_request.ts";
import type { Turns } from "./turns.ts";
import type { Storage, StoredTask } from "../storage/storage.ts";

/** How often children learn of our load (wire.md §1.2). */
const LOAD_INTERVAL_MS = 1_000;

/** Methods whose callers set a deadline and mean the headers only (wire.md §0 fact 8); for the server's `ignoreDeadlineOf`. */
export const UPLOAD_METHODS_WITHOUT_DEADLINE: readonly string[] = [
  DfdaemonUploadService.syncPieces.path,
  DfdaemonUploadService.syncPersistentCachePieces.path,
  DfdaemonUploadService.syncHost.path,
];

/** What the upload service acts on. */
export interface UploadServiceOptions extends DownloadDeps, CacheDeps, EntriesDeps {
  readonly metrics: Metrics;
  /** Where our piece server is reached from other hosts. */
  readonly pieceAddress: PieceAddress;
  /** Where callers may send this host. */
  readonly destinations: Pick<Destinations, "check">;
  /** Never give pieces to other peers (`upload.disableShared`). */
  readonly disableShared: boolean;
  /** Which child is told of what. */
  readonly turns: Turns;
  /** Aborts when this host stops: streams that children follow end at once, so that they turn to somebody else. */
  readonly stopping: AbortSignal;
  /** The load of our network now. */
  hostLoad(): Network;
}

/** `DfdaemonUpload`: what a peer offers to other hosts (wire.md §1). */
export function uploadService(options: UploadServiceOptions): RpcService {
  const { tasks, storage, clock, hostLoad, disableShared } = options;
  const calls = new CallMetrics(options.metrics);
  const count = uploadCounter(options);
  return service(DfdaemonUploadService, {
    downloadTask: ({ download }, context) => count(triggeredDownload(download, options, context), download),
    syncPieces: (request, { signal, metadata, sendHeaders }) => {
      sendHeaders();
      if (disableShared) throw new DamselflyError("permission_denied", "Cannot share: this host gives no pieces away");
      const either = AbortSignal.any([signal, options.stopping]);
      currentSpan()?.set({ task_id: request.taskId, remote_host_id: request.hostId });
      const question = {
        ...request,
        pieceLength: namedPieceLength(metadata),
        version: namedVersion(metadata),
        waitsItsTurn: metadata.get(TURNS_HEADER) !== undefined,
      };
      return syncPieces(question, { storage, clock, turns: options.turns, address: options.pieceAddress }, either);
    },
    syncHost: async function* (_request, { signal, sendHeaders }) {
      sendHeaders();
      const either = AbortSignal.any([signal, options.stopping]);
      while (true) {
        yield Host.create({ network: hostLoad() });
        await clock.sleep(LOAD_INTERVAL_MS, either);
      }
    },
    statTask: ({ taskId }) => calls.count("stat_task", "STANDARD", () => taskMessage(presentTask(storage, taskId))),
    statLocalTask: ({ taskId }) =>
      calls.count("stat_local_task", "STANDARD", () => localTaskMessage(presentTask(storage, taskId).record)),
    listTaskEntries: (request, { peer, signal }) =>
      calls.count(
        "list_task_entries",
        "STANDARD",
        () => listEntries(request, options, { callerIp: callerIp(peer), signal }),
      ),
    deleteTask: async ({ taskId }, { signal }) => {
      await calls.count("delete_task", "STANDARD", () => tasks.delete(taskId, signal));
      return {};
    },
    ...cacheUploadHandlers(options, calls),
  });
}

/** The task that a caller names. Throws `not_found`. */
export function presentTask(storage: Storage, taskId: string): StoredTask {
  const task = storage.find(taskId);
  if (task !== undefined) return task;
  throw new DamselflyError("not_found", `Cannot find task ${taskId.slice(0, 160)} on this host`);
}

/** How the caller says that it cuts the content. Throws `invalid_argument`. */
function namedPieceLength(metadata: CallContext["metadata"]): number | undefined {
  const text = metadata.get(PIECE_LENGTH_HEADER);
  if (text === undefined) return undefined;
  if (isUsualPieceLength(Number(text))) return Number(text);
  throw new DamselflyError("invalid_argument", `Cannot cut pieces of ${text.slice(0, 20)} bytes`);
}

function namedVersion(metadata: CallContext["metadata"]): string | undefined {
  return metadata.get(CONTENT_VERSION_HEADER);
}

/** A download that another host asks for: it fills this host's store, and never writes anywhere else. */
async function* triggeredDownload(
  download: Download | undefined,
  options: UploadServiceOptions,
  { peer, signal }: CallContext,
) {
  if (download === undefined) {
    throw new DamselflyError("invalid_argument", "Cannot download: the request names nothing");
  }
  if ((download.outputPath ?? "") !== "") {
    throw new DamselflyError(
      "permission_denied",
      "Cannot write to an output path for another host; ask on the host itself",
    );
  }
  const remoteIp = callerIp(peer);
  // Also of a content that is here: by a loopback URL it is this host's own, and not what the caller has there.
  const { origin, hostname } = locationOf(sourceRequestOf(download, remoteIp));
  await orAbort(options.destinations.check({ origin, hostname, remoteIp }), signal);
  yield* streamDownload(download, options, { withContent: false, callerIp: remoteIp }, signal);
}

/** Counts downloads that other hosts trigger, under Dragonfly's names (node-side.md §3.13). */
function uploadCounter({ metrics, clock }: Pick<UploadServiceOptions, "metrics" | "clock">) {
  const labelNames = ["type", "tag", "app"];
  const total = metrics.counter("dragonfly_client_upload_task_total", "Tasks that other hosts asked for.", labelNames);
  const failures = metrics.counter(
    "dragonfly_client_upload_task_failure_total",
    "Tasks that other hosts asked for and that failed.",
    labelNames,
  );
  const durations = metrics.histogram(
    "dragonfly_client_upload_task_duration_milliseconds",
    "Time of tasks that other hosts asked for, until they were there.",
    DURATION_BUCKETS_MS,
    ["task_type", "task_size_level"],
  );
  const running = metrics.gauge(
    "dragonfly_client_concurrent_upload_task_total",
    "Tasks that other hosts asked for and that are under way.",
    labelNames,
  );
  const known = new BoundedLabels();
  return async function* (
    responses: AsyncIterable<DownloadTaskResponse>,
    download: Download | undefined,
  ): AsyncGenerator<DownloadTaskResponse, void, undefined> {
    const { type = 0, tag = "", application: app = "" } = download ?? {};
    const labels = known.of({ type: String(type), tag, app });
    total.inc(labels);
    running.inc(labels);
    const startedAt = clock.now();
    let contentLength: number | undefined;
    try {
      for await (const response of responses) {
        if (response.response?.$case === "downloadTaskStartedResponse") {
          contentLength = response.response.value.contentLength;
        }
        yield response;
      }
      const sized = { task_type: labels["type"] ?? "", task_size_level: sizeLevel(contentLength) };
      durations.observe(sized, clock.now() - startedAt);
    } catch (error) {
      failures.inc(labels);
      throw error;
    } finally {
      running.dec(labels);
    }
  };
}
