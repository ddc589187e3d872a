import { type DamselflyError, isCancelled } from "../../core/error.ts";
import { DURATION_BUCKETS_MS } from "../../core/size_level.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { Counter, Histogram, Metrics } from "../../runtime/metrics.ts";
import { orAbort } from "../../runtime/or_abort.ts";
import { passedOnTrace } from "../../runtime/requests.ts";
import { traced } from "../../runtime/tracing.ts";
import type { Destinations } from "../../http/destination.ts";
import { redirectOf, REDIRECTS_MAX } from "../../http/redirect.ts";
import type { SourceFetch } from "./registry_fetch.ts";
import type { SourceRequest } from "./source.ts";
import { publicUrl, sourceFailure } from "./source_failure.ts";

/** Where a peer's configuration names origins, whose addresses are not questioned. */
export const UPSTREAMS_KEY = "proxy.registryMirror.upstreams";
/** For the headers of the answer, redirects included; below the 30 s that containerd waits for ours (node-side.md §2.4). */
const HEADERS_TIMEOUT_MS = 25_000;
/** Of the body of a redirect. */
const SKIPPED_BYTES_MAX = 16 * 1024;

/** What an exchange with an origin needs. */
export interface ExchangeParts {
  readonly fetch: SourceFetch;
  readonly clock: Clock;
  readonly metrics: Metrics;
  /** Where requesters may go. */
  readonly destinations: Pick<Destinations, "check">;
}

/** The answer at the end of the redirects. Whoever has it ends the transfer. */
export interface Exchange {
  readonly response: Response;
  readonly url: URL;
  /** No redirect led to another origin. */
  readonly isFirstOrigin: boolean;
  /** Ends the transfer. */
  close(reason: unknown): Promise<void>;
}

/** Sends requests to origins, and follows redirects without taking credentials along. */
export class Exchanger {
  readonly #parts: ExchangeParts;
  readonly #requests: Counter;
  readonly #failures: Counter;
  readonly #durations: Histogram;

  constructor(parts: ExchangeParts) {
    this.#parts = parts;
    const labels = ["scheme", "method"];
    const { metrics } = parts;
    this.#requests = metrics.counter("dragonfly_client_backend_request_total", "Requests to sources", labels);
    this.#failures = metrics.counter("dragonfly_client_backend_request_failure_total", "Failed ones", labels);
    this.#durations = metrics.histogram(
      "dragonfly_client_backend_request_duration_milliseconds",
      "Time until the headers of a source's answer",
      DURATION_BUCKETS_MS,
      labels,
    );
  }

  /**
   * Sends `method` with `headers` besides the requester's own. Throws `source_error`, `permission_denied` for an
   * address where the requester may not go, or the signal's reason.
   */
  async send(
    method: "GET" | "HEAD",
    request: SourceRequest,
    headers: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ): Promise<Exchange> {
    const first = parseUrl(request.url);
    const labels = { scheme: first.protocol.slice(0, -1), method };
    const startedAt = this.#parts.clock.now();
    this.#requests.inc(labels);
    try {
      const attributes = { "http.method": method, "http.url": publicUrl(first) };
      const exchange = await traced(`HTTP ${method}`, { kind: "client", attributes }, async (span) => {
        const asked = { ...request.headers, ...headers, ...passedOnTrace() };
        const exchange = await this.#follow(method, first, { ...request, headers: asked }, signal);
        span?.set({ "http.status_code": exchange.response.status });
        return exchange;
      });
      this.#durations.observe(labels, this.#parts.clock.now() - startedAt);
      return exchange;
    } catch (error) {
      if (!signal.aborted) this.#failures.inc(labels);
      throw error;
    }
  }

  async #follow(
    method: string,
    first: URL,
    { headers: firstHeaders, remoteIp, checkRedirect, authorities, objectStorage }: Omit<SourceRequest, "url">,
    signal: AbortSignal,
  ): Promise<Exchange> {
    using limit = this.#parts.clock.deadline(HEADERS_TIMEOUT_MS);
    let [url, headers] = [first, firstHeaders];
    for (let redirects = 0; redirects <= REDIRECTS_MAX; redirects++) {
      const addresses = await this.#allowed(url, remoteIp, signal, limit.signal);
      const checksCertificates = objectStorage?.insecureSkipVerify !== true || url.origin !== first.origin;
      const request = { headers, authorities, checksCertificates, addresses };
      const exchange = await this.#once(method, url, request, signal, limit.signal);
      const redirect = redirectOf(exchange.response, url, headers);
      if (redirect === undefined) return { ...exchange, isFirstOrigin: headers === firstHeaders };
      await skipBody(exchange);
      if ("refused" in redirect) throw sourceFailure(url, redirect.refused);
      ({ url, headers } = redirect);
      checkRedirect?.(url);
    }
    throw sourceFailure(first, `it redirects more than ${REDIRECTS_MAX} times`);
  }

  /** Every hop is looked at: where the first one is, is no promise of where it sends us. */
  async #allowed(url: URL, remoteIp: string | undefined, signal: AbortSignal, limit: AbortSignal) {
    const { origin, hostname } = url;
    try {
      return await orAbort(
        this.#parts.destinations.check({ origin, hostname, remoteIp }),
        AbortSignal.any([signal, limit]),
      );
    } catch (cause) {
      signal.throwIfAborted();
      if (limit.aborted) throw tooLate(url, cause);
      throw cause;
    }
  }

  async #once(
    method: string,
    url: URL,
    { headers, authorities = [], checksCertificates, addresses }: Pick<SourceRequest, "headers" | "authorities"> & {
      readonly checksCertificates: boolean;
      readonly addresses: readonly string[] | undefined;
    },
    signal: AbortSignal,
    limit: AbortSignal,
  ): Promise<Omit<Exchange, "isFirstOrigin">> {
    const transfer = new AbortController();
    try {
      const response = await this.#parts.fetch(url, {
        method,
        headers: { ...headers, "accept-encoding": "identity" },
        ...{ redirect: "manual" as const, authorities, checksCertificates, addresses },
        signal: AbortSignal.any([signal, limit, transfer.signal]),
      });
      const close = async (reason: unknown) => {
        transfer.abort(reason);
        if (response.body !== null && !response.body.locked) await response.body.cancel().catch(() => {});
      };
      return { response, url, close };
    } catch (cause) {
      signal.throwIfAborted();
      if (limit.aborted) throw tooLate(url, cause);
      throw sourceFailure(url, isCancelled(cause) ? "it ended the request" : "it cannot be reached", { cause });
    }
  }
}

function tooLate(url: URL, cause: unknown): DamselflyError {
  return sourceFailure(url, `it did not answer within ${HEADERS_TIMEOUT_MS} ms`, { cause });
}

/** Reads a short body to its end, so that the connection can be used again; a long one is not worth it. */
async function skipBody({ response, close }: Pick<Exchange, "response" | "close">): Promise<void> {
  const length = Number(response.headers.get("content-length") ?? Infinity);
  if (length <= SKIPPED_BYTES_MAX) await response.arrayBuffer().catch(() => {});
  await close("skipped");
}

function parseUrl(text: string): URL {
  const url = new URL(text);
  url.hash = "";
  return url;
}
