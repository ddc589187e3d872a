import { isIPv6 } from "node:net";
import type { IncomingMessage } from "node:http";
import { Readable } from "node:stream";
import { DamselflyError } from "../core/error.ts";
import type { Endpoint } from "../runtime/net.ts";

/** Methods that the platform's `Request` does not know, and nobody needs. */
const UNKNOWN_METHODS = new Set(["TRACE", "TRACK"]);

/** A request, and in which of the two forms it named what it is for (RFC 9112 §3.2). */
export interface ParsedRequest {
  readonly request: Request;
  /** It named a whole URL: whoever sent it takes us for a proxy. */
  readonly isProxied: boolean;
}

/** Whether a server is spoken to in TLS. */
export type Scheme = "http" | "https";

/** How a request came: to us, or in a tunnel to that origin whose TLS ends here. */
export type Way = { readonly scheme: Scheme } | { readonly origin: string };

/**
 * What Node's parser has found on a connection, as a `Request`. Throws `invalid_argument`, or `unimplemented` for a
 * method.
 */
export function parsedRequest(message: IncomingMessage, way: Way): ParsedRequest {
  const { method = "GET", url: target = "" } = message;
  if (UNKNOWN_METHODS.has(method)) {
    throw new DamselflyError("unimplemented", `Cannot serve the method ${method}`);
  }
  const headers = headersOf(message);
  const isProxied = "origin" in way || !target.startsWith("/");
  const url = urlOf(target, headers.get("host"), way);
  const saysBody = headers.has("transfer-encoding") || Number(headers.get("content-length")) > 0;
  const hasBody = saysBody && method !== "GET" && method !== "HEAD";
  // A `Request` cannot have one, and without it this would be another request to whoever it is for.
  if (saysBody && !hasBody && isProxied) {
    throw new DamselflyError("invalid_argument", `Cannot forward a ${method} that has a body`);
  }
  const body = hasBody ? { body: Readable.toWeb(message) as ReadableStream<Uint8Array>, duplex: "half" } : {};
  return { request: new Request(url, { method, headers, ...body }), isProxied };
}

/** The headers of a message; a header that came several times is one, its values after each other. */
export function headersOf({ rawHeaders }: IncomingMessage): Headers {
  const headers = new Headers();
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const [name = "", value = ""] = rawHeaders.slice(index, index + 2);
    // Two of them are two opinions on whom the request is for.
    if (name.toLowerCase() === "host" && headers.has("host")) {
      throw new DamselflyError("invalid_argument", "Cannot serve a request with two Host headers");
    }
    headers.append(name, value);
  }
  return headers;
}

/** The place that a CONNECT request names. Throws `invalid_argument`. */
export function connectTarget({ url: target = "" }: IncomingMessage): Endpoint {
  const [, ipv6, name, port] = /^(?:\[([0-9a-f:.]{2,45})\]|([\w.-]{1,253})):(\d{1,5})$/i.exec(target) ?? [];
  const hostname = ipv6 ?? name;
  const isHost = hostname !== undefined && (ipv6 === undefined || isIPv6(ipv6));
  if (isHost && Number(port) >= 1 && Number(port) <= 65_535) return { hostname, port: Number(port) };
  throw new DamselflyError("invalid_argument", `Cannot connect to "${shown(target)}": expected host:port`);
}

function urlOf(target: string, host: string | null, way: Way): URL {
  const isWhole = !target.startsWith("/");
  if ("scheme" in way) return isWhole ? proxiedUrl(target) : ownUrl(way.scheme, host || "localhost", target);
  const url = isWhole ? proxiedUrl(target) : new URL(`${way.origin}${target}`);
  const named = host === null ? url.origin : ownUrl("https", host, "/").origin;
  // Only the host of the tunnel was looked at, and only its certificate was shown.
  if (named === way.origin && url.origin === way.origin) return url;
  throw new DamselflyError(
    "invalid_argument",
    `Cannot serve a request for "${shown(host ?? url.host)}" in a tunnel to ${way.origin}`,
  );
}

function ownUrl(scheme: Scheme, host: string, target: string): URL {
  const url = `${scheme}://${host}`;
  // The host of a request for ourselves is only a name that the requester uses; it must not change the path.
  if (!URL.canParse(url) || new URL(url).href !== `${new URL(url).origin}/`) {
    throw new DamselflyError("invalid_argument", `Cannot serve a request for host "${shown(host)}"`);
  }
  return new URL(`${new URL(url).origin}${target}`);
}

function proxiedUrl(target: string): URL {
  const url = URL.canParse(target) ? new URL(target) : undefined;
  const isPlain = url !== undefined && /^https?:\/\/[^/]/i.test(target) && url.username === "" && url.password === "";
  if (isPlain) return url;
  throw new DamselflyError(
    "invalid_argument",
    `Cannot forward a request for "${shown(target)}": expected an http:// or https:// URL without credentials`,
  );
}

/** Of what a stranger sent, what may be repeated: no password and no query. */
function shown(text: string): string {
  return text.replace(/[?#].*$/s, "").replace(/\/\/[^/]*@/, "//…@").slice(0, 200);
}
