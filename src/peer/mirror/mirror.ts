import { RESPONSE_HEADERS } from "../../http/dragonfly_headers.ts";
import { forwardedHeaders, returnedHeaders } from "../../http/forwarded_headers.ts";
import type { HttpHandler, RequestInfo } from "../../http/serve.ts";
import { type DistributionPath, parseDistributionPath } from "../../oci/distribution_path.ts";
import { registryError } from "../../oci/registry_error.ts";
import { relayedBody } from "../source/body.ts";
import type { Exchanger } from "../source/exchange.ts";
import { sourceAnswerOf } from "../source/source_failure.ts";
import { answering, type AnsweringParts } from "./answering.ts";
import { blobContent } from "./blob.ts";
import type { ContentEndpoint } from "./content.ts";
import type { Fallbacks } from "./fallbacks.ts";
import { refusalWithoutBody, RELAYED_REFUSALS } from "./failure.ts";
import type { Outputs } from "./outputs.ts";
import { isForSwarm, type SwarmRule } from "./swarm_rule.ts";
import { taskWishes } from "./task_wishes.ts";
import { chooseUpstream, type UpstreamOptions } from "./upstream.ts";

/** What the mirror needs. */
export interface MirrorParts extends AnsweringParts {
  readonly contents: ContentEndpoint;
  readonly exchanger: Exchanger;
  readonly outputs: Outputs;
  readonly fallbacks: Fallbacks;
  readonly upstream: UpstreamOptions;
  /** `proxy.rules`: a blob whose URL matches none of them passes straight through. */
  readonly rules: readonly SwarmRule[];
  readonly disableBackToSource: boolean;
  /** Whether blobs are asked for by their digest, or by their URL; the requester may wish otherwise. */
  readonly blobIdByDigest: boolean;
}

/**
 * The registry mirror that a container runtime talks to. Blobs become tasks; all else of the distribution API passes
 * through with the requester's own credentials, and challenges come back untouched (node-side.md §2.4, §3).
 */
export function createMirror(parts: MirrorParts): HttpHandler {
  const { contents, rules, disableBackToSource, blobIdByDigest } = parts;

  async function serve(request: Request, info: RequestInfo, viaTask: () => void): Promise<Response> {
    const url = new URL(request.url);
    const path = parseDistributionPath(url.pathname);
    if (path === undefined) return registryError(404, "UNSUPPORTED", `Nothing is served at ${url.pathname}`);
    if (request.method !== "GET" && request.method !== "HEAD") {
      return registryError(405, "UNSUPPORTED", "The mirror is read-only", { allow: "GET, HEAD" });
    }
    const registry = chooseUpstream({ url, headers: request.headers }, parts.upstream);
    try {
      return await serveFrom(registry, request, path, info, viaTask);
    } catch (error) {
      if (!info.signal.aborted) parts.fallbacks.failed(registry.host, error);
      throw error;
    }
  }

  async function serveFrom(
    registry: URL,
    request: Request,
    path: DistributionPath,
    info: RequestInfo,
    viaTask: () => void,
  ): Promise<Response> {
    const url = new URL(request.url);
    const wishes = taskWishes(request.headers);
    if (path.kind !== "blob" || !isForSwarm(blobUrl(registry, path), wishes, rules)) {
      return await passThrough(request, url, registry, info);
    }
    viaTask();
    const deliver = await parts.outputs.deliveryOf(request, wishes, info);
    const { repository, digest } = path;
    try {
      return await contents.serve(blobContent({
        ...{ request, registry, repository, digest, wishes, deliver, disableBackToSource, blobIdByDigest },
        remoteIp: info.remote.hostname,
        signal: info.signal,
      }));
    } catch (error) {
      // The refusal of a HEAD need not be that of a GET: the requester gets the registry's answer to his own request.
      if (request.method !== "GET" || !RELAYED_REFUSALS.has(sourceAnswerOf(error)?.status ?? 0)) throw error;
      return refusalWithoutBody(await passThrough(request, url, registry, info));
    }
  }

  async function passThrough(request: Request, url: URL, registry: URL, info: RequestInfo): Promise<Response> {
    const { remote: { hostname: remoteIp }, signal } = info;
    const query = new URLSearchParams(url.search);
    query.delete("ns");
    const suffix = query.size === 0 ? "" : `?${query}`;
    const range = request.headers.get("range");
    const exchange = await parts.exchanger.send(
      request.method as "GET" | "HEAD",
      { url: `${registry.origin}${url.pathname}${suffix}`, headers: forwardedHeaders(request.headers), remoteIp },
      range === null ? {} : { range },
      signal,
    );
    const headers = returnedHeaders(exchange.response.headers);
    // Another origin's challenge would make the requester send it what he has for this registry.
    if (!exchange.isFirstOrigin) headers.delete("www-authenticate");
    const { status } = exchange.response;
    if (status >= 400) headers.set(RESPONSE_HEADERS.errorType, "backend");
    return new Response(relayedBody(exchange, parts.clock, signal), { status, headers });
  }

  return answering(parts, serve);
}

function blobUrl(registry: URL, { repository, digest }: { repository: string; digest: { text: string } }): string {
  return `${registry.origin}/v2/${repository}/blobs/${digest.text}`;
}
