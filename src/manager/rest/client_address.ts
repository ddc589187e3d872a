import { isIP } from "node:net";
import { type Cidr, ipBytes, unmapIp } from "../../core/ip.ts";
import type { RequestInfo } from "../../http/serve.ts";

/** The proxies whose word about their callers counts, and the header in which they give it. */
export interface TrustedProxies {
  readonly cidrs: readonly Cidr[];
  readonly header: string;
}

/** Where a request came from. */
export interface ClientAddress {
  readonly ip: string;
  /** What counts as one caller: an IPv4 address, or the /64 of an IPv6 one, all of which one caller may own. */
  readonly network: string;
  /** Whether the caller is on this machine; not when somebody passed the request on for an unknown. */
  readonly isLocal: boolean;
}

/** Headers by which any proxy says that it passes something on. */
const FORWARDED_HEADERS = ["forwarded", "x-forwarded-for", "x-real-ip"];
const NETWORK_BYTES = 8;

/**
 * The caller of a request: the connection's other end or, behind trusted proxies, the last address in their header that
 * is none of them. A header of anybody else counts for nothing.
 */
export function clientAddress(
  headers: Headers,
  { remote }: Pick<RequestInfo, "remote">,
  trusted: TrustedProxies,
): ClientAddress {
  const connected = unmapIp(remote.hostname);
  const isTrusted = (ip: string) => trusted.cidrs.some((cidr) => cidr.contains(ip));
  if (!isTrusted(connected)) {
    const isForwarded = FORWARDED_HEADERS.some((name) => headers.has(name));
    return { ip: connected, network: networkOf(connected), isLocal: isLoopback(connected) && !isForwarded };
  }
  const named = (headers.get(trusted.header) ?? "").split(",").map((part) => unmapIp(part.trim())).reverse();
  const ip = named.find((address) => !isTrusted(address));
  // Without a readable address nothing is known of the caller but the proxy, and what is unknown is not local.
  if (ip === undefined || isIP(ip) === 0) return { ip: connected, network: networkOf(connected), isLocal: false };
  return { ip, network: networkOf(ip), isLocal: isLoopback(ip) };
}

function networkOf(ip: string): string {
  if (isIP(ip) !== 6) return ip;
  const [address = ""] = ip.split("%");
  return [...ipBytes(address).subarray(0, NETWORK_BYTES)].map((byte) => byte.toString(16).padStart(2, "0")).join("") +
    "/64";
}

function isLoopback(ip: string): boolean {
  return ip === "::1" || (isIP(ip) === 4 && ip.startsWith("127."));
}
