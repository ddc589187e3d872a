import { DamselflyError } from "../../core/error.ts";
import { contentHeaders } from "../../http/forwarded_headers.ts";
import type { ListTaskEntriesRequest, ListTaskEntriesResponse } from "../../rpc/gen/dfdaemon/v2/dfdaemon.ts";
import { msOfDuration } from "../../rpc/time.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { Source } from "../source/source.ts";
import { sourceAnswerOf } from "../source/source_failure.ts";
import { withBackend } from "../task/report.ts";

/** How long the source has when the request names no limit. */
const TIMEOUT_MS_DEFAULT = 30_000;
/** What a source answers to the request for a single byte, with and without ranges. */
const STATUS = { part: 206, whole: 200 } as const;

/** What the source says of a URL. */
export interface EntriesDeps {
  readonly source: Pick<Source, "stat">;
  readonly clock: Clock;
}

/** Who asks. */
export interface EntriesCaller {
  /** His address; left out for a program of this host. */
  readonly callerIp?: string;
  readonly signal: AbortSignal;
}

/**
 * What a URL names (`ListTaskEntries`). HTTP knows no directories: as in Dragonfly the answer has no entries, only the
 * length and the headers; a refusal of the source is its status and no failure. Throws `invalid_argument` for what is no
 * URL, `unimplemented` for one that is not http or https, `permission_denied` for an address where the caller may not
 * go, `source_error` when there is no answer at all.
 */
export async function listEntries(
  request: ListTaskEntriesRequest,
  { source, clock }: EntriesDeps,
  { callerIp, signal: caller }: EntriesCaller,
): Promise<ListTaskEntriesResponse> {
  const { url, requestHeader, timeout, objectStorage, hdfs, huggingFace, modelScope } = request;
  if (!URL.canParse(url)) throw new DamselflyError("invalid_argument", "Cannot list: expected an absolute URL");
  const isOther = [objectStorage, hdfs, huggingFace, modelScope].some((backend) => backend !== undefined);
  if (isOther || !/^https?:/i.test(url)) {
    throw new DamselflyError("unimplemented", "Cannot list: only http:// and https:// URLs are supported");
  }
  const headers = contentHeaders(Object.entries(requestHeader));
  using limit = clock.deadline(timeout === undefined ? TIMEOUT_MS_DEFAULT : msOfDuration(timeout));
  const signal = AbortSignal.any([caller, limit.signal]);
  try {
    const stat = await source.stat({ url, headers, ...(callerIp !== undefined && { remoteIp: callerIp }) }, signal);
    return {
      contentLength: stat.contentLength,
      responseHeader: { ...stat.responseHeaders },
      statusCode: stat.acceptsRanges ? STATUS.part : STATUS.whole,
      entries: [],
    };
  } catch (error) {
    const answer = sourceAnswerOf(error);
    if (answer?.status === undefined) throw withBackend(error);
    const contentLength = Number(answer.headers["content-length"]) || 0;
    return { contentLength, responseHeader: { ...answer.headers }, statusCode: answer.status, entries: [] };
  }
}
