import { pemOfDer } from "../../core/certificates.ts";
import { type Digest, parseDigest } from "../../core/digest.ts";
import { DamselflyError } from "../../core/error.ts";
import { askedPieceLength } from "../../core/piece.ts";
import { blobDigestOf, taskIdOf } from "../../core/task_id.ts";
import { contentHeaders } from "../../http/forwarded_headers.ts";
import { type Download, TaskType } from "../../rpc/gen/common/v2/common.ts";
import { locationOf } from "../source/location.ts";
import type { SourceRequest } from "../source/source.ts";
import type { TaskRequest } from "../task/task.ts";
import { accessOf } from "./storage_access.ts";

const PRIORITY_UNSET = 0;
const PRIORITY_DEFAULT = 6;
/** The highest of the protocol (wire.md §1.1). */
const PRIORITY_MAX = 6;

/** Of all authorities of a request; one has 2 KB. */
const AUTHORITIES_BYTES_MAX = 64 * 1024;

/**
 * The request for a task that a `Download` describes. `callerIp` is who sent it; undefined for a program of this host
 * (what the message says of the requester is a claim). Throws `invalid_argument`, or `unimplemented` for other families.
 */
export function taskRequestOf(download: Download, callerIp: string | undefined): TaskRequest {
  if (download.type !== TaskType.STANDARD) {
    throw new DamselflyError("unimplemented", "Cannot download: only standard tasks have a URL");
  }
  const { tag, application, pieceLength, filteredQueryParams, remoteIp, priority } = download;
  const { needBackToSource, actualPieceLength } = download;
  if (!(priority >= 0 && priority <= PRIORITY_MAX)) {
    throw new DamselflyError("invalid_argument", `Cannot download with priority ${priority}`);
  }
  const digest = digestOf(download);
  const source = sourceRequestOf(download, callerIp);
  locationOf(source);
  return {
    taskId: idOf(download, digest),
    source,
    digest,
    ...(tag !== undefined && { tag }),
    ...(application !== undefined && { application }),
    priority: priority === PRIORITY_UNSET ? PRIORITY_DEFAULT : priority,
    filteredQueryParams,
    ...(pieceLength !== undefined && { pieceLength: askedPieceLength(pieceLength) }),
    ...(needBackToSource && actualPieceLength !== undefined && { swarmPieceLength: actualPieceLength }),
    isBlobDigestTaskId: download.enableTaskIdBasedBlobDigest,
    needBackToSource,
    disableBackToSource: download.disableBackToSource,
    ...(remoteIp !== undefined && { remoteIp }),
  };
}

/** What is asked of the source, and with whose rights. Throws `invalid_argument`. */
export function sourceRequestOf(
  { url, requestHeader, certificateChain, objectStorage }: Download,
  callerIp: string | undefined,
): SourceRequest {
  return {
    ...{ url, headers: contentHeaders(Object.entries(requestHeader)) },
    ...(objectStorage !== undefined && { objectStorage: accessOf(objectStorage) }),
    ...(callerIp !== undefined && { remoteIp: callerIp }),
    ...(certificateChain.length > 0 && { authorities: authoritiesOf(certificateChain) }),
  };
}

/** Whom the caller trusts for this content besides those whom we trust. */
function authoritiesOf(certificates: readonly Uint8Array[]): string[] {
  const bytes = certificates.reduce((sum, { length }) => sum + length, 0);
  if (bytes > AUTHORITIES_BYTES_MAX) {
    throw new DamselflyError("invalid_argument", `Cannot download: certificate_chain has ${bytes} bytes`);
  }
  return certificates.map(pemOfDer);
}

/** A blob of a registry has its digest in its URL: what is stored under that name must be that content. */
function digestOf({ url, digest = "" }: Download): Digest | undefined {
  if (digest !== "") return parseDigest(digest);
  return blobDigestOf(url);
}

/** The task id. One that is a blob's digest promises that blob to every other peer, so no other content may have it. */
function idOf(download: Download, digest: Digest | undefined): string {
  const { url, tag, application, pieceLength, filteredQueryParams, enableTaskIdBasedBlobDigest } = download;
  const input = {
    ...{ url, tag, application, pieceLength, filteredQueryParams },
    revision: download.huggingFace?.revision ?? download.modelScope?.revision,
    content: download.contentForCalculatingTaskId,
  };
  const byUrl = taskIdOf(input);
  const taskId = taskIdOf({ ...input, byBlobDigest: enableTaskIdBasedBlobDigest });
  if (taskId === byUrl || taskId === digest?.hex) return taskId;
  throw new DamselflyError(
    "invalid_argument",
    `Cannot download ${digest?.text ?? "a content of unknown digest"} as blob ${taskId.slice(0, 160)}`,
  );
}
