import { DamselflyError } from "../../core/error.ts";
import { REQUEST_HEADERS } from "../../http/dragonfly_headers.ts";
import { canonicalEndpoint, defaultEndpoint } from "../../oci/registry_namespace.ts";

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
}

/**
 * Chooses the registry of a mirror request: the `X-Dragonfly-Registry` header, else the `ns` query parameter, else the
 * configured default (node-side.md §3.2). The result has no path and no query.
 * Throws `invalid_argument` for what is no registry.
 */
export function chooseUpstream(request: { url: URL; headers: Headers }, options: UpstreamOptions): URL {
  const header = request.headers.get(REQUEST_HEADERS.registry);
  if (header !== null) return endpointOf(header);
  const namespace = request.url.searchParams.get("ns");
  if (namespace === null || namespace === "") return endpointOf(options.defaultAddr);
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

/** Whether a registry at `origin` is one that the configuration names. */
export function isConfiguredOrigin(origin: string, { defaultAddr, upstreams }: UpstreamOptions): boolean {
  return [defaultAddr, ...upstreams.map(({ addr }) => addr)].some((addr) => new URL(addr).origin === origin);
}
