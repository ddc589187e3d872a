import { RESPONSE_HEADERS } from "../../http/dragonfly_headers.ts";
import { DamselflyError, errorText } from "../../core/error.ts";
import type { Interception } from "../../http/interception.ts";
import type { ConnectHandler, HttpHandler, HttpService, RequestInfo, UpgradeHandler } from "../../http/serve.ts";
import type { Upgraded } from "../../http/upgrade.ts";
import { parseDistributionPath } from "../../oci/distribution_path.ts";
import type { Counter } from "../../runtime/metrics.ts";
import type { Endpoint } from "../../runtime/net.ts";
import { RequestRate } from "../../runtime/request_rate.ts";
import { answering } from "../mirror/answering.ts";
import type { ContentRequest } from "../mirror/content.ts";
import { digestContent } from "../mirror/digest_content.ts";
import { failureResponse, refusalWithoutBody, RELAYED_REFUSALS } from "../mirror/failure.ts";
import type { MirrorParts } from "../mirror/mirror.ts";
import { isForSwarm, ruledUrl, ruleFor, type SwarmRule } from "../mirror/swarm_rule.ts";
import { type TaskWishes, taskWishes } from "../mirror/task_wishes.ts";
import { isAllowed } from "../mirror/upstream.ts";
import { isLoopback } from "../../http/destination.ts";
import { sourceAnswerOf } from "../source/source_failure.ts";
import { authenticationRequired, isAuthorized, type ProxyCredentials } from "./credentials.ts";
import { Dialer, type DialerParts } from "./dialer.ts";
import { type Client, Distrust, DISTRUST_MS } from "./distrust.ts";
import { fileContent } from "./file.ts";
import type { Interceptor } from "./interceptor.ts";
import { checkListed, type ListedHost } from "./listed_hosts.ts";
import { relay } from "./relay.ts";
import { tlsOnly } from "./tls_only.ts";

/** How long a request waits for its turn; container runtimes wait 30 s for an answer. */
const QUEUE_MS = 2_000;

/** What the proxy needs besides what the mirror does. */
export interface ProxyParts extends Omit<MirrorParts, "exchanger">, DialerParts {
  readonly mirror: HttpHandler;
  /** The address that this peer is announced with. A loopback one: the whole swarm is on this host. */
  readonly serverIp: string;
  /** Left out, nobody is asked who he is. */
  readonly credentials?: ProxyCredentials | undefined;
  /** Left out, all TLS is tunnelled. */
  readonly interceptor?: Interceptor | undefined;
  /** Whether TLS with a place ends here, where there is an interceptor. */
  readonly isIntercepted: (to: Endpoint) => boolean;
  /** Where requests by URL and tunnels may go; left out, everywhere. */
  readonly whiteList?: readonly ListedHost[] | undefined;
  readonly requestsPerSecond: number;
}

/** The services of port 4001: the mirror, and the proxy in front of it (node-side.md §3.1). */
export class Proxy implements HttpService {
  readonly #parts: ProxyParts;
  readonly #dialer: Dialer;
  readonly #rate: RequestRate;
  readonly #distrust: Distrust;
  readonly #forward: HttpHandler;
  readonly #tunnels: Counter;
  readonly #interceptions: Counter;
  #hasTunnelled = false;
  #hasPassedLoopback = false;

