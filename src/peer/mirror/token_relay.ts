import { DamselflyError } from "../../core/error.ts";
import { returnedHeaders } from "../../http/forwarded_headers.ts";
import type { RequestInfo } from "../../http/serve.ts";
import { parseChallenge } from "../../oci/challenge.ts";
import { registryError } from "../../oci/registry_error.ts";
import type { Clock } from "../../runtime/clock.ts";
import { relayedBody } from "../source/body.ts";
import type { Exchanger } from "../source/exchange.ts";
import type { Fallbacks } from "./fallbacks.ts";
import { assertAllowed, chooseUpstream, type Upstream, type UpstreamOptions } from "./upstream.ts";

/** Where clients that {@link pingsForAll} are sent for their tokens. */
const TOKEN_PATH = "/damselfly/token";

/** Programs with the library of CRI-O and Podman (containers/image), by their User-Agent. */
const PINGS_FOR_ALL = /^(?:libpod|cri-o|skopeo|buildah|containers)\//i;

/** Tokens of our own: of a registry that wants none, and of one that wants a name and a password. */
const NO_TOKEN = "damselfly.none";
const BASIC_TOKEN = "damselfly.basic.";
const OWN_TOKEN = /^Bearer (damselfly\..*)$/;

/** What {@link relayToken} needs. */
export interface TokenRelayParts {
  readonly exchanger: Exchanger;
  readonly upstream: UpstreamOptions;
  readonly clock: Clock;
  readonly fallbacks: Fallbacks;
}

/**
 * Whether a requester asks `/v2/` once and answers the challenge that comes back for every registry behind this mirror,
 * with the repository as the mirror's path has it (node-side.md §2.6). The challenge of one registry would be wrong for
 * all others, so it gets {@link ownChallenge}.
 */
export function pingsForAll(request: Request, isPing: boolean): boolean {
  return isPing && PINGS_FOR_ALL.test(request.headers.get("user-agent") ?? "");
}

/**
 * Sends the requester to us for a token, where the repository tells which registry it is for. Who has one already is
 * let in: `podman login` asks that way whether a login is right, which no registry has been named to say.
 */
export function ownChallenge({ url, headers }: Request): Response {
  if (OWN_TOKEN.test(headers.get("authorization") ?? "")) return Response.json({});
  const challenge = `Bearer realm="${new URL(url).origin}${TOKEN_PATH}",service="damselfly"`;
  return registryError(401, "UNAUTHORIZED", "A token is needed", { "www-authenticate": challenge });
}

/** Whether a request is for {@link relayToken}. */
export function isForToken({ method, url }: Request): boolean {
  return method === "GET" && new URL(url).pathname === TOKEN_PATH;
}

/**
 * Gets the token for a repository from where its registry says, with the requester's own name and password if he gave
 * one, and keeps nothing. A registry that wants no token, or the password itself, gets a token that says so.
 */
export async function relayToken(request: Request, info: RequestInfo, parts: TokenRelayParts): Promise<Response> {
  const scope = repositoryOf(new URL(request.url).searchParams.getAll("scope"));
  if (scope === undefined) return Response.json({ token: NO_TOKEN });
  const asked = new URL(`/v2/${scope}/manifests/latest`, request.url);
  const upstream = chooseUpstream({ url: asked, headers: request.headers }, parts.upstream);
  try {
    assertAllowed(upstream.registry, parts.upstream);
    return await tokenOf(upstream, asked, request, info, parts);
  } catch (error) {
    if (!info.signal.aborted) parts.fallbacks.failed(upstream.registry.host, error);
    throw error;
  }
}

async function tokenOf(
  { registry, pathname }: Upstream,
  asked: URL,
  request: Request,
  { remote: { hostname: remoteIp }, signal }: RequestInfo,
  { exchanger, clock, fallbacks }: TokenRelayParts,
): Promise<Response> {
  const ping = await exchanger.send("GET", { url: `${registry.origin}/v2/`, headers: {}, remoteIp }, {}, signal);
  const header = ping.response.headers.get("www-authenticate");
  const challenge = ping.response.status === 401 && ping.isFirstOrigin ? parseChallenge(header) : undefined;
  await ping.close("only its head was wanted");
  const authorization = credentialsOf(request);
  if (challenge === undefined) return Response.json({ token: NO_TOKEN });
  if (challenge.scheme === "basic") {
    if (authorization !== undefined) {
      return Response.json({ token: BASIC_TOKEN + authorization.slice("Basic ".length) });
    }
    const error = noLogin(registry, asked);
    fallbacks.failed(registry.host, error);
    return registryError(401, "UNAUTHORIZED", error.message);
  }
  const realm = new URL(challenge.realm);
  if (realm.protocol !== "https:" && realm.protocol !== registry.protocol) {
    throw new DamselflyError("permission_denied", `Cannot ask for a token of ${registry.host} without TLS`);
  }
  if (challenge.service !== undefined) realm.searchParams.set("service", challenge.service);
  const repository = pathname.replace(/^\/v2\//, "").replace(/\/manifests\/latest$/, "");
  realm.searchParams.set("scope", `repository:${repository}:pull`);
  const headers = authorization === undefined ? {} : { authorization };
  const exchange = await exchanger.send("GET", { url: realm.href, headers, remoteIp }, {}, signal);
  const { status, headers: answered } = exchange.response;
  return new Response(relayedBody(exchange, clock, signal), { status, headers: returnedHeaders(answered) });
}

/**
 * Why a registry refuses what CRI-O or Podman asks for through us: they never send a mirror the login of the registry
 * behind it, only one of its own. The URL is the one that they asked for.
 */
export function noLogin(registry: URL, { host, pathname }: URL): DamselflyError {
  const login = `podman login --tls-verify=false ${host}/${pathname.split("/")[2]}`;
  const what = `Cannot pull from ${registry.host} without a login that it accepts`;
  return new DamselflyError("unauthenticated", `${what}: the runtime needs one for this mirror, as in "${login}"`);
}

/** A request with what its registry wants to see instead of a token of ours. */
export function withoutOwnToken(request: Request): Request {
  const [, token] = OWN_TOKEN.exec(request.headers.get("authorization") ?? "") ?? [];
  if (token === undefined) return request;
  const headers = new Headers(request.headers);
  headers.delete("authorization");
  if (token.startsWith(BASIC_TOKEN)) headers.set("authorization", `Basic ${token.slice(BASIC_TOKEN.length)}`);
  return new Request(request, { headers });
}

/** A name and a password, and not the empty ones that some clients send for nobody. */
function credentialsOf({ headers }: Request): string | undefined {
  const [, encoded] = /^Basic ([A-Za-z0-9+/]+=*)$/i.exec(headers.get("authorization") ?? "") ?? [];
  return encoded === undefined || encoded === btoa(":") ? undefined : `Basic ${encoded}`;
}

function repositoryOf(scopes: readonly string[]): string | undefined {
  for (const scope of scopes.flatMap((text) => text.split(" "))) {
    const [, repository] = /^repository:([^:]+):/.exec(scope) ?? [];
    if (repository !== undefined) return repository;
  }
  return undefined;
}
