import { Hono, type MiddlewareHandler } from "hono";
import { routePath } from "hono/route";
import type { Clock } from "../../runtime/clock.ts";
import type { Metrics } from "../../runtime/metrics.ts";
import { clusterRoutes } from "./clusters.ts";
import type { RestEnv, RestOptions } from "./context.ts";
import { errorResponse } from "./errors.ts";
import { requireSession, signInRoutes } from "./sign_in.ts";

const DURATION_BUCKETS_SECONDS = [0.005, 0.025, 0.1, 0.5, 1, 5, 10];
const METHODS = new Set(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]);

/**
 * The REST API as a function of a request, `app.fetch(request, { remote })` (manager-rest.md §0, §1). All of `/api`
 * but signing in needs a session. Unlike stock managers it sends no CORS headers, which would open it to all
 * sites, and answers an unknown path with 404 and not with a redirect.
 */
export function createRestApp(options: RestOptions): Hono<RestEnv> {
  const app = new Hono<RestEnv>();
  app.use(countRequests(options.metrics, options.clock));
  app.get("/healthy", (c) => c.json("OK"));
  app.use("/api/*", noStore);
  app.route("/api/v1/users", signInRoutes(options));
  app.use("/api/*", requireSession(options));
  app.route("/api/v1/clusters", clusterRoutes(options));
  app.notFound((c) => c.json({ message: "Not found" }, 404));
  app.onError((error, c) => errorResponse(c, error, options));
  return app;
}

/** Answers hold tokens and what only an administrator may see. */
const noStore: MiddlewareHandler<RestEnv> = async function noStore(c, next) {
  await next();
  c.header("cache-control", "no-store");
};

/** Counts requests by route; the path itself would make a series of each id. */
function countRequests(metrics: Metrics, clock: Clock): MiddlewareHandler<RestEnv> {
  const labels = ["code", "method", "url"];
  const total = metrics.counter("manager_requests_total", "Requests to the REST API.", labels);
  const duration = metrics.histogram(
    "manager_request_duration_seconds",
    "Time from a request to the REST API to its answer.",
    DURATION_BUCKETS_SECONDS,
    labels,
  );
  return async function countRequest(c, next) {
    const startedAtMs = clock.now();
    await next();
    const method = METHODS.has(c.req.method) ? c.req.method : "other";
    const series = { code: c.res.status, method, url: routePath(c, -1) };
    total.inc(series);
    duration.observe(series, (clock.now() - startedAtMs) / 1000);
  };
}
