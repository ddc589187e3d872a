import { RESPONSE_HEADERS } from "../../http/dragonfly_headers.ts";
import { forwardedHeaders, returnedHeaders } from "../../http/forwarded_headers.ts";
import type { RequestInfo } from "../../http/serve.ts";
import type { DistributionPath } from "../../oci/distribution_path.ts";
import type { Clock } from "../../runtime/clock.ts";
import { relayedBody } from "../source/body.ts";
import type { Exchanger } from "../source/exchange.ts";
import type { SwarmRule } from "./swarm_rule.ts";

/** What a request is for. */
export interface Asked {
  readonly registry: URL;
  /** With the path as that registry knows it. */
  readonly url: URL;
  readonly path: DistributionPath;
  readonly rule: SwarmRule | undefined;
}

/** Asks the registry with the requester's own rights, and relays its answer. Throws what {@link Exchanger.send} throws. */
export async function passThrough(
  parts: { readonly exchanger: Exchanger; readonly clock: Clock },
  request: Request,
  { registry, url }: Asked,
  { remote: { hostname: remoteIp }, signal }: Pick<RequestInfo, "remote" | "signal">,
): Promise<Response> {
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
