import { DEFAULT_FILTERED_QUERY_PARAMS, taskIdOf } from "../../core/task_id.ts";
import { contentHeaders } from "../../http/forwarded_headers.ts";
import type { ContentRequest } from "../mirror/content.ts";
import type { TaskWishes } from "../mirror/task_wishes.ts";
import type { SourceRequest } from "../source/source.ts";
import { publicUrl } from "../source/source_failure.ts";

/** A request for the file that a URL names, parsed. */
export interface FileRequest {
  readonly request: Request;
  readonly wishes: TaskWishes;
  /** Those of the rule that shares it; undefined: those of well-known signed URLs. */
  readonly filteredQueryParams: readonly string[] | undefined;
  readonly remoteIp: string;
  readonly disableBackToSource: boolean;
  readonly deliver: ContentRequest["deliver"];
  readonly checkRedirect?: SourceRequest["checkRedirect"];
  readonly signal: AbortSignal;
}

/** The request for a file as one for its content: a task by the URL rule (wire.md §3.1). */
export function fileContent(file: FileRequest): ContentRequest {
  const {
    request,
    wishes: { labels, contentForTaskId, priority, ...wishes },
    disableBackToSource,
    remoteIp,
    checkRedirect,
  } = file;
  const { url } = request;
  const source = {
    url,
    headers: contentHeaders(request.headers),
    remoteIp,
    ...(checkRedirect !== undefined && { checkRedirect }),
  };
  const filteredQueryParams = wishes.filteredQueryParams ?? file.filteredQueryParams ?? DEFAULT_FILTERED_QUERY_PARAMS;
  return {
    ...{ request, source, digest: undefined, deliver: file.deliver, signal: file.signal },
    task: (stat) => ({
      taskId: taskIdOf({ url, ...labels, filteredQueryParams, content: contentForTaskId }),
      ...labels,
      ...{ source, priority, filteredQueryParams, disableBackToSource, remoteIp },
      ...(stat !== undefined && { stat }),
      digest: undefined,
      isBlobDigestTaskId: false,
      needBackToSource: false,
    }),
    headers: (stored) =>
      new Headers({ "content-type": "application/octet-stream", ...stored, "accept-ranges": "bytes" }),
    name: { url: publicUrl(new URL(url)) },
  };
}
