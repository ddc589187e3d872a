/** Headers that belong to one connection (RFC 9110 §7.6.1), are set anew for the next one, or are meant for us. */
const NOT_FORWARDED = new Set([
  ...["connection", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade", "proxy-authorization"],
  ...["proxy-connection", "host", "content-length", "accept-encoding", "expect", "range"],
]);
const OWN_PREFIX = "x-dragonfly-";

/** The headers of a request as they go to the registry: the requester's own rights and wishes, nothing of ours. */
export function forwardedHeaders(headers: Headers): Record<string, string> {
  return Object.fromEntries([...headers].filter(([name]) => !NOT_FORWARDED.has(name) && !name.startsWith(OWN_PREFIX)));
}

const NOT_RETURNED = new Set([
  ...["connection", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade", "proxy-authenticate"],
  "proxy-connection",
]);

/** The headers of a registry's answer as they go back to the requester. */
export function returnedHeaders(headers: Headers): Headers {
  return new Headers([...headers].filter(([name]) => !NOT_RETURNED.has(name)));
}
