import { RESPONSE_HEADERS } from "../../http/dragonfly_headers.ts";
import { DamselflyError, errorText } from "../../core/error.ts";
import type { ConnectHandler, HttpHandler, RequestInfo } from "../../http/serve.ts";
import { parseDistributionPath } from "../../oci/distribution_path.ts";
import type { Counter } from "../../runtime/metrics.ts";
import type { Conn, Endpoint, Net } from "../../runtime/net.ts";
import { answering } from "../mirror/answering.ts";
import type { ContentRequest } from "../mirror/content.ts";
import { digestContent } from "../mirror/digest_content.ts";
import { failureResponse, refusalWithoutBody, RELAYED_REFUSALS } from "../mirror/failure.ts";
import type { MirrorParts } from "../mirror/mirror.ts";
import { isForSwarm, ruleFor } from "../mirror/swarm_rule.ts";
import { type TaskWishes, taskWishes } from "../mirror/task_wishes.ts";
import { isAllowed } from "../mirror/upstream.ts";
import { type Destination, type Destinations, isLoopback } from "../../http/destination.ts";
import { sourceAnswerOf, sourceFailure } from "../source/source_failure.ts";
import { authenticationRequired, isAuthorized, type ProxyCredentials } from "./credentials.ts";
import { fileContent } from "./file.ts";
import { relay } from "./relay.ts";
import { tlsOnly } from "./tls_only.ts";

/** To each of the addresses of a host. */
const CONNECT_TIMEOUT_MS = 10_000;
/** Of a host; those after it are not tried. */
const ADDRESSES_TRIED_MAX = 4;

/** What the proxy needs besides what the mirror does. */
export interface ProxyParts extends Omit<MirrorParts, "exchanger"> {
  readonly net: Net;
  readonly destinations: Destinations;
  readonly mirror: HttpHandler;
  /** The address that this peer is announced with. A loopback one: the whole swarm is on this host. */
  readonly serverIp: string;
  /** Left out, nobody is asked who he is. */
  readonly credentials?: ProxyCredentials | undefined;
}

/** The services of port 4001: the mirror, and the proxy in front of it (node-side.md §3.1). */
export class Proxy {
  readonly #parts: ProxyParts;
  readonly #forward: HttpHandler;
  readonly #tunnels: Counter;
  #hasTunnelled = false;
  #hasPassedLoopback = false;

