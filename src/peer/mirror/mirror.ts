import { tryParseDigest } from "../../core/digest.ts";
import { SERVER_NAME } from "../../core/version.ts";
import { RESPONSE_HEADERS } from "../../http/dragonfly_headers.ts";
import type { HttpHandler, RequestInfo } from "../../http/serve.ts";
import { type DistributionPath, parseDistributionPath } from "../../oci/distribution_path.ts";
import { registryError } from "../../oci/registry_error.ts";
import type { Exchanger } from "../source/exchange.ts";
import { sourceAnswerOf } from "../source/source_failure.ts";
import { Challenges, isOutOfReach, isTrouble } from "./absent_registry.ts";
import { answering, type AnsweringParts } from "./answering.ts";
import type { ContentEndpoint } from "./content.ts";
import { contentUrl, digestContent } from "./digest_content.ts";
import type { Fallbacks } from "./fallbacks.ts";
import { refusalWithoutBody, RELAYED_REFUSALS } from "./failure.ts";
import { type ManifestRequest, Manifests } from "./manifests.ts";
import type { Outputs } from "./outputs.ts";
import { type Asked, passThrough } from "./pass_through.ts";
import { isForSwarm, ruledUrl, ruleFor, type SwarmRule } from "./swarm_rule.ts";
import { taskWishes } from "./task_wishes.ts";
import { isForToken, noLogin, ownChallenge, pingsForAll, relayToken, withoutOwnToken } from "./token_relay.ts";
import { assertAllowed, chooseUpstream, type UpstreamOptions } from "./upstream.ts";

/** Stands for the manifest that a tag points to. */
const ANY_DIGEST = `sha256:${"0".repeat(64)}`;

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
  /** `proxy.tagLease`, in milliseconds. */
  readonly tagLeaseMs: number;
}

/**
 * The registry mirror that a container runtime talks to. Blobs and manifests become tasks; all else of the
 * distribution API passes through with the requester's own credentials, and challenges come back untouched
 * (node-side.md §2.4, §3).
 */
export function createMirror(parts: MirrorParts): HttpHandler {
  const { rules } = parts;
  const manifests = new Manifests(parts);
  const challenges = new Challenges();

  async function serve(asked: Request, info: RequestInfo, viaTask: () => void): Promise<Response> {
    if (isForToken(asked)) return await relayToken(asked, info, parts);
    const url = new URL(asked.url);
    const { registry: named, pathname } = chooseUpstream({ url, headers: asked.headers }, parts.upstream);
    const rule = ruleFor(`${named.origin}${pathname}`, rules);
    const registry = ruledUrl(named, rule);
    const path = parseDistributionPath(pathname);
    if (path === undefined) {
      return registryError(404, "UNSUPPORTED", `Nothing is served at ${url.pathname}`, { server: SERVER_NAME });
    }
    if (asked.method !== "GET" && asked.method !== "HEAD") {
      return registryError(405, "UNSUPPORTED", "The mirror is read-only", { allow: "GET, HEAD" });
    }
    if (pingsForAll(asked, path.kind === "ping")) return ownChallenge(asked);
    url.pathname = pathname;
    const request = withoutOwnToken(asked);
    try {
      assertAllowed(named, parts.upstream);
      const response = await serveFrom(parts, manifests, { registry, url, path, rule }, request, info, viaTask);
      challenges.learn(registry, response);
      const isOfRegistry = response.headers.get(RESPONSE_HEADERS.errorType) === "backend";
      const challenge = isOfRegistry && isTrouble(response.status) ? challenges.answer(registry, request) : undefined;
      if (challenge !== undefined) {
        await response.body?.cancel();
        return challenge;
      }
      const askedUrl = new URL(asked.url);
      const isNamedInPath = pathname !== askedUrl.pathname;
      if (isNamedInPath && response.status === 401) parts.fallbacks.failed(registry.host, noLogin(registry, askedUrl));
      return response;
    } catch (error) {
      if (!info.signal.aborted) parts.fallbacks.failed(registry.host, error);
      const challenge = isOutOfReach(error) ? challenges.answer(registry, request) : undefined;
      if (challenge === undefined) throw error;
      return challenge;
    }
  }

  return answering(parts, serve);
}

/** A request for one registry. */
async function serveFrom(
  parts: MirrorParts,
  manifests: Manifests,
  asked: Asked,
  request: Request,
  info: RequestInfo,
  viaTask: () => void,
): Promise<Response> {
  const { contents, rules, disableBackToSource, blobIdByDigest } = parts;
  const { registry, path, rule } = asked;
  const wishes = taskWishes(request.headers);
  const isNamed = path.kind === "blob" || path.kind === "manifest";
  const sharing = path.kind === "manifest" ? rule ?? ruleFor(blobUrlLike(registry, path), rules) : rule;
  if (!isNamed || !isForSwarm(sharing, wishes)) {
    return await passThrough(parts, request, asked, info);
  }
  const { repository } = path;
  const common = {
    ...{ request, registry, repository, wishes, disableBackToSource, blobIdByDigest },
    remoteIp: info.remote.hostname,
    signal: info.signal,
  };
  try {
    if (path.kind === "manifest") {
      return await serveManifest(manifests, { ...common, asked, info }, path.reference, viaTask);
    }
    viaTask();
    const deliver = await parts.outputs.deliveryOf(request, wishes, info);
    return await contents.serve(digestContent({ ...common, collection: "blobs", digest: path.digest, deliver }));
  } catch (error) {
    // The refusal of a HEAD need not be that of a GET: the requester gets the registry's answer to his own request.
    if (request.method !== "GET" || !RELAYED_REFUSALS.has(sourceAnswerOf(error)?.status ?? 0)) throw error;
    const answer = await passThrough(parts, request, asked, info);
    return path.kind === "manifest" ? answer : refusalWithoutBody(answer);
  }
}

async function serveManifest(
  manifests: Manifests,
  asked: ManifestRequest,
  reference: string,
  viaTask: () => void,
): Promise<Response> {
  const digest = tryParseDigest(reference);
  if (digest === undefined) return await manifests.byTag(asked);
  viaTask();
  return await manifests.byDigest(asked, digest);
}

/** A manifest that no rule is for goes where blobs of its repository go, for rules are written for those. */
function blobUrlLike(registry: URL, { repository, reference }: DistributionPath & { kind: "manifest" }): string {
  const digest = tryParseDigest(reference)?.text ?? ANY_DIGEST;
  return contentUrl({ registry, repository, collection: "blobs", digest });
}
