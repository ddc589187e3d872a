import { type Metrics, METRICS_CONTENT_TYPE } from "../runtime/metrics.ts";
import type { HttpHandler } from "./serve.ts";

/** `GET /metrics`: everything counted so far, in the Prometheus text format; `measure` takes stock of the rest first. */
export function metricsHandler(metrics: Metrics, measure: () => Promise<void> = async () => {}): HttpHandler {
  return async function serveMetrics(request) {
    if (new URL(request.url).pathname !== "/metrics") return new Response(null, { status: 404 });
    if (request.method !== "GET") return new Response(null, { status: 405, headers: { allow: "GET" } });
    await measure();
    return new Response(await metrics.expose(), { headers: { "content-type": METRICS_CONTENT_TYPE } });
  };
}

/** `GET /healthy`: 200 while `isHealthy`, else 503. */
export function healthHandler(isHealthy: () => boolean): HttpHandler {
  return function serveHealth(request) {
    if (new URL(request.url).pathname !== "/healthy") return new Response(null, { status: 404 });
    return new Response(null, { status: isHealthy() ? 200 : 503 });
  };
}
