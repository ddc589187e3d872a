import { DamselflyError, errorText, isCancelled } from "../../core/error.ts";
import type { HttpHandler, RequestInfo } from "../../http/serve.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { Log } from "../../runtime/log.ts";
import type { Metrics } from "../../runtime/metrics.ts";
import { failureResponse } from "./failure.ts";

/** What answers are counted and explained with. */
export interface AnsweringParts {
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
}

/** Answers a request, or throws; calls `viaTask` when the answer comes from a task. */
export type Serve = (request: Request, info: RequestInfo, viaTask: () => void) => Promise<Response>;

/** A service of port 4001: its requests are counted, and what it throws is answered and logged. */
export function answering({ log, metrics }: AnsweringParts, serve: Serve): HttpHandler {
  const total = metrics.counter("dragonfly_client_proxy_request_total", "Requests to the mirror and proxy");
  const viaTasks = metrics.counter("dragonfly_client_proxy_request_via_dfdaemon_total", "Requests served by tasks");
  const failures = metrics.counter("dragonfly_client_proxy_request_failure_total", "Requests that failed");
  return async function answer(request, info) {
    total.inc();
    try {
      return await serve(request, info, () => viaTasks.inc());
    } catch (error) {
      if (info.signal.aborted || isCancelled(error)) return new Response(null, { status: 503 });
      failures.inc();
      const isExpected = error instanceof DamselflyError && error.code === "source_error";
      const { host, pathname } = new URL(request.url);
      const what = { ...(info.isProxied === true && { host }), path: pathname, reason: errorText(error) };
      log[isExpected ? "info" : "warn"]("Request to the mirror or proxy failed", what);
      return failureResponse(error);
    }
  };
}
