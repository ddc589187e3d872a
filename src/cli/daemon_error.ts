import { DamselflyError, type ErrorCode, errorText } from "../core/error.ts";
import { EXIT as COMMON_EXIT } from "../runtime/main.ts";
import { formatMs } from "./format.ts";
import { printable } from "./table.ts";

/** How programs end that ask the dfdaemon of their host (node-side.md §5). */
export const EXIT = {
  ...COMMON_EXIT,
  daemonUnreachable: 3,
  originRefused: 4,
  originFailed: 5,
  digestMismatch: 6,
  timeout: 7,
} as const;

/** The exit code of each error; what the origin answered decides for its own. */
const EXIT_CODE: Partial<Record<ErrorCode, number>> = {
  unavailable: EXIT.daemonUnreachable,
  data_loss: EXIT.digestMismatch,
  timeout: EXIT.timeout,
};

/** The code with which a program ends that failed. */
export function exitCodeOf(error: unknown): number {
  if (!(error instanceof DamselflyError)) return EXIT.failed;
  if (error.code !== "source_error") return EXIT_CODE[error.code] ?? EXIT.failed;
  const status = statusOf(error);
  return status !== undefined && status >= 400 && status < 500 ? EXIT.originRefused : EXIT.originFailed;
}

/** What the origin answered, as dfdaemon tells it or as dfget was told itself. */
export function statusOf(error: DamselflyError): number | undefined {
  const { statusCode, status } = (error.details ?? {}) as { readonly statusCode?: number; readonly status?: number };
  return statusCode ?? status;
}

/** What dfdaemon is asked by, as an error tells it. */
interface Asking {
  readonly endpoint: string;
  readonly timeout: number;
}

/** What an error says to the user, on one line; servers and the names of their files have a part in it. */
export function failureText(error: unknown, asking: Asking): string {
  return printable(sentenceOf(error, asking));
}

/** What dfdaemon itself said is the `details` of its status. */
function sentenceOf(error: unknown, { endpoint, timeout }: Asking): string {
  if (!(error instanceof DamselflyError)) return errorText(error);
  const { details } = (error.cause ?? {}) as { details?: unknown };
  const said = typeof details === "string" && details !== "" ? details : error.message;
  if (error.code === "timeout") return `Cannot finish within ${formatMs(timeout)}: --timeout sets another limit`;
  if (error.code === "unimplemented" && details === "") {
    return `The dfdaemon at ${endpoint} does not know this call: it is Dragonfly's, or of another version`;
  }
  if (error.code !== "unavailable") return said;
  return `Cannot reach dfdaemon at ${endpoint}: ${said}; is it running? --endpoint names another socket`;
}
