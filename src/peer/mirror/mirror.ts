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
import { isForToken, noLogin, ownChallenge, pingsForAll, relayToken, withoutOwnToken } from "./token_relay.ts";
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

/** What a request is for. */
interface Asked {
  readonly registry: URL;
  /** With the path as that registry knows it. */
  readonly url: URL;
  readonly path: DistributionPath;
}

/**
 * The registry mirror that a container runtime talks to. Blobs become tasks; all else of the distribution API passes
 * through with the requester's own credentials, and challenges come back untouched (node-side.md §2.4, §3).
 */
export function createMirror(parts: MirrorParts): HttpHandler {
  const { contents, rules, disableBackToSource, blobIdByDigest } = parts;

  async function serve(asked: Request, info: RequestInfo, viaTask: () => void): Promise<Response> {
    if (isForToken(asked)) return await relayToken(asked, info, parts);
    const url = new URL(asked.url);
    const { registry, pathname } = chooseUpstream({ url, headers: asked.headers }, parts.upstream);
    const path = parseDistributionPath(pathname);
    if (path === undefined) return registryError(404, "UNSUPPORTED", `Nothing is served at ${url.pathname}`);
    if (asked.method !== "GET" && asked.method !== "HEAD") {
      return registryError(405, "UNSUPPORTED", "The mirror is read-only", { allow: "GET, HEAD" });
    }
    if (pingsForAll(asked, path.kind === "ping")) return ownChallenge(asked);
    url.pathname = pathname;
    const request = withoutOwnToken(asked);
    try {
      const response = await serveFrom({ registry, url, path }, request, info, viaTask);
      const askedUrl = new URL(asked.url);
      const isNamedInPath = pathname !== askedUrl.pathname;
      if (isNamedInPath && response.status === 401) parts.fallbacks.failed(registry.host, noLogin(registry, askedUrl));
      return response;
    } catch (error) {
      if (!info.signal.aborted) parts.fallbacks.failed(registry.host, error);
      throw error;
    }
  }

  async function serveFrom(
    asked: Asked,
    request: Request,
    info: RequestInfo,
    viaTask: () => void,
  ): Promise<Response> {
    const { registry, path } = asked;
    const wishes = taskWishes(request.headers);
    if (path.kind !== "blob" || !isForSwarm(blobUrl(registry, path), wishes, rules)) {
      return await passThrough(parts, request, asked, info);
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
      return refusalWithoutBody(await passThrough(parts, request, asked, info));
    }
  }

  return answering(parts, serve);
}

/** Asks the registry with the requester's own rights, and relays its answer. */
async function passThrough(
  parts: Pick<MirrorParts, "exchanger" | "clock">,
  request: Request,
  { registry, url }: Asked,
  info: RequestInfo,
): Promise<Response> {
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

function blobUrl(registry: URL, { repository, digest }: { repository: string; digest: { text: string } }): string {
  return `${registry.origin}/v2/${repository}/blobs/${digest.text}`;
}