  constructor(parts: ProxyParts) {
    this.#parts = parts;
    this.#dialer = new Dialer(parts);
    this.#rate = new RequestRate({
      perSecond: parts.requestsPerSecond,
      waitingMax: Math.max(1, Math.floor(parts.requestsPerSecond * QUEUE_MS / 1_000)),
      key: "proxy.server.requestRateLimit",
      clock: parts.clock,
    });
    this.#distrust = new Distrust(parts.clock);
    this.#forward = answering(parts, async (request, info, viaTask) => {
      try {
        return await this.#serve(request, info, viaTask);
      } catch (error) {
        if (!info.signal.aborted) parts.fallbacks.failed(new URL(request.url).host, error);
        throw error;
      }
    });
    const { metrics } = parts;
    this.#tunnels = metrics.counter("damselfly_client_proxy_tunnel_total", "Tunnels, whose content is not shared");
    const help = "Tunnels whose TLS ended here, so that their content could be shared";
    this.#interceptions = metrics.counter("damselfly_client_proxy_interception_total", help);
  }

  /** Requests by path go to the mirror; those by URL are forwarded to the host that they name, and to no other. */
  readonly handler: HttpHandler = async (request, info) => {
    if (!this.#mayUse(request.headers)) return authenticationRequired();
    const isProxied = info.isProxied === true;
    const to = isProxied ? new URL(request.url) : undefined;
    return await this.#turnedAway(to, info) ??
      await (isProxied ? this.#forward : this.#parts.mirror)(request, info);
  };

  /** Requests by URL that ask for another protocol are forwarded too. */
  readonly onUpgrade: UpgradeHandler = async (request, info) => {
    if (!this.#mayUse(request.headers)) return authenticationRequired();
    return await this.#turnedAway(new URL(request.url), info) ?? await this.#passUpgradeOn(request, info);
  };

  /** What came in a tunnel may go where that may, and is forwarded. */
  readonly #tunnelled: HttpService = {
    handler: async (request, info) => {
      return await this.#turnedAway(undefined, info) ?? await this.#forward(request, info);
    },
    onUpgrade: async (request, info) => {
      return await this.#turnedAway(undefined, info) ?? await this.#passUpgradeOn(request, info);
    },
  };

  /** Tunnels for TLS, and its end for hosts that are to be intercepted. */
  readonly onConnect: ConnectHandler = async ({ target, headers }, info) => {
    const { remote, signal } = info;
    if (!this.#mayUse(headers)) return authenticationRequired();
    const { hostname, port } = target;
    const url = new URL(`https://${hostname.includes(":") ? `[${hostname}]` : hostname}:${port}`);
    const refusal = await this.#turnedAway(url, info);
    if (refusal !== undefined) return refusal;
    try {
      const client = { ip: remote.hostname, agent: headers.get("user-agent") };
      const interception = this.#interceptionOf(url, target, client);
      if (interception !== undefined) return interception;
      const conn = await this.#dialer.connect(url, { remoteIp: remote.hostname, signal });
      this.#tunnels.inc();
      this.#warnOfTunnel(url);
      return tlsOnly(conn);
    } catch (error) {
      if (!signal.aborted) {
        this.#parts.log.info("A tunnel was refused", { origin: url.origin, reason: errorText(error) });
        this.#parts.fallbacks.failed(url.host, error);
      }
      return failureResponse(error);
    }
  };

  #interceptionOf({ origin, host }: URL, target: Endpoint, client: Client): Interception | undefined {
    const { interceptor, isIntercepted, log, fallbacks } = this.#parts;
    if (interceptor === undefined || !isIntercepted(target) || this.#distrust.has(client, host)) return undefined;
    const secureContext = interceptor.contextFor(target.hostname);
    this.#interceptions.inc();
    return {
      ...{ origin, secureContext, service: this.#tunnelled },
      onOtherName: (name) =>
        log.warn("A client was cut off: in a tunnel to one host it asked for another one", { origin, name }),
      onDistrusted: () => {
        this.#distrust.add(client, host);
        fallbacks.failed(host, distrusted(client.ip));
      },
    };
  }

  #warnOfTunnel({ origin }: URL): void {
    if (this.#hasTunnelled) return;
    this.#hasTunnelled = true;
    const how = this.#parts.interceptor === undefined
      ? "use the mirror for images, or give proxy.server.caCert and caKey"
      : "use the mirror for images, or name the host in proxy.server.interceptHosts";
    this.#parts.log.warn(`What goes through a tunnel is not shared: ${how}`, { origin });
  }

  /** The answer to a request that is one too many, or for a host that nobody may go to; undefined when it may begin. */
  async #turnedAway(
    to: URL | undefined,
    { remote, signal }: Pick<RequestInfo, "remote" | "signal">,
  ): Promise<Response | undefined> {
    const { fallbacks, log, whiteList } = this.#parts;
    try {
      if (to !== undefined) checkListed(to, whiteList);
      await this.#rate.turn(remote.hostname, signal);
      return undefined;
    } catch (error) {
      const isTooMany = error instanceof DamselflyError && error.code === "resource_exhausted";
      if (isTooMany) fallbacks.failed(to?.host ?? "any", error);
      else if (!signal.aborted) log.info("A request was refused", { host: to?.host, reason: errorText(error) });
      return failureResponse(error);
    }
  }

  #mayUse(headers: Headers): boolean {
    const { credentials } = this.#parts;
    return credentials === undefined || isAuthorized(headers.get("proxy-authorization"), credentials);
  }

  async #serve(asked: Request, info: RequestInfo, viaTask: () => void): Promise<Response> {
    const wishes = taskWishes(asked.headers);
    const rule = ruleFor(asked.url, this.#parts.rules);
    const request = ruledRequest(asked, rule);
    const isShared = request.method === "GET" && isForSwarm(rule, wishes);
    if (!isShared || this.#isOfStranger(new URL(asked.url))) return await this.#passOn(request, info);
    if (await this.#isOfEachHost(request, info)) return await this.#passOnUnshared(request, wishes, info);
    viaTask();
    const content = await this.#contentOf(request, wishes, rule, info);
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
    const isOfEachHost = await this.#dialer.isOfEachHost(new URL(url), { remoteIp: remote.hostname });
    return isOfEachHost && !isLoopback(this.#parts.serverIp);
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

  async #contentOf(
    request: Request,
    wishes: TaskWishes,
    rule: SwarmRule | undefined,
    info: RequestInfo,
  ): Promise<ContentRequest> {
    const { outputs, disableBackToSource, blobIdByDigest, whiteList } = this.#parts;
    const { origin, pathname } = new URL(request.url);
    const remoteIp = info.remote.hostname;
    const deliver = await outputs.deliveryOf(request, wishes, info);
    const path = parseDistributionPath(pathname);
    // Who follows a redirect himself has to ask for it too.
    const checkRedirect = (to: URL) => checkListed(to, whiteList);
    const common = { request, wishes, deliver, remoteIp, disableBackToSource, checkRedirect, signal: info.signal };
    if (path?.kind === "blob") {
      const { repository, digest } = path;
      const registry = new URL(origin);
      return digestContent({ ...common, blobIdByDigest, registry, repository, collection: "blobs", digest });
    }
    return fileContent({ ...common, filteredQueryParams: rule?.filteredQueryParams });
  }

  async #passOn(request: Request, { remote, signal }: RequestInfo): Promise<Response> {
    const hop = await this.#dialer.open(new URL(request.url), { remoteIp: remote.hostname, signal });
    const answer = await relay(request, hop, this.#parts.clock, signal);
    if (answer.status >= 400) answer.headers.set(RESPONSE_HEADERS.errorType, "backend");
    return answer;
  }

  async #passUpgradeOn(asked: Request, { remote, signal }: RequestInfo): Promise<Upgraded | Response> {
    const request = ruledRequest(asked, ruleFor(asked.url, this.#parts.rules));
    try {
      const hop = await this.#dialer.open(new URL(request.url), { remoteIp: remote.hostname, signal });
      const protocol = request.headers.get("upgrade") ?? "";
      return await relay(request, hop, this.#parts.clock, signal, protocol);
    } catch (error) {
      return failureResponse(error);
    }
  }
}

function distrusted(ip: string): DamselflyError {
  return new DamselflyError(
    "failed_precondition",
    `${ip} went when it saw our certificate: have it trust proxy.server.caCert, or leave the host out of ` +
      `proxy.server.interceptHosts; for ${DISTRUST_MS / 60_000} minutes its tunnels to that host pass unread`,
  );
}

/** A request, at where a rule sends it. */
function ruledRequest(request: Request, rule: SwarmRule | undefined): Request {
  const asked = new URL(request.url);
  const url = ruledUrl(asked, rule);
  if (url.href === asked.href) return request;
  const { method, headers, body } = request;
  return new Request(url, { method, headers, ...(body !== null && { body, duplex: "half" }) });
}
