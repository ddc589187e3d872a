import { contentHeaders } from "../../http/forwarded_headers.ts";
import type { ListTaskEntriesRequest, ListTaskEntriesResponse } from "../../rpc/gen/dfdaemon/v2/dfdaemon.ts";
import { msOfDuration } from "../../rpc/time.ts";
import type { Clock } from "../../runtime/clock.ts";
import { isObjectUrl, locationOf } from "../source/location.ts";
import type { Source, SourceEntry, SourceList, SourceRequest } from "../source/source.ts";
import { sourceAnswerOf } from "../source/source_failure.ts";
import { withBackend } from "../task/report.ts";
import { accessOf } from "./storage_access.ts";

/** How long the source has when the request names no limit. */
const TIMEOUT_MS_DEFAULT = 30_000;
/** What a source answers to the request for a single byte, with and without ranges. */
const STATUS = { part: 206, whole: 200 } as const;

/** What the source says of a URL. */
export interface EntriesDeps {
  readonly source: Pick<Source, "stat"> & SourceList;
  readonly clock: Clock;
}

/** Who asks. */
export interface EntriesCaller {
  /** His address; left out for a program of this host. */
  readonly callerIp?: string;
  readonly signal: AbortSignal;
}

/**
 * What a URL names (`ListTaskEntries`): of a directory in an object storage all that is below it. HTTP knows no
 * directories: as in Dragonfly the answer has no entries, only the length and the headers; a refusal of the source is
 * its status and no failure. Throws `invalid_argument` for what is no URL, `unimplemented` for another scheme,
 * `permission_denied` for an address where the caller may not go, `source_error` when there is no answer at all.
 */
export async function listEntries(
  request: ListTaskEntriesRequest,
  { source, clock }: EntriesDeps,
  { callerIp, signal: caller }: EntriesCaller,
): Promise<ListTaskEntriesResponse> {
  const { url, requestHeader, timeout, objectStorage } = request;
  const asked: SourceRequest = {
    ...{ url, headers: contentHeaders(Object.entries(requestHeader)), objectStorage: accessOf(objectStorage) },
    ...(callerIp !== undefined && { remoteIp: callerIp }),
  };
  locationOf(asked);
  using limit = clock.deadline(timeout === undefined ? TIMEOUT_MS_DEFAULT : msOfDuration(timeout));
  const signal = AbortSignal.any([caller, limit.signal]);
  try {
    if (isObjectUrl(url) && url.endsWith("/")) return directory(await source.list(asked, signal));
    const stat = await source.stat(asked, signal);
    return {
      contentLength: stat.contentLength,
      responseHeader: { ...stat.responseHeaders },
      statusCode: stat.acceptsRanges ? STATUS.part : STATUS.whole,
      entries: [],
    };
  } catch (error) {
    const answer = sourceAnswerOf(error);
    // Of an object storage the words of the refusal say more than its status.
    if (answer?.status === undefined || isObjectUrl(url)) throw withBackend(error);
    const contentLength = Number(answer.headers["content-length"]) || 0;
    return { contentLength, responseHeader: { ...answer.headers }, statusCode: answer.status, entries: [] };
  }
}

function directory(entries: readonly SourceEntry[]): ListTaskEntriesResponse {
  return {
    ...{ contentLength: 0, responseHeader: {}, statusCode: STATUS.whole },
    entries: entries.map(({ url, contentLength, isDirectory }) => ({ url, contentLength, isDir: isDirectory })),
  };
}
