import type { ByteRange } from "../../core/byte_range.ts";
import { DamselflyError } from "../../core/error.ts";
import type { Download } from "../../rpc/gen/common/v2/common.ts";
import { DfdaemonDownloadService } from "../../rpc/gen/dfdaemon/v2/dfdaemon.ts";
import { type RpcService, service } from "../../rpc/service.ts";
import type { Metrics } from "../../runtime/metrics.ts";
import { CallMetrics } from "./call_metrics.ts";
import { cacheDownloadHandlers } from "./cache_handlers.ts";
import type { CacheDeps } from "./cache_stream.ts";
import { checkOutput, deliverFile, type DeliveryDeps, keepingPlace, type Output } from "./deliver_file.ts";
import type { StoredTask } from "../storage/storage.ts";
import { type DownloadDeps, streamDownload } from "./download_stream.ts";
import { type EntriesDeps, listEntries } from "./list_entries.ts";
import { localTaskMessage, taskMessage } from "./task_messages.ts";
import { presentTask } from "./upload_service.ts";

/** What the download service acts on. */
export interface DownloadServiceOptions extends DownloadDeps, CacheDeps, EntriesDeps, DeliveryDeps {
  readonly metrics: Metrics;
  /** Takes this host out of the schedulers' tables. */
  deleteHost(signal: AbortSignal): Promise<void>;
}

/** `DfdaemonDownload`: what a peer offers to programs on its own host, over a unix socket (wire.md §1). */
export function downloadService(options: DownloadServiceOptions): RpcService {
  const { tasks, storage } = options;
  const calls = new CallMetrics(options.metrics);
  const deleting = (name: "delete_task" | "delete_local_task") => {
    return async ({ taskId }: { taskId: string }, { signal }: { signal: AbortSignal }) => {
      await calls.count(name, "STANDARD", () => tasks.delete(taskId, signal));
      return {};
    };
  };
  return service(DfdaemonDownloadService, {
    // Headers come with the first message: stock dfget reads why a task cannot be opened only from a call without.
    downloadTask: ({ download }, { signal }) => localDownload(download, options, signal),
    statTask: ({ taskId }) => calls.count("stat_task", "STANDARD", () => taskMessage(presentTask(storage, taskId))),
    statLocalTask: ({ taskId }) =>
      calls.count("stat_local_task", "STANDARD", () => localTaskMessage(presentTask(storage, taskId).record)),
    listLocalTasks: () =>
      calls.count("list_local_tasks", "STANDARD", () => ({ tasks: storage.list().map(localTaskMessage) })),
    listTaskEntries: (request, { signal }) =>
      calls.count("list_task_entries", "STANDARD", () => listEntries(request, options, { signal })),
    deleteTask: deleting("delete_task"),
    deleteLocalTask: deleting("delete_local_task"),
    deleteHost: async (_request, { signal }) => {
      await calls.countHostDeletion(() => options.deleteHost(signal));
      return {};
    },
    ...cacheDownloadHandlers(options, calls),
  });
}

async function* localDownload(download: Download | undefined, options: DownloadServiceOptions, signal: AbortSignal) {
  if (download === undefined) {
    throw new DamselflyError("invalid_argument", "Cannot download: the request names nothing");
  }
  const withContent = download.needPieceContent;
  const output = outputOf(download);
  if (output === undefined) return yield* streamDownload(download, options, { withContent }, signal);
  await checkOutput(output, options);
  const deliver = (task: StoredTask, range: ByteRange) => deliverFile(task, range, output, options, signal);
  yield* keepingPlace(streamDownload(download, options, { withContent, deliver }, signal), output, options, signal);
}

function outputOf({ outputPath, overwrite, forceHardLink }: Download): Output | undefined {
  return outputPath === undefined || outputPath === "" ? undefined : { path: outputPath, overwrite, forceHardLink };
}
