import assert from "node:assert/strict";
import { Metadata, type ServiceError, status } from "@grpc/grpc-js";
import { DamselflyError, type ErrorCode, errorText } from "../core/error.ts";
import { errorOfStatus, statusOfError } from "./error_map.ts";
import { Backend } from "./gen/errordetails/v2/errordetails.ts";

function received(code: status, details: string, trailers: Record<string, Buffer> = {}): ServiceError {
  const metadata = new Metadata();
  for (const [name, value] of Object.entries(trailers)) metadata.set(name, value);
  return Object.assign(new Error(details), { code, details, metadata });
}

Deno.test("a code survives the way over gRPC", () => {
  const same: ErrorCode[] = [
    "invalid_argument",
    "not_found",
    "already_exists",
    "failed_precondition",
    "permission_denied",
    "unauthenticated",
    "resource_exhausted",
    "unavailable",
    "timeout",
    "data_loss",
    "internal",
    "unimplemented",
  ];
  for (const code of same) {
    const { code: grpcCode, details } = statusOfError(new DamselflyError(code, "Cannot do it: no"));
    assert.equal(errorOfStatus(received(grpcCode, details), "/s/M").code, code);
  }
});

Deno.test("a call that the other side cancelled is unavailable, for nobody here wanted its end", () => {
  assert.equal(errorOfStatus(received(status.CANCELLED, "reset"), "/s/M").code, "unavailable");
});

Deno.test("a server that cannot be reached is told without the words of the library", () => {
  const said = (note: string) => {
    const text =
      `No connection established. Last error: Error: connect ECONNREFUSED 10.0.0.1:8002. Resolution note: ${note}`;
    const failure = Object.assign(received(status.UNAVAILABLE, text), { message: `14 UNAVAILABLE: ${text}` });
    return errorText(errorOfStatus(failure, "/s/M"));
  };
  assert.equal(said(""), "Cannot call /s/M: connect ECONNREFUSED 10.0.0.1:8002");
  assert.equal(said("old answer"), "Cannot call /s/M: connect ECONNREFUSED 10.0.0.1:8002 (old answer)");
});

Deno.test("the origin's answer travels as JSON in the form of stock peers", () => {
  const details = Backend.create({ message: "no", header: { a: "b" } });
  const { code, trailers } = statusOfError(new DamselflyError("source_error", "Cannot fetch", { details }));
  assert.equal(code, status.INTERNAL);
  const json = new TextDecoder().decode(trailers["grpc-status-details-bin"]);
  assert.deepEqual(JSON.parse(json), { message: "no", header: { a: "b" }, status_code: null });
});

Deno.test("a stock peer's details become a source_error", () => {
  const json = Buffer.from('{"message":"gone","header":{"x":"y"},"status_code":410}');
  const error = errorOfStatus(received(status.INTERNAL, "m", { "grpc-status-details-bin": json }), "/s/M");
  assert.equal(error.code, "source_error");
  assert.deepEqual(error.details, { message: "gone", header: { x: "y" }, statusCode: 410 });
});

Deno.test("details that are not such JSON are ignored", () => {
  for (const text of ["\x08\x0d\x12\x01x", "null", "[]", '{"message":1}']) {
    const trailers = { "grpc-status-details-bin": Buffer.from(text) };
    assert.equal(errorOfStatus(received(status.INTERNAL, "m", trailers), "/s/M").code, "internal");
  }
});

Deno.test("an error that is not ours keeps its text to itself", () => {
  assert.equal(statusOfError(new TypeError("x is undefined")).details, "Internal error");
});
