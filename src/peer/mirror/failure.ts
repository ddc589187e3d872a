import { DamselflyError, type ErrorCode, errorText } from "../../core/error.ts";
import { RESPONSE_HEADERS } from "../../http/dragonfly_headers.ts";
import { registryError, type RegistryErrorCode } from "../../oci/registry_error.ts";
import { sourceAnswerOf } from "../source/source_failure.ts";

/** Who is to blame: the registry, the request, or this peer. Goes out as `X-Dragonfly-Error-Type` (node-side.md §3.8). */
export type ErrorType = "backend" | "proxy" | "dfdaemon";

interface Answer {
  readonly status: number;
  readonly code: RegistryErrorCode;
  readonly type: ErrorType;
}

/** When who was one too many may come again. */
const BUSY_RETRY_S = "1";
const BUSY: Answer = { status: 503, code: "UNKNOWN", type: "dfdaemon" };

/**
 * One row an error code. A container runtime moves on to its next host at once for 4xx, 502 and 503, so that nothing of
 * ours can fail a pull which would work without us (node-side.md §2.4).
 */
const ANSWERS: Record<ErrorCode, Answer> = {
  invalid_argument: { status: 400, code: "NAME_INVALID", type: "proxy" },
  not_found: BUSY,
  already_exists: BUSY,
  failed_precondition: BUSY,
  permission_denied: { status: 403, code: "DENIED", type: "proxy" },
  unauthenticated: BUSY,
  resource_exhausted: BUSY,
  unavailable: BUSY,
  timeout: { status: 504, code: "UNKNOWN", type: "dfdaemon" },
  cancelled: BUSY,
  data_loss: BUSY,
  internal: BUSY,
  unimplemented: { status: 405, code: "UNSUPPORTED", type: "proxy" },
  no_space: BUSY,
  source_error: { status: 502, code: "UNKNOWN", type: "backend" },
};

/** Answers that say something of the requester or the content, not of the source's health. */
export const RELAYED_REFUSALS: ReadonlySet<number> = new Set([401, 403, 404]);

/** The refusal of a content as the stock proxy passes it on: status and headers, a challenge among them, and no text. */
export async function refusalWithoutBody(answer: Response): Promise<Response> {
  if (answer.status < 400) return answer;
  await answer.body?.cancel();
  const headers = new Headers(answer.headers);
  for (const name of ["content-length", "content-encoding", "content-type"]) headers.delete(name);
  headers.set(RESPONSE_HEADERS.errorType, "backend");
  return new Response(null, { status: answer.status, headers });
}

/** The answer to a request that failed before its first byte. A registry's own refusal goes back as it came. */
export function failureResponse(error: unknown): Response {
  const origin = sourceAnswerOf(error);
  if (origin?.status !== undefined && origin.status >= 400) {
    const headers = new Headers({ ...origin.headers });
    headers.set(RESPONSE_HEADERS.errorType, "backend");
    return new Response(origin.body, { status: origin.status, headers });
  }
  const errorCode = error instanceof DamselflyError ? error.code : "internal";
  const { status, code, type } = ANSWERS[errorCode];
  const message = error instanceof DamselflyError ? messageOf(error) : "Cannot serve the request: internal error";
  const pause = errorCode === "resource_exhausted" ? { "retry-after": BUSY_RETRY_S } : {};
  return registryError(status, code, message, { [RESPONSE_HEADERS.errorType]: type, ...pause });
}

/** What the source's trouble is belongs to the requester, who has to mend it; no secret is in that cause. */
function messageOf(error: DamselflyError): string {
  return error.code === "source_error" ? errorText(error) : error.message;
}
