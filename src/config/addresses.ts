import { isIP, isIPv6 } from "node:net";
import { DamselflyError } from "../core/error.ts";

/** Where to connect or listen: a name or IP address (an IPv6 one without brackets), and a port. */
export interface HostPort {
  readonly hostname: string;
  readonly port: number;
}

const HOSTNAME = /^[a-z0-9_](?:[a-z0-9_.-]{0,252}[a-z0-9_])?$/i;

/** Checks an IPv4 or IPv6 address and returns it unchanged. Throws `invalid_argument`. */
export function parseIp(text: string): string {
  if (isIP(text) === 0) throw cannotParse("IP address", text, "expected four numbers with dots, or an IPv6 address");
  return text;
}

/** Parses `host:port` or `[::1]:port`. Throws `invalid_argument`. */
export function parseHostPort(text: string): HostPort {
  const [, bracketed, name, digits] = /^(?:\[([^\]]*)\]|([^:]*)):(\d{1,5})$/.exec(text) ?? [];
  const hostname = bracketed ?? name ?? "";
  const port = Number(digits);
  const isName = bracketed === undefined ? HOSTNAME.test(hostname) : isIPv6(hostname);
  if (!isName || !(port <= 65535)) {
    throw cannotParse("address", text, "expected host:port, with an IPv6 address in brackets");
  }
  return { hostname, port };
}

/** Parses the address of a listener: `:8080` is port 8080 of every interface, else as {@link parseHostPort}. */
export function parseListenAddress(text: string): HostPort {
  return parseHostPort(text.startsWith(":") ? `0.0.0.0${text}` : text);
}

/** `host:port`, with an IPv6 address in brackets. */
export function formatHostPort({ hostname, port }: HostPort): string {
  return `${isIPv6(hostname) ? `[${hostname}]` : hostname}:${port}`;
}

/** Checks an `http://` or `https://` URL without credentials, query or fragment; returns it without a slash at the end. */
export function parseHttpUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || (url.protocol !== "http:" && url.protocol !== "https:")) {
    throw cannotParse("URL", text, "expected http://host or https://host, with a port if it is not the usual one");
  }
  if (url.username !== "" || url.password !== "" || url.search !== "" || url.hash !== "") {
    throw new DamselflyError(
      "invalid_argument",
      `Cannot use URL of host "${url.host}": user, query and fragment must go`,
    );
  }
  return url.href.replace(/\/+$/, "");
}

/** The address of a gRPC server; `tls` when it was written as one that must be spoken to in TLS. */
export interface GrpcAddress extends HostPort {
  readonly tls: boolean;
}

/**
 * Parses the address of a gRPC server: `http://host:port` or `https://host:port`, as Dragonfly writes it, or
 * `host:port`. Throws `invalid_argument`.
 */
export function parseGrpcAddress(text: string): GrpcAddress {
  const address = parseHostPort(text.replace(/^https?:\/\//i, "").replace(/\/$/, ""));
  return { ...address, tls: /^https:/i.test(text) };
}

/** `text` without the user and password that a URL may carry: errors are logged. */
function withoutUser(text: string): string {
  return text.replace(/^([a-z+.-]*:?\/\/)?.*@/i, "$1");
}

function cannotParse(what: string, text: string, why: string): DamselflyError {
  return new DamselflyError("invalid_argument", `Cannot parse ${what} "${withoutUser(text.slice(0, 256))}": ${why}`);
}
