import { returnedHeaders } from "../../http/forwarded_headers.ts";
import { CROSS_ORIGIN } from "../../http/redirect.ts";
import type { SourceAnswer } from "./source.ts";

/** What a later requester may be told of a content; everything else is about one answer or one requester. */
const REPLAYED = [
  "content-type",
  "content-disposition",
  "content-language",
  "cache-control",
  "etag",
  "last-modified",
  "docker-content-digest",
  "docker-distribution-api-version",
];

/** Headers of a body that is cut or dropped, and cookies. */
const NOT_RELAYED = new Set(["content-length", "content-encoding", "set-cookie"]);

/** Headers of traces, another value in each request. */
const TRACING = new Set(["traceparent", "tracestate", "baggage"]);

/** Headers of the origin that are stored with a content and replayed to later requesters. */
export function replayedHeaders(headers: Headers): Record<string, string> {
  const kept: Record<string, string> = {};
  for (const name of REPLAYED) {
    const value = headers.get(name);
    if (value !== null) kept[name] = value;
  }
  return kept;
}

/**
 * Headers of a refusal, for the requester. The challenge of an origin that a redirect led to is left out: it would
 * make the requester send that origin what it has for the first one.
 */
export function refusalHeaders(headers: Headers, isFirstOrigin: boolean): SourceAnswer["headers"] {
  return Object.fromEntries(
    [...returnedHeaders(headers)].filter(([name]) =>
      !NOT_RELAYED.has(name) && (isFirstOrigin || name !== "www-authenticate")
    ),
  );
}

/** The headers of a request that may be what the origin lets the requester in for, in order of their names. */
export function rightsOf(headers: Readonly<Record<string, string>>): [name: string, value: string][] {
  return Object.entries(headers)
    .filter(([name]) => !CROSS_ORIGIN.has(name) && !TRACING.has(name))
    .sort(([a], [b]) => a < b ? -1 : 1);
}
