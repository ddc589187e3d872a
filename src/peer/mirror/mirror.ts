import { DamselflyError, errorText, isCancelled } from "../../core/error.ts";
import { REQUEST_HEADERS } from "../../http/dragonfly_headers.ts";
import { forwardedHeaders, returnedHeaders } from "../../http/forwarded_headers.ts";
import type { Pattern } from "../../core/pattern.ts";
import type { HttpHandler, RequestInfo } from "../../http/serve.ts";
import { type DistributionPath, parseDistributionPath } from "../../oci/distribution_path.ts";
import { registryError } from "../../oci/registry_error.ts";
import type { Metrics } from "../../runtime/metrics.ts";
import { relayedBody } from "../source/body.ts";
import type { Exchanger } from "../source/exchange.ts";
import { sourceAnswerOf } from "../source/source_failure.ts";
import { BlobEndpoint, type BlobParts } from "./blob.ts";
import { failureResponse } from "./failure.ts";
import { chooseUpstream, type UpstreamOptions } from "./upstream.ts";

/** What the mirror needs. */
export interface MirrorParts extends BlobParts {
  readonly exchanger: Exchanger;
  readonly metrics: Metrics;
  readonly upstream: UpstreamOptions;
  /** `proxy.rules[].regex`: a blob whose URL matches none of them passes straight through. */
  readonly swarmPatterns: readonly Pattern[];
}

/** Answers that say something of the requester or the blob, not of the registry's health. */
const RELAYED_REFUSALS = new Set([401, 403, 404]);

/**
 * The registry mirror that a container runtime talks to. Blobs become tasks; all else of the distribution API passes
 * through with the requester's own credentials, and challenges come back untouched (node-side.md §2.4, §3).
 */
export function createMirror(parts: MirrorParts): HttpHandler {
  const blobs = new BlobEndpoint(parts);
  const { metrics, log } = parts;
  const total = metrics.counter("dragonfly_client_proxy_request_total", "Requests to the mirror");
  const viaTasks = metrics.counter("dragonfly_client_proxy_request_via_dfdaemon_total", "Requests served by tasks");
  const failures = metrics.counter("dragonfly_client_proxy_request_failure_total", "Requests that failed");

  async function serve(request: Request, { remote, signal }: RequestInfo): Promise<Response> {
    const url = new URL(request.url);
    const path = parseDistributionPath(url.pathname);
    if (path === undefined) return registryError(404, "UNSUPPORTED", `Nothing is served at ${url.pathname}`);
    if (request.method !== "GET" && request.method !== "HEAD") {
      return registryError(405, "UNSUPPORTED", "The mirror is read-only", { allow: "GET, HEAD" });
    }
    const registry = chooseUpstream({ url, headers: request.headers }, parts.upstream);
    if (path.kind !== "blob" || !isForSwarm(path, request, registry)) {
      return await passThrough(request, url, registry, signal);
    }
    viaTasks.inc();
    try {
      return await blobs.serve({
        ...{ request, registry, signal },
        repository: path.repository,
        digest: path.digest,
        remoteIp: remote.hostname,
      });
    } catch (error) {
      // The refusal of a HEAD has no body: the requester gets the registry's own answer to his own request.
      if (request.method !== "GET" || !RELAYED_REFUSALS.has(sourceAnswerOf(error)?.status ?? 0)) throw error;
      return await passThrough(request, url, registry, signal);
    }
  }

  function isForSwarm(path: DistributionPath & { kind: "blob" }, request: Request, registry: URL): boolean {
    if (request.headers.get(REQUEST_HEADERS.useP2p)?.toLowerCase() === "true") return true;
    const url = `${registry.origin}/v2/${path.repository}/blobs/${path.digest.text}`;
    return parts.swarmPatterns.some((pattern) => pattern.test(url));
  }

  async function passThrough(request: Request, url: URL, registry: URL, signal: AbortSignal): Promise<Response> {
    const query = new URLSearchParams(url.search);
    query.delete("ns");
    const suffix = query.size === 0 ? "" : `?${query}`;
    const range = request.headers.get("range");
    const exchange = await parts.exchanger.send(
      request.method as "GET" | "HEAD",
      { url: `${registry.origin}${url.pathname}${suffix}`, headers: forwardedHeaders(request.headers) },
      range === null ? {} : { range },
      signal,
    );
    const headers = returnedHeaders(exchange.response.headers);
    // Another origin's challenge would make the requester send it what he has for this registry.
    if (!exchange.isFirstOrigin) headers.delete("www-authenticate");
    return new Response(relayedBody(exchange, parts.clock, signal), { status: exchange.response.status, headers });
  }

  return async function handleMirrorRequest(request, info) {
    total.inc();
    try {
      return await serve(request, info);
    } catch (error) {
      if (info.signal.aborted || isCancelled(error)) return new Response(null, { status: 503 });
      failures.inc();
      const isExpected = error instanceof DamselflyError && error.code === "source_error";
      const { pathname } = new URL(request.url);
      log[isExpected ? "info" : "warn"]("Mirror request failed", { path: pathname, reason: errorText(error) });
      return failureResponse(error);
    }
  };
}