  constructor(parts: ProxyParts) {
    this.#parts = parts;
    this.#forward = answering(parts, async (request, info, viaTask) => {
      try {
        return await this.#serve(request, info, viaTask);
      } catch (error) {
        if (!info.signal.aborted) parts.fallbacks.failed(new URL(request.url).host, error);
        throw error;
      }
    });
    const help = "Tunnels, whose content is not shared";
    this.#tunnels = parts.metrics.counter("damselfly_client_proxy_tunnel_total", help);
  }

  /** Requests by path go to the mirror; those by URL are forwarded to the host that they name, and to no other. */
  readonly handler: HttpHandler = (request, info) => {
    if (!this.#mayUse(request.headers)) return authenticationRequired();
    return info.isProxied === true ? this.#forward(request, info) : this.#parts.mirror(request, info);
  };

  /** Tunnels for TLS. */
  readonly onConnect: ConnectHandler = async ({ target, headers }, { remote, signal }) => {
    if (!this.#mayUse(headers)) return authenticationRequired();
    const { log } = this.#parts;
    const { hostname, port } = target;
    const origin = new URL(`https://${hostname.includes(":") ? `[${hostname}]` : hostname}:${port}`).origin;
    try {
      const conn = await this.#connected(origin, target, remote.hostname, signal);
      this.#tunnels.inc();
      if (!this.#hasTunnelled) {
        log.warn("What goes through a tunnel is not shared: use the mirror for images", { origin });
      }
      this.#hasTunnelled = true;
      return tlsOnly(conn);
    } catch (error) {
      if (!signal.aborted) {
        log.info("A tunnel was refused", { origin, reason: errorText(error) });
        this.#parts.fallbacks.failed(new URL(origin).host, error);
      }
      return failureResponse(error);
    }
  };

  #mayUse(headers: Headers): boolean {
    const { credentials } = this.#parts;
    return credentials === undefined || isAuthorized(headers.get("proxy-authorization"), credentials);
  }

  async #serve(request: Request, info: RequestInfo, viaTask: () => void): Promise<Response> {
    const wishes = taskWishes(request.headers);
    const isShared = request.method === "GET" && isForSwarm(request.url, wishes, this.#parts.rules);
    if (!isShared || this.#isOfStranger(new URL(request.url))) return await this.#passOn(request, info);
    if (await this.#isOfEachHost(request, info)) return await this.#passOnUnshared(request, wishes, info);
    viaTask();
    const content = await this.#contentOf(request, wishes, info);
    try {
      return await this.#parts.contents.serve(content);
    } catch (error) {
      // A HEAD was refused, and a GET need not be: the requester gets the answer to his own request.
      if (!RELAYED_REFUSALS.has(sourceAnswerOf(error)?.status ?? 0)) throw error;
      return refusalWithoutBody(await this.#passOn(request, info));
    }
  }

  /** A blob of a registry that nobody vouches for: it is no proof that its digest is known. */
  #isOfStranger(url: URL): boolean {
    return parseDistributionPath(url.pathname)?.kind === "blob" && !isAllowed(url, this.#parts.upstream);
  }

  /** On two hosts a loopback URL is two contents, which one task cannot be. */
  async #isOfEachHost({ url }: Request, { remote }: RequestInfo): Promise<boolean> {
    const { destinations, serverIp } = this.#parts;
    const { origin, hostname } = new URL(url);
    const addresses = await this.#allowed({ origin, hostname, remoteIp: remote.hostname });
    return !isLoopback(serverIp) && destinations.isOfEachHost(origin, addresses);
  }

  async #passOnUnshared(request: Request, { output }: TaskWishes, info: RequestInfo): Promise<Response> {
    const { origin } = new URL(request.url);
    const what = "what a loopback address has is another content on each host, and is not shared";
    const how = "name the server by an address that is the same for all hosts";
    if (output !== undefined) {
      throw new DamselflyError("invalid_argument", `Cannot write from ${origin} to a file: ${what}; ${how}`);
    }
    if (!this.#hasPassedLoopback) this.#parts.log.warn(`A request is passed on: ${what}; ${how}`, { origin });
    this.#hasPassedLoopback = true;
    return await this.#passOn(request, info);
  }

  async #contentOf(request: Request, wishes: TaskWishes, info: RequestInfo): Promise<ContentRequest> {
    const { outputs, rules, disableBackToSource, blobIdByDigest } = this.#parts;
    const { origin, pathname } = new URL(request.url);
    const remoteIp = info.remote.hostname;
    const deliver = await outputs.deliveryOf(request, wishes, info);
    const path = parseDistributionPath(pathname);
    const common = { request, wishes, deliver, remoteIp, disableBackToSource, signal: info.signal };
    if (path?.kind === "blob") {
      const { repository, digest } = path;
      const registry = new URL(origin);
      return digestContent({ ...common, blobIdByDigest, registry, repository, collection: "blobs", digest });
    }
    return fileContent({ ...common, filteredQueryParams: ruleFor(request.url, rules)?.filteredQueryParams });
  }

  async #passOn(request: Request, { remote, signal }: RequestInfo): Promise<Response> {
    const { protocol, origin, hostname, port } = new URL(request.url);
    if (protocol !== "http:") {
      throw new DamselflyError(
        "invalid_argument",
        `Cannot forward a request to ${origin}: ask for a tunnel by CONNECT`,
      );
    }
    const conn = await this.#connected(origin, { hostname, port: Number(port || "80") }, remote.hostname, signal);
    const answer = await relay(request, conn, this.#parts.clock, signal);
    if (answer.status >= 400) answer.headers.set(RESPONSE_HEADERS.errorType, "backend");
    return answer;
  }

  /** A connection to the first of a host's addresses that takes it. They were looked at, and are not asked for again. */
  async #connected(origin: string, to: Endpoint, remoteIp: string, signal: AbortSignal): Promise<Conn> {
    const { clock, net } = this.#parts;
    const addresses = await this.#allowed({ origin, hostname: to.hostname, remoteIp });
    let failure: unknown;
    for (const hostname of addresses.slice(0, ADDRESSES_TRIED_MAX)) {
      using limit = clock.deadline(CONNECT_TIMEOUT_MS);
      try {
        return await net.connect({ hostname, port: to.port }, AbortSignal.any([signal, limit.signal]));
      } catch (error) {
        signal.throwIfAborted();
        failure = error;
      }
    }
    throw unreachable(origin, failure);
  }

  async #allowed(destination: Destination): Promise<string[]> {
    try {
      return await this.#parts.destinations.addressesOf(destination);
    } catch (error) {
      if (error instanceof DamselflyError && error.code === "permission_denied") throw error;
      throw unreachable(destination.origin, error);
    }
  }
}

function unreachable(origin: string, cause: unknown): DamselflyError {
  return sourceFailure(new URL(origin), "it cannot be reached", { cause });
}
