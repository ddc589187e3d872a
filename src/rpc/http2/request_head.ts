/** What a request must look like (RFC 9113 §8.2 and §8.3). */
import type { Header } from "./header_table.ts";

/** The headers of a request that is well formed. */
export interface RequestHead {
  readonly method: string;
  readonly path: string;
  readonly headers: readonly Header[];
}

/** Letters that a name may not have: capitals, spaces, what is not ASCII; a colon only stands before pseudo headers. */
const BAD_NAME = /[^!#$%&'*+\-.^_`|~0-9a-z]/;
const BAD_VALUE = /[\0\r\n]|^[ \t]|[ \t]$/;
/** They speak of a connection of HTTP/1.1, and have no place here. */
const OF_CONNECTION = new Set(["connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade"]);

/** The head of a request; undefined when it is malformed. */
export function requestHead(headers: readonly Header[]): RequestHead | undefined {
  const pseudo: Record<string, string> = {};
  let pseudoCount = 0;
  for (const [name, value] of headers) {
    if (!name.startsWith(":")) break;
    if (name in pseudo || BAD_VALUE.test(value)) return undefined;
    pseudo[name] = value;
    pseudoCount++;
  }
  const { ":method": method, ":scheme": scheme, ":path": path, ":authority": _authority, ...others } = pseudo;
  if (!method || !scheme || !path || Object.keys(others).length > 0) return undefined;
  const rest = headers.slice(pseudoCount);
  return areRegular(rest) ? { method, path, headers: rest } : undefined;
}

/** Whether these may stand behind the pseudo headers, or behind the content. */
export function areRegular(headers: readonly Header[]): boolean {
  return headers.every(([name, value]) => {
    if (name === "" || BAD_NAME.test(name) || BAD_VALUE.test(value) || OF_CONNECTION.has(name)) return false;
    return name !== "te" || value === "trailers";
  });
}
