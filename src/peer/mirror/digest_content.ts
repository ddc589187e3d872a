import type { Digest } from "../../core/digest.ts";
import { taskIdOf } from "../../core/task_id.ts";
import { contentHeaders } from "../../http/forwarded_headers.ts";
import type { SourceRequest, SourceStat } from "../source/source.ts";
import type { TaskRequest } from "../task/task.ts";
import type { ContentRequest } from "./content.ts";
import type { TaskWishes } from "./task_wishes.ts";

const BLOB_HEADERS = { "content-type": "application/octet-stream", "accept-ranges": "bytes" };

/** A request for a content that is named by its digest, parsed. */
export interface DigestRequest {
  readonly request: Request;
  readonly registry: URL;
  readonly repository: string;
  /** What the registry has it among. */
  readonly collection: "blobs" | "manifests";
  readonly digest: Digest;
  readonly remoteIp: string;
  readonly wishes: TaskWishes;
  readonly disableBackToSource: boolean;
  /** Whether blobs are asked for by their digest, or by their URL; the requester may wish otherwise. */
  readonly blobIdByDigest: boolean;
  readonly deliver?: ContentRequest["deliver"];
  readonly checkRedirect?: SourceRequest["checkRedirect"];
  readonly signal: AbortSignal;
}

/** Where a registry has a content. */
export function contentUrl(
  { registry, repository, collection, digest }: Pick<DigestRequest, "registry" | "repository" | "collection"> & {
    readonly digest: string;
  },
): string {
  return `${registry.origin}/v2/${repository}/${collection}/${digest}`;
}

/** The request as one for its content. */
export function digestContent(asked: DigestRequest): ContentRequest {
  const source = sourceRequestOf(asked);
  return {
    ...{ request: asked.request, source, digest: asked.digest, signal: asked.signal, deliver: asked.deliver },
    task: (stat) => taskRequestOf(asked, source, stat),
    headers: (stored) => answerHeaders(asked, stored),
    name: { digest: asked.digest.text, repository: asked.repository },
  };
}

function sourceRequestOf({ request, digest, remoteIp, checkRedirect, ...place }: DigestRequest): SourceRequest {
  return {
    url: contentUrl({ ...place, digest: digest.text }),
    headers: contentHeaders(request.headers),
    remoteIp,
    ...(checkRedirect !== undefined && { checkRedirect }),
  };
}

function taskRequestOf(
  { wishes, digest, remoteIp, disableBackToSource, blobIdByDigest }: DigestRequest,
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

function answerHeaders(
  { collection, digest }: DigestRequest,
  stored: Readonly<Record<string, string>>,
): Headers {
  const headers = new Headers({ ...(collection === "blobs" ? BLOB_HEADERS : {}), ...stored });
  headers.set("docker-content-digest", digest.text);
  return headers;
}
