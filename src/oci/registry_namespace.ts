/** Docker Hub answers the registry API only here, whatever people call it (node-side.md §2.4). */
const DOCKER_HUB_ENDPOINT = "https://registry-1.docker.io";
const DOCKER_HUB_NAMES = new Set(["docker.io", "index.docker.io", "registry.hub.docker.com", "registry-1.docker.io"]);

/** The endpoint that serves a registry's namespace when nobody configured another one: HTTPS, Docker Hub mapped. */
export function defaultEndpoint(namespace: string): URL {
  return new URL(DOCKER_HUB_NAMES.has(namespace.toLowerCase()) ? DOCKER_HUB_ENDPOINT : `https://${namespace}`);
}

/** The endpoint itself, or Docker Hub's real one when `endpoint` is one of its other names. */
export function canonicalEndpoint(endpoint: URL): URL {
  return DOCKER_HUB_NAMES.has(endpoint.hostname) && endpoint.port === "" ? new URL(DOCKER_HUB_ENDPOINT) : endpoint;
}
