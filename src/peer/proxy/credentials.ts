import { RESPONSE_HEADERS } from "../../http/dragonfly_headers.ts";
import { Buffer } from "node:buffer";
import { createHash, timingSafeEqual } from "node:crypto";

/** `proxy.server.basicAuth`. */
export interface ProxyCredentials {
  readonly username: string;
  readonly password: string;
}

/** Whether a `Proxy-Authorization` header is right; how long it takes tells nothing of what would be. */
export function isAuthorized(header: string | null, { username, password }: ProxyCredentials): boolean {
  const encoded = /^basic +([a-z0-9+/]+={0,2}) *$/i.exec(header ?? "")?.[1];
  if (encoded === undefined) return false;
  // Of equal length whatever came, which the comparison needs.
  const [given, wanted] = [Buffer.from(encoded, "base64"), `${username}:${password}`].map(sha256);
  return given !== undefined && wanted !== undefined && timingSafeEqual(given, wanted);
}

/** The answer to who did not say who he is. */
export function authenticationRequired(): Response {
  const headers = { "proxy-authenticate": 'Basic realm="dfdaemon"', [RESPONSE_HEADERS.errorType]: "proxy" };
  return new Response(null, { status: 407, headers });
}

function sha256(text: Uint8Array | string): Buffer {
  return createHash("sha256").update(text).digest();
}
