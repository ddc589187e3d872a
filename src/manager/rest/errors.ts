import type { Context } from "hono";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import { DamselflyError, type ErrorCode } from "../../core/error.ts";
import type { Log } from "../../runtime/log.ts";

/** The HTTP status of each code. Stock managers answer 500 where we know better (manager-rest.md §0). */
const HTTP_STATUS: Record<ErrorCode, ContentfulStatusCode> = {
  invalid_argument: 422,
  not_found: 404,
  already_exists: 409,
  failed_precondition: 409,
  permission_denied: 403,
  unauthenticated: 401,
  resource_exhausted: 429,
  unavailable: 503,
  timeout: 408,
  cancelled: 499 as ContentfulStatusCode,
  data_loss: 500,
  internal: 500,
  unimplemented: 501,
  no_space: 413,
  source_error: 502,
};

/** Why a request is refused for want of a session; the text is that of stock managers. */
export function unauthorized(): DamselflyError {
  return new DamselflyError("unauthenticated", "Unauthorized");
}

/** Too many attempts; `details` is the time after which to try again. */
export function tooManyAttempts(retryAfterMs: number): DamselflyError {
  return new DamselflyError("resource_exhausted", "Too many attempts: try again later", {
    details: { retryAfterMs },
  });
}

/** A row that must be there. Fails with `not_found`. */
export function existing<T>(row: T | undefined, what: string, id: number | string): T {
  if (row !== undefined) return row;
  throw new DamselflyError("not_found", `Cannot find ${what} ${id}: it does not exist`);
}

/** Answers with an error, in the bodies of manager-rest.md §0. An unexpected one is logged and keeps its text. */
export function errorResponse(c: Context, error: unknown, { log, realm }: { log: Log; realm: string }): Response {
  if (!(error instanceof DamselflyError)) {
    log.error("A REST handler failed", { method: c.req.method, path: c.req.path, error });
    return c.json({ message: "Internal error" }, 500);
  }
  if (error.code === "data_loss") log.error("The database cannot be read", { path: c.req.path, error });
  if (error.code === "invalid_argument") return c.json({ errors: error.message }, HTTP_STATUS[error.code]);
  if (error.code === "unauthenticated") c.header("www-authenticate", `JWT realm=${realm}`);
  if (error.code === "resource_exhausted") {
    const { retryAfterMs = 0 } = (error.details ?? {}) as { retryAfterMs?: number };
    c.header("retry-after", String(Math.max(1, Math.ceil(retryAfterMs / 1000))));
  }
  return c.json({ message: error.message }, HTTP_STATUS[error.code]);
}
