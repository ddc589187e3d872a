import { DamselflyError } from "../../core/error.ts";
import { REQUEST_HEADERS } from "../../http/dragonfly_headers.ts";
import { canonicalEndpoint, defaultEndpoint } from "../../oci/registry_namespace.ts";
import { registryInPath } from "./path_registry.ts";

/** A registry that the configuration names: what serves a namespace. */
export interface ConfiguredUpstream {
  readonly namespace: string;
  readonly addr: string;
}

/** Where requests go that name no registry, and what the configuration says of those that do. */
export interface UpstreamOptions {
  /** `proxy.registryMirror.addr`. */
  readonly defaultAddr: string;
  /** `proxy.registryMirror.upstreams`. */
  readonly upstreams: readonly ConfiguredUpstream[];
  /** `proxy.allowedRegistries`; undefined: any. */
  readonly allowed?: readonly string[] | undefined;
}

/** The registry that a request is for, and the path that it knows. */
export interface Upstream {
  /** Without path and query. */
  readonly registry: URL;
  readonly pathname: string;
}

/**
 * Chooses the registry of a mirror request: the `X-Dragonfly-Registry` header, else the `ns` query parameter, else the
 * one that the path begins with, else the configured default (node-side.md §3.2).
 * Throws `invalid_argument` for what is no registry.
 */
export function chooseUpstream(request: { url: URL; headers: Headers }, options: UpstreamOptions): Upstream {
  const { url: { pathname, searchParams }, headers } = request;
  const header = headers.get(REQUEST_HEADERS.registry);
  if (header !== null) return { registry: endpointOf(header), pathname };
  const namespace = searchParams.get("ns");
  if (namespace !== null && namespace !== "") return { registry: endpointFor(namespace, options), pathname };
  const named = registryInPath(pathname);
  if (named === undefined) return { registry: endpointOf(options.defaultAddr), pathname };
  return { registry: endpointFor(named.namespace, options), pathname: named.pathname };
}

function endpointFor(namespace: string, options: UpstreamOptions): URL {
  const configured = options.upstreams.find((upstream) => upstream.namespace === namespace);
  if (configured !== undefined) return endpointOf(configured.addr);
  if (/^https?:\/\//.test(namespace)) return endpointOf(namespace);
  if (!URL.canParse(`https://${namespace}`) || /[/?#@]/.test(namespace)) throw notARegistry(namespace);
  return defaultEndpoint(namespace);
}

function endpointOf(text: string): URL {
  if (!URL.canParse(text)) throw notARegistry(text);
  const { protocol, username, password, origin } = new URL(text);
  if ((protocol !== "http:" && protocol !== "https:") || username !== "" || password !== "") throw notARegistry(text);
  return canonicalEndpoint(new URL(origin));
}

function notARegistry(text: string): DamselflyError {
  // Whoever writes credentials into a URL shall not find them in a log.
  const shown = text.replace(/[^/]*@/, "…@").slice(0, 200);
  return new DamselflyError(
    "invalid_argument",
    `Cannot use "${shown}" as a registry: expected a host name, or an http:// or https:// URL without credentials`,
  );
}

/**
 * Whether requests may name a registry: the configuration has no list of those, or that or a row of the mirror's
 * registries has it. A name of the list stands for TLS, a URL for itself, `*.` for one name or more in front.
 */
export function isAllowed(registry: URL, { allowed, defaultAddr, upstreams }: UpstreamOptions): boolean {
  if (allowed === undefined) return true;
  return [...allowed, defaultAddr, ...upstreams.map(({ addr }) => addr)].some((name) => isNamed(registry, name));
}

/** Throws `permission_denied` for a registry that is not {@link isAllowed}. */
export function assertAllowed(registry: URL, options: UpstreamOptions): void {
  if (isAllowed(registry, options)) return;
  throw new DamselflyError(
    "permission_denied",
    `Cannot ask ${registry.origin}: it is not in proxy.allowedRegistries`,
  );
}

function isNamed(registry: URL, name: string): boolean {
  if (/^https?:\/\//.test(name)) return endpointOf(name).origin === registry.origin;
  if (name.startsWith("*.")) return registry.protocol === "https:" && registry.host.endsWith(name.slice(1));
  return defaultEndpoint(name).origin === registry.origin;
}

/** Whether a registry at `origin` is one that the configuration names. */
export function isConfiguredOrigin(origin: string, { defaultAddr, upstreams }: UpstreamOptions): boolean {
  return [defaultAddr, ...upstreams.map(({ addr }) => addr)].some((addr) => new URL(addr).origin === origin);
}
