/** The one place where errors of the project become gRPC statuses, and back. */
import { type Metadata, type ServiceError, status } from "@grpc/grpc-js";
import { DamselflyError, type ErrorCode } from "../core/error.ts";
import type { Backend } from "./gen/errordetails/v2/errordetails.ts";

/** The trailer that carries details of a status. */
const DETAILS_TRAILER = "grpc-status-details-bin";

/** The gRPC code of each of our codes. */
const GRPC_CODE: Record<ErrorCode, status> = {
  invalid_argument: status.INVALID_ARGUMENT,
  not_found: status.NOT_FOUND,
  already_exists: status.ALREADY_EXISTS,
  failed_precondition: status.FAILED_PRECONDITION,
  permission_denied: status.PERMISSION_DENIED,
  unauthenticated: status.UNAUTHENTICATED,
  resource_exhausted: status.RESOURCE_EXHAUSTED,
  unavailable: status.UNAVAILABLE,
  timeout: status.DEADLINE_EXCEEDED,
  cancelled: status.CANCELLED,
  data_loss: status.DATA_LOSS,
  internal: status.INTERNAL,
  unimplemented: status.UNIMPLEMENTED,
  no_space: status.RESOURCE_EXHAUSTED,
  source_error: status.INTERNAL,
};

/** Our code for each gRPC code, as a status that the other side chose: what we cancel ourselves never comes here. */
const ERROR_CODE: Record<status, ErrorCode> = {
  [status.OK]: "internal",
  [status.CANCELLED]: "unavailable",
  [status.UNKNOWN]: "internal",
  [status.INVALID_ARGUMENT]: "invalid_argument",
  [status.DEADLINE_EXCEEDED]: "timeout",
  [status.NOT_FOUND]: "not_found",
  [status.ALREADY_EXISTS]: "already_exists",
  [status.PERMISSION_DENIED]: "permission_denied",
  [status.RESOURCE_EXHAUSTED]: "resource_exhausted",
  [status.FAILED_PRECONDITION]: "failed_precondition",
  [status.ABORTED]: "failed_precondition",
  [status.OUT_OF_RANGE]: "invalid_argument",
  [status.UNIMPLEMENTED]: "unimplemented",
  [status.INTERNAL]: "internal",
  [status.UNAVAILABLE]: "unavailable",
  [status.DATA_LOSS]: "data_loss",
  [status.UNAUTHENTICATED]: "unauthenticated",
};

/** The end of a call. */
export interface CallStatus {
  readonly code: status;
  readonly details: string;
  /** What goes with it, by names that end in `-bin`. */
  readonly trailers: Readonly<Record<string, Uint8Array>>;
}

/**
 * The status of a failed call. A `source_error` carries what the origin said, a {@link Backend} in its `details`, as
 * the JSON that stock peers send (wire.md §0 fact 10). An unexpected error keeps its text to itself.
 */
export function statusOfError(error: unknown): CallStatus {
  if (!(error instanceof DamselflyError)) return { code: status.INTERNAL, details: "Internal error", trailers: {} };
  const trailers = error.code === "source_error" && isBackend(error.details)
    ? { [DETAILS_TRAILER]: new TextEncoder().encode(JSON.stringify(jsonOfBackend(error.details))) }
    : {};
  return { code: GRPC_CODE[error.code], details: error.message, trailers };
}

/** What grpc-js says, as INTERNAL, when a stream or its connection broke; no server wrote it. */
const BROKEN_STREAM = /^Received RST_STREAM with code/;

/** The error of a call that ended with another status than OK; `call` says which call, for the message. */
export function errorOfStatus(failure: ServiceError, call: string): DamselflyError {
  const cause = inPlainWords(failure);
  const backend = backendOfTrailers(cause.metadata);
  return new DamselflyError(codeOfStatus(cause, backend), `Cannot call ${call}: ${cause.details}`, {
    cause,
    details: backend,
  });
}

/** What grpc-js puts around an error of the network. */
const NO_CONNECTION = /No connection established\. Last error: (?:Error: )?(.*)\. Resolution note: (.*)$/;

/** A failure without the library's own words, in its `details` and its message alike, so that each quotes the other. */
function inPlainWords(failure: ServiceError): ServiceError {
  const plain = (text: string) => {
    return text.replace(NO_CONNECTION, (_, error, note) => note === "" ? error : `${error} (${note})`);
  };
  failure.details = plain(failure.details);
  failure.message = plain(failure.message);
  return failure;
}

function codeOfStatus({ code, details }: ServiceError, backend: Backend | undefined): ErrorCode {
  if (code === status.INTERNAL && backend !== undefined) return "source_error";
  if (code === status.INTERNAL && BROKEN_STREAM.test(details)) return "unavailable";
  return ERROR_CODE[code] ?? "internal";
}

function isBackend(details: unknown): details is Backend {
  return typeof details === "object" && details !== null && "message" in details && "header" in details;
}

function jsonOfBackend({ message, header, statusCode }: Backend): Record<string, unknown> {
  return { message, header, status_code: statusCode ?? null };
}

function backendOfTrailers(trailers: Metadata | undefined): Backend | undefined {
  const [bytes] = trailers?.get(DETAILS_TRAILER) ?? [];
  if (!(bytes instanceof Uint8Array)) return undefined;
  try {
    return backendOfJson(JSON.parse(new TextDecoder().decode(bytes)));
  } catch {
    return undefined; // another server's details: protobuf, most likely
  }
}

function backendOfJson(json: unknown): Backend | undefined {
  if (typeof json !== "object" || json === null) return undefined;
  const { message, header, status_code: statusCode } = json as Record<string, unknown>;
  if (typeof message !== "string") return undefined;
  const backend: Backend = { message, header: {} };
  if (typeof header === "object" && header !== null) {
    for (const [name, value] of Object.entries(header)) backend.header[name] = String(value);
  }
  if (typeof statusCode === "number") backend.statusCode = statusCode;
  return backend;
}
