import type { Pattern } from "../../core/pattern.ts";
import { canonicalEndpoint, defaultEndpoint } from "../../oci/registry_namespace.ts";
import type { Endpoint } from "../../runtime/net.ts";
import type { UpstreamOptions } from "../mirror/upstream.ts";

/**
 * Whose TLS ends at the proxy: the hosts of `patterns`, each matched anywhere in `host:port`; or, without them, the
 * registries that the configuration names. Docker Hub has to be named in a pattern: Docker Engine trusts an authority for
 * it only if the system does.
 */
export function interceptedHosts(
  patterns: readonly Pattern[] | undefined,
  { defaultAddr, upstreams }: UpstreamOptions,
): (to: Endpoint) => boolean {
  const registries = [defaultAddr, ...upstreams.map(({ addr }) => addr)].map((addr) =>
    canonicalEndpoint(new URL(addr))
  );
  const named = upstreams.filter(({ namespace }) => URL.canParse(`https://${namespace}`)).map(({ namespace }) => {
    return defaultEndpoint(namespace);
  });
  const origins = new Set([...registries, ...named].map(({ origin }) => origin));
  origins.delete(defaultEndpoint("docker.io").origin);
  return ({ hostname, port }) => {
    const authority = `${hostname.includes(":") ? `[${hostname}]` : hostname.toLowerCase()}:${port}`;
    if (patterns !== undefined) return patterns.some((pattern) => pattern.test(authority));
    return origins.has(canonicalEndpoint(new URL(`https://${authority}`)).origin);
  };
}
