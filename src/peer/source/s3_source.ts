import { DamselflyError } from "../../core/error.ts";
import type { Clock } from "../../runtime/clock.ts";
import { smallBody } from "./body.ts";
import { createHttpSource, refusal, type Send } from "./http_source.ts";
import { bucketUrl, objectUrl, parseObjectUrl, urlOfKey } from "./object_storage.ts";
import { explained } from "./s3_refusal.ts";
import { parseListing } from "./s3_listing.ts";
import { signedRequest } from "./s3_request.ts";
import type { Source, SourceEntry, SourceList, SourceRequest, SourceStream } from "./source.ts";
import { publicUrl, sourceFailure } from "./source_failure.ts";

/** Below one directory; a list of so many is some MiB. */
const ENTRIES_MAX = 10_000;
/** A page has 1,000 keys of 1,024 bytes at most, each written with up to 3 characters. */
const PAGE_BYTES_MAX = 8 * 1024 * 1024;

/** The objects of S3-compatible storages, whose requests are signed here. */
export function createS3Source(send: Send, clock: Clock): Source & SourceList & SourceStream {
  const signed = (at: (request: SourceRequest) => URL): Send => async (method, request, headers, signal) =>
    send(method, await signedRequest(request, at(request), method, clock.wallMs()), headers, signal);
  const http = createHttpSource({ send: signed(objectUrl), clock, withoutHead: true });

  async function page(request: SourceRequest, query: Readonly<Record<string, string>>, signal: AbortSignal) {
    const { bucket } = parseObjectUrl(request.url);
    const url = bucketUrl(bucket, request.objectStorage);
    url.search = new URLSearchParams({ "list-type": "2", "encoding-type": "url", ...query }).toString()
      // Signatures have %20 for a space.
      .replaceAll("+", "%20");
    const exchange = await signed(() => url)("GET", request, {}, signal);
    if (exchange.response.status !== 200) throw await refusal(exchange, clock, signal);
    const text = new TextDecoder().decode(await smallBody(exchange, PAGE_BYTES_MAX, clock, signal));
    const listing = parseListing(text);
    if (listing === undefined) {
      throw sourceFailure(exchange.url, "it answered with something that is no list of objects");
    }
    return listing;
  }

  async function list(request: SourceRequest, signal: AbortSignal): Promise<SourceEntry[]> {
    const { bucket, key: prefix } = parseObjectUrl(request.url);
    const entries: SourceEntry[] = [];
    for (let token: string | undefined = "", pages = 0; token !== undefined; pages++) {
      const query: Record<string, string> = { prefix, ...(token !== "" && { "continuation-token": token }) };
      const { objects, next } = await page(request, query, signal);
      for (const { key, contentLength } of objects) {
        const url = urlOfKey(bucket, key);
        if (url === undefined) {
          throw new DamselflyError("failed_precondition", `Cannot list ${bucket}: the key "${key}" fits into no URL`);
        }
        if (key !== prefix) entries.push({ url, contentLength, isDirectory: key.endsWith("/") });
      }
      // Pages may be empty, so that their count is limited too.
      if (entries.length > ENTRIES_MAX || pages > ENTRIES_MAX) throw tooMany(request);
      token = next;
    }
    return entries;
  }

  return {
    stat: (request, signal) => explained(http.stat(request, signal)),
    begin: (request, signal) => explained(http.begin(request, signal)),
    read: (request, range, content, signal) => explained(http.read(request, range, content, signal)),
    readToEnd: (request, signal) => explained(http.readToEnd(request, signal)),
    list: (request, signal) => explained(list(request, signal)),
  };
}

function tooMany({ url }: SourceRequest): DamselflyError {
  return new DamselflyError(
    "resource_exhausted",
    `Cannot list ${publicUrl(new URL(url))}: it has more than ${ENTRIES_MAX} objects; name a smaller directory`,
  );
}
