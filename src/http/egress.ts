import { Buffer } from "node:buffer";
import { isIP } from "node:net";
import { type Cidr, parseCidr } from "../core/ip.ts";
import { DamselflyError } from "../core/error.ts";
import type { Endpoint } from "../runtime/net.ts";
import { isLoopback } from "./destination.ts";
import { bareHost } from "./url_place.ts";

/** Reads an environment variable. */
export type Env = (name: string) => string | undefined;

/** Variables that name a proxy, each also in lower case; those that `fetch` goes by. */
export const PROXY_VARIABLES = ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"] as const;

/** A proxy on the way out of a network. */
export interface EgressProxy extends Endpoint {
  /** `Proxy-Authorization` for it. */
  readonly authorization: string | undefined;
}

/**
 * The proxy that the environment wants for a URL; undefined when it is asked directly, as what is on loopback always
 * is. Throws `failed_precondition` for a proxy that is none of HTTP.
 */
export function egressProxyFor(url: URL, env: Env): EgressProxy | undefined {
  const host = bareHost(url).toLowerCase();
  if (host === "localhost" || isLoopback(host) || isExcepted(host, valueOf("NO_PROXY", env))) return undefined;
  const variable = url.protocol === "https:" ? "HTTPS_PROXY" : "HTTP_PROXY";
  const value = valueOf(variable, env) || valueOf("ALL_PROXY", env);
  return value === "" ? undefined : parsedProxy(value, variable);
}

/** Whether a proxy of the environment, of whatever kind, is asked for a URL. */
export function goesByProxy(url: URL, env: Env): boolean {
  try {
    return egressProxyFor(url, env) !== undefined;
  } catch {
    return true;
  }
}

function valueOf(name: string, env: Env): string {
  return env(name) || env(name.toLowerCase()) || "";
}

function parsedProxy(value: string, variable: string): EgressProxy {
  const text = value.includes("://") ? value : `http://${value}`;
  const proxy = URL.canParse(text) ? new URL(text) : undefined;
  if (proxy?.protocol !== "http:" || proxy.hostname === "") {
    const what = `Cannot use the proxy of ${variable} or ALL_PROXY for tunnels: expected http://host:port`;
    throw new DamselflyError("failed_precondition", what);
  }
  const login = [proxy.username, proxy.password].map(decoded).join(":");
  return {
    hostname: bareHost(proxy),
    port: Number(proxy.port || "80"),
    authorization: login === ":" ? undefined : `Basic ${Buffer.from(login).toString("base64")}`,
  };
}

/** A password may have a % that is none of an encoding. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** A block of addresses; undefined for anything else, which is passed over, as in other programs. */
function blockOf(entry: string): Cidr | undefined {
  try {
    return parseCidr(entry);
  } catch {
    return undefined;
  }
}

/** Whether a list of names, of domains and of addresses mentions a host. */
function isExcepted(host: string, list: string): boolean {
  return list.split(",").map((entry) => entry.trim().toLowerCase()).some((entry) => {
    if (entry === "*") return true;
    if (isIP(host) !== 0) return blockOf(entry)?.contains(host) === true;
    const domain = entry.replace(/^\*?\./, "");
    return domain !== "" && (host === domain || host.endsWith(`.${domain}`));
  });
}
