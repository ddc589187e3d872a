import { Hono, type MiddlewareHandler } from "hono";
import { routePath } from "hono/route";
import { DefaultPassword } from "../default_password.ts";
import type { Clock } from "../../runtime/clock.ts";
import { type Metrics, METRICS_CONTENT_TYPE } from "../../runtime/metrics.ts";
import { DamselflyError } from "../../core/error.ts";
import { serveConsole } from "../console/console_routes.ts";
import type { ConsoleFiles } from "../console/console_pack.ts";
import { Gate } from "./access.ts";
import type { AuditLog } from "./audit_log.ts";
import type { RestEnv, RestOptions } from "./context.ts";
import { errorResponse } from "./errors.ts";
import { answering } from "./mount.ts";
import { openApiDocument } from "./openapi.ts";
import { type Route, route } from "./route.ts";
import { apiRoutes } from "./routes.ts";
import { SWAGGER_PAGE } from "./swagger_page.ts";

const DURATION_BUCKETS_SECONDS = [0.005, 0.025, 0.1, 0.5, 1, 5, 10];
const SIZE_BUCKETS_BYTES = [100, 1_000, 10_000, 100_000, 1_000_000];
const METHODS = new Set(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]);
/** The page's own script and style, and nothing of other sites. */
const PAGE_POLICY = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; connect-src 'self'";

/**
 * The REST API as a function of a request, `app.fetch(request, { remote, signal })` (manager-rest.md §0, §1). What needs
 * neither session nor token is `/healthy`, `/metrics`, `/swagger` and the routes whose access is public. Unlike stock
 * managers it sends no CORS headers, which would open it to all sites, and answers an unknown path with 404 and not with
 * a redirect. What is left over is the console's: its files and pages; without `console` it says how to build it.
 */
export function createRestApp(
  options: RestOptions & { readonly audits: AuditLog; readonly console?: ConsoleFiles | undefined },
): Hono<RestEnv> {
  const { metrics, clock } = options;
  const app = new Hono<RestEnv>();
  app.use(countRequests(metrics, clock));
  app.get("/healthy", (c) => c.json("OK"));
  app.get("/metrics", async (c) => c.body(await metrics.expose(), 200, { "content-type": METRICS_CONTENT_TYPE }));
  for (const path of ["/api/*", "/oapi/*"]) app.use(path, noStore);

  const routes = apiRoutes(options);
  const gate = new Gate(options, new DefaultPassword(options.scrypt));
  for (const each of routes) app.on(each.method, each.path, answering(each, { ...options, gate }));

  // Made when somebody asks: it takes a tenth of a second, which a start does not have to wait for.
  let document: ReturnType<typeof openApiDocument> | undefined;
  app.get("/swagger/doc.json", (c) => c.json(document ??= openApiDocument(routes)));
  app.get("/swagger/index.html", (c) => c.html(SWAGGER_PAGE, 200, { "content-security-policy": PAGE_POLICY }));
  app.get("/swagger", (c) => c.redirect("/swagger/index.html"));
  // Whoever is not signed in does not learn which paths there are.
  for (const path of ["/api", "/api/*", "/oapi", "/oapi/*"]) {
    app.all(path, answering(nothingAt(path), { ...options, gate }));
  }
  serveConsole(app, options.console);
  app.notFound((c) => c.json({ message: "Not found" }, 404));
  app.onError((error, c) => errorResponse(c, error, options));
  return app;
}

function nothingAt(path: string): Route {
  return route({ method: "GET", path, access: { kind: "session" }, summary: "Nothing" }, () => {
    return Promise.reject(new DamselflyError("not_found", "Not found"));
  });
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
  const sizes = (of: string) => {
    const help = `Bytes of the bodies of ${of}.`;
    return metrics.histogram(`manager_${of}_size_bytes`, help, SIZE_BUCKETS_BYTES, labels);
  };
  const [requestSizes, responseSizes] = [sizes("request"), sizes("response")];
  return async function countRequest(c, next) {
    const startedAtMs = clock.now();
    const requestBytes = Number(c.req.header("content-length") ?? 0);
    await next();
    const method = METHODS.has(c.req.method) ? c.req.method : "other";
    const series = { code: c.res.status, method, url: c.get("route") ?? routePath(c, -1) };
    total.inc(series);
    duration.observe(series, (clock.now() - startedAtMs) / 1000);
    requestSizes.observe(series, requestBytes);
    const { body } = c.res;
    if (body === null) return responseSizes.observe(series, 0);
    c.res = new Response(counted(body, (bytes) => responseSizes.observe(series, bytes)), c.res);
  };
}

/** The same bytes; their number is told at their end. */
function counted(body: ReadableStream<Uint8Array>, tell: (bytes: number) => void): ReadableStream<Uint8Array> {
  let bytes = 0;
  return body.pipeThrough(
    new TransformStream<Uint8Array, Uint8Array>({
      transform(chunk, controller) {
        bytes += chunk.length;
        controller.enqueue(chunk);
      },
      flush: () => tell(bytes),
    }),
  );
}
