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
  if (said === undefined) {
    const words = text.trim().slice(0, TEXT_CHARACTERS_MAX);
    const message = `${url} answers HTTP ${status}, and not as a manager does: "${words}"; is it its REST address?`;
    return new DamselflyError(code, message, { details });
  }
  const message = said === "" ? `The manager at ${url} answers HTTP ${status}` : said;
  if (status !== 429 || retryAfter === null) return new DamselflyError(code, message, { details });
  const again = `try again in ${retryAfter} s`;
  return new DamselflyError(code, `${message.replace(/[:;] try again later$/, "")}; ${again}`, { details });
}

/** The texts of manager-rest.md §0, "" where there are none; undefined for a body that no manager sends. */
function saidIn(text: string): string | undefined {
  if (text.trim() === "") return "";
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return undefined;
  }
  const { message, errors } = Body.safeParse(json).data ?? {};
  return (message ?? errors ?? "").slice(0, TEXT_CHARACTERS_MAX);
}

/** The error of a request that got no answer. */
export function unreachable(url: string, error: unknown): unknown {
  if (error instanceof DamselflyError || isCancelled(error)) return error;
  const text = errorText(error);
  const message = `Cannot reach the manager at ${url}: ${text}; ${wayOut(url, text)}`;
  return new DamselflyError("unavailable", message, { cause: error });
}

function wayOut(url: string, text: string): string {
  if (url.startsWith("https:") && /InvalidContentType/.test(text)) return "it speaks plain HTTP: ask it at http://";
  if (/certificate|UnknownIssuer|tls/i.test(text)) return "dfctl login --ca names the PEM file of its authority";
  return "is it running?";
}
