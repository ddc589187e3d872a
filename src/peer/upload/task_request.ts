import { parseDigest, tryParseDigest } from "../../core/digest.ts";
import { DamselflyError } from "../../core/error.ts";
import { taskIdOf } from "../../core/task_id.ts";
import { forwardedHeaders } from "../../http/forwarded_headers.ts";
import { type Download, TaskType } from "../../rpc/gen/common/v2/common.ts";
import type { TaskRequest } from "../task/task.ts";

const PRIORITY_UNSET = 0;
const PRIORITY_DEFAULT = 6;

/** The request for a task that a `Download` describes. Throws `invalid_argument`, or `unimplemented` for other families. */
export function taskRequestOf(download: Download): TaskRequest {
  if (download.type !== TaskType.STANDARD) {
    throw new DamselflyError("unimplemented", "Cannot download: there are only standard tasks");
  }
  const { url, tag, application, pieceLength, filteredQueryParams, remoteIp } = download;
  return {
    taskId: taskIdOf({
      ...{ url, tag, application, pieceLength, filteredQueryParams },
      revision: download.huggingFace?.revision ?? download.modelScope?.revision,
      content: download.contentForCalculatingTaskId,
      byBlobDigest: download.enableTaskIdBasedBlobDigest,
    }),
    source: { url, headers: forwardedHeaders(Object.entries(download.requestHeader)) },
    digest: download.digest === undefined || download.digest === "" ? blobDigest(url) : parseDigest(download.digest),
    ...(tag !== undefined && { tag }),
    ...(application !== undefined && { application }),
    priority: download.priority === PRIORITY_UNSET ? PRIORITY_DEFAULT : download.priority,
    filteredQueryParams,
    ...(pieceLength !== undefined && { pieceLength }),
    isBlobDigestTaskId: download.enableTaskIdBasedBlobDigest,
    needBackToSource: download.needBackToSource,
    disableBackToSource: download.disableBackToSource,
    ...(remoteIp !== undefined && { remoteIp }),
  };
}

/** A blob of a registry has its digest in its URL: what is stored under that name must be that content. */
function blobDigest(url: string) {
  return tryParseDigest(/\/v2\/.+\/blobs\/([^/?]+)(?:\?.*)?$/.exec(url)?.[1] ?? "");
}
