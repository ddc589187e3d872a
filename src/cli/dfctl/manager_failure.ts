import * as z from "zod";
import { DamselflyError, type ErrorCode, errorText, isCancelled } from "../../core/error.ts";

const STATUS_CODES: Readonly<Record<number, ErrorCode>> = {
  401: "unauthenticated",
  403: "permission_denied",
  404: "not_found",
  409: "failed_precondition",
  413: "resource_exhausted",
  422: "invalid_argument",
  429: "resource_exhausted",
  501: "unimplemented",
};
const TEXT_CHARACTERS_MAX = 500;
/** What a manager says to somebody who is signed in, and may not. */
const NO_RIGHT = "permission deny";

const Body = z.object({ message: z.string().optional(), errors: z.string().optional() });

/** What a refused request looked like. */
export interface Refused {
  readonly url: string;
  readonly status: number;
  readonly text: string;
  /** Seconds, of a `Retry-After`. */
  readonly retryAfter: string | null;
}

/** The error of an answer that is no success: what the manager says, and what to do (manager-rest.md §0). */
export function refusal({ url, status, text, retryAfter }: Refused): DamselflyError {
  const said = saidIn(text);
  const details = { status };
  if (status === 401 && said !== NO_RIGHT) {
    const message = `Not signed in at ${url}, or not any more: run dfctl login ${url}`;
    return new DamselflyError("unauthenticated", message, { details });
  }
  if (status === 401) {
    const message = "Your roles do not allow this: somebody with the role root can give you one that does";
    return new DamselflyError("permission_denied", message, { details });
  }
  const code = STATUS_CODES[status] ?? "internal";
  const again = status === 429 && retryAfter !== null ? `; try again in ${retryAfter} s` : "";
  const message = said === "" ? `The manager at ${url} answers HTTP ${status}` : said;
  return new DamselflyError(code, `${message}${again}`, { details });
}

/** The texts of manager-rest.md §0, or the body itself. */
function saidIn(text: string): string {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return text.trim().slice(0, TEXT_CHARACTERS_MAX);
  }
  const { message, errors } = Body.safeParse(json).data ?? {};
  return (message ?? errors ?? "").slice(0, TEXT_CHARACTERS_MAX);
}

/** The error of a request that got no answer. */
export function unreachable(url: string, error: unknown): unknown {
  if (error instanceof DamselflyError || isCancelled(error)) return error;
  const text = errorText(error);
  const isTls = /certificate|UnknownIssuer|tls/i.test(text);
  const mend = isTls ? "dfctl login --ca names the PEM file of its authority" : "is it running?";
  return new DamselflyError("unavailable", `Cannot reach the manager at ${url}: ${text}; ${mend}`, { cause: error });
}
