import { isIPv4 } from "node:net";
import { parseCidr } from "../../core/ip.ts";
import { DamselflyError } from "../../core/error.ts";
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

/** Cloud metadata services live here; no registry does. Configure the endpoint as an upstream if one really does. */
const LINK_LOCAL = ["169.254.0.0/16", "fe80::/10", "fd00:ec2::254/128"].map(parseCidr);

/** Headers by which a runtime's configuration says which registry a request is meant for. */
const REGISTRY_HEADER = "x-dragonfly-registry";

/**
 * Chooses the registry of a mirror request: the `X-Dragonfly-Registry` header, else the `ns` query parameter, else the
 * configured default (node-side.md §3.2). The result has no path and no query.
 *
 * Throws `invalid_argument` for what is no registry, `permission_denied` for an address that no registry has.
 */
export function chooseUpstream(request: { url: URL; headers: Headers }, options: UpstreamOptions): URL {
  const header = request.headers.get(REGISTRY_HEADER);
  if (header !== null) return endpointOf(header, options);
  const namespace = request.url.searchParams.get("ns");
  if (namespace === null || namespace === "") return endpointOf(options.defaultAddr, options);
  const configured = options.upstreams.find((upstream) => upstream.namespace === namespace);
  if (configured !== undefined) return endpointOf(configured.addr, options);
  if (/^https?:\/\//.test(namespace)) return endpointOf(namespace, options);
  if (!URL.canParse(`https://${namespace}`) || /[/?#@]/.test(namespace)) throw notARegistry(namespace);
  return allowed(defaultEndpoint(namespace), options);
}

function endpointOf(text: string, options: UpstreamOptions): URL {
  if (!URL.canParse(text)) throw notARegistry(text);
  const { protocol, username, password, origin } = new URL(text);
  if ((protocol !== "http:" && protocol !== "https:") || username !== "" || password !== "") throw notARegistry(text);
  return allowed(canonicalEndpoint(new URL(origin)), options);
}

function allowed(endpoint: URL, options: UpstreamOptions): URL {
  const host = endpoint.hostname.replace(/^\[|\]$/g, "");
  const isLinkLocal = LINK_LOCAL.some((block) => block.contains(host)) || (isIPv4(host) && host.startsWith("0."));
  const isConfigured = [options.defaultAddr, ...options.upstreams.map(({ addr }) => addr)]
    .some((addr) => URL.canParse(addr) && new URL(addr).origin === endpoint.origin);
  if (isLinkLocal && !isConfigured) {
    throw new DamselflyError(
      "permission_denied",
      `Cannot use ${endpoint.origin} as a registry: it is a link-local address; ` +
        "if it is one, configure it under proxy.registryMirror.upstreams",
    );
  }
  return endpoint;
}

function notARegistry(text: string): DamselflyError {
  // Whoever writes credentials into a URL shall not find them in a log.
  const shown = text.replace(/[^/]*@/, "…@").slice(0, 200);
  return new DamselflyError(
    "invalid_argument",
    `Cannot use "${shown}" as a registry: expected a host name, or an http:// or https:// URL without credentials`,
  );
}
