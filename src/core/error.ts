/** The causes a caller may tell apart. Each edge (gRPC, HTTP, CLI) maps them in one table of its own. */
export type ErrorCode =
  | "invalid_argument"
  | "not_found"
  | "already_exists"
  | "failed_precondition"
  | "permission_denied"
  | "unauthenticated"
  | "resource_exhausted"
  | "unavailable"
  | "timeout"
  | "cancelled"
  | "data_loss"
  | "internal"
  | "unimplemented"
  | "no_space"
  | "source_error";

/** Options of {@link DamselflyError}: the cause for the log, and details that a caller may act on. */
export interface DamselflyErrorOptions {
  readonly cause?: unknown;
  readonly details?: unknown;
}

/** The one error class of the project: a code to act on, a sentence to read, the cause for the log. */
export class DamselflyError extends Error {
  override readonly name = "DamselflyError";
  readonly code: ErrorCode;
  readonly details: unknown;

  constructor(code: ErrorCode, message: string, options: DamselflyErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.details = options.details;
  }
}

/** Whether `error` says that somebody no longer wants the result; such an error is never logged as a failure. */
export function isCancelled(error: unknown): boolean {
  if (error instanceof DamselflyError) return error.code === "cancelled";
  return error instanceof Error && error.name === "AbortError";
}

/** The text of anything caught, with the causes behind it as far as it does not quote them, on one line. */
export function errorText(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause === undefined ? error.message : withCause(error.message, errorText(error.cause));
}

/** A message may quote its cause: whole, without the status that grpc-js puts before it, or by its system code alone. */
function withCause(message: string, cause: string): string {
  if (message.includes(cause.replace(/^\d+ [A-Z_]+: /, ""))) return message;
  const [code = ""] = /^E[A-Z0-9]+: /.exec(cause) ?? [];
  const quotes = code !== "" && message.endsWith(`: ${code.slice(0, -2)}`);
  return quotes ? `${message}: ${cause.slice(code.length)}` : `${message}: ${cause}`;
}

/** Turns anything caught into a {@link DamselflyError}; one that already is passes through unchanged. */
export function toDamselflyError(error: unknown, code: ErrorCode, message: string): DamselflyError {
  if (error instanceof DamselflyError) return error;
  if (isCancelled(error)) return new DamselflyError("cancelled", message, { cause: error });
  return new DamselflyError(code, `${message}: ${errorText(error)}`, { cause: error });
}
