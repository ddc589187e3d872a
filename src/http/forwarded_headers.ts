import { HEADER_PREFIX } from "./dragonfly_headers.ts";

/** Headers that belong to one connection and not to the message (RFC 9110 §7.6.1). */
const HOP_BY_HOP: ReadonlySet<string> = new Set([
  ...["connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection", "te", "trailer"],
  ...["transfer-encoding", "upgrade"],
]);

/** Headers of a request that are set anew for the next hop. */
const SET_ANEW: ReadonlySet<string> = new Set(["accept-encoding", "content-length", "expect", "host", "range"]);

/** The headers of a request as they go on to the next server: names in lower case, the requester's rights and wishes. */
export function forwardedHeaders(headers: Iterable<readonly [string, string]>): Record<string, string> {
  return Object.fromEntries(
    endToEnd(headers).filter(([name]) => !SET_ANEW.has(name) && !name.startsWith(HEADER_PREFIX)),
  );
}

/** Those of a request for a content that we keep: without conditions, which are about the requester's own copy of it. */
export function contentHeaders(headers: Iterable<readonly [string, string]>): Record<string, string> {
  return Object.fromEntries(Object.entries(forwardedHeaders(headers)).filter(([name]) => !name.startsWith("if-")));
}

/** The headers of an answer as they go back to the requester. */
export function returnedHeaders(headers: Headers): Headers {
  return new Headers(endToEnd(headers));
}

/** Those that are not about one connection, which are also the ones that `Connection` names; names in lower case. */
function endToEnd(headers: Iterable<readonly [string, string]>): [name: string, value: string][] {
  const all = [...headers].map(([name, value]): [string, string] => [name.toLowerCase(), value]);
  const named = all.flatMap(([name, value]) => name === "connection" ? value.toLowerCase().split(/[\s,]+/) : []);
  return all.filter(([name]) => !HOP_BY_HOP.has(name) && !named.includes(name));
}
