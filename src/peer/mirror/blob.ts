import type { Digest } from "../../core/digest.ts";
import { taskIdOf } from "../../core/task_id.ts";
import { contentHeaders } from "../../http/forwarded_headers.ts";
import type { SourceRequest, SourceStat } from "../source/source.ts";
import type { TaskRequest } from "../task/task.ts";
import type { ContentRequest } from "./content.ts";
import type { TaskWishes } from "./task_wishes.ts";

/** A request for a blob, parsed. */
export interface BlobRequest {
  readonly request: Request;
  readonly registry: URL;
  readonly repository: string;
  readonly digest: Digest;
  readonly remoteIp: string;
  readonly wishes: TaskWishes;
  readonly disableBackToSource: boolean;
  /** Whether blobs are asked for by their digest, or by their URL; the requester may wish otherwise. */
  readonly blobIdByDigest: boolean;
  readonly deliver?: ContentRequest["deliver"];
  readonly signal: AbortSignal;
}

/** The request for a blob as one for its content. */
export function blobContent(blob: BlobRequest): ContentRequest {
  const source = sourceRequestOf(blob);
  return {
    ...{ request: blob.request, source, digest: blob.digest, signal: blob.signal, deliver: blob.deliver },
    task: (stat) => taskRequestOf(blob, source, stat),
    headers: (stored) => blobHeaders(blob, stored),
    name: { digest: blob.digest.text, repository: blob.repository },
  };
}

function sourceRequestOf({ request, registry, repository, digest, remoteIp }: BlobRequest): SourceRequest {
  return {
    url: `${registry.origin}/v2/${repository}/blobs/${digest.text}`,
    headers: contentHeaders(request.headers),
    remoteIp,
  };
}

function taskRequestOf(
  { wishes, digest, remoteIp, disableBackToSource, blobIdByDigest }: BlobRequest,
  source: SourceRequest,
  stat: SourceStat | undefined,
): TaskRequest {
  const { contentForTaskId, priority, labels } = wishes;
  const byDigest = contentForTaskId === undefined && (wishes.blobIdByDigest ?? blobIdByDigest);
  return {
    taskId: taskIdOf({ url: source.url, byBlobDigest: byDigest, content: contentForTaskId, ...labels }),
    ...labels,
    source,
    ...(stat === undefined ? {} : { stat }),
    digest,
    priority,
    filteredQueryParams: [],
    isBlobDigestTaskId: byDigest,
    needBackToSource: false,
    disableBackToSource,
    remoteIp,
  };
}

function blobHeaders(blob: BlobRequest, stored: Readonly<Record<string, string>>): Headers {
  const headers = new Headers({ "content-type": "application/octet-stream", ...stored });
  headers.set("accept-ranges", "bytes");
  headers.set("docker-content-digest", blob.digest.text);
  return headers;
}
