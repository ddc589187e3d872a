import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { status } from "@grpc/grpc-js";
import fc from "fast-check";
import { percentEncoded, timeoutMs, trailersOf, trailersOnly } from "./call_headers.ts";
import { HeaderDecoder } from "./http2/header_decoder.ts";

function headersOf(block: Uint8Array) {
  return new HeaderDecoder().decode(Buffer.from(block), 1e6).headers;
}

Deno.test("a message is in ASCII on its way, and the same afterwards", () => {
  fc.assert(fc.property(fc.string({ unit: "grapheme", maxLength: 40 }), (text) => {
    const encoded = percentEncoded(text);
    assert.match(encoded, /^[\x20-\x7e]*$/);
    assert.equal(decodeURIComponent(encoded), text);
  }));
  assert.equal(percentEncoded("a 100% ü\n"), "a 100%25 %C3%BC%0A");
});

Deno.test("an answer ends with its code, a message if there is one, and what goes with it", () => {
  const trailers = { "grpc-status-details-bin": new Uint8Array([1, 2, 255]) };
  const end = { code: status.NOT_FOUND, details: "no ü", trailers };
  const headers = [["grpc-status", "5"], ["grpc-message", "no %C3%BC"], ["grpc-status-details-bin", "AQL/"]];
  assert.deepEqual(headersOf(trailersOf(end)), headers);
  assert.deepEqual(headersOf(trailersOnly(end)), [
    [":status", "200"],
    ["content-type", "application/grpc"],
    ["grpc-accept-encoding", "identity,gzip,deflate"],
    ...headers,
  ]);
  assert.deepEqual(headersOf(trailersOf({ code: status.OK, details: "", trailers: {} })), [["grpc-status", "0"]]);
});

Deno.test("a caller's time has a unit", () => {
  const times = { "1H": 3_600_000, "2M": 120_000, "10S": 10_000, "50m": 50, "10000000u": 10_000, "2000000n": 2 };
  for (const [text, ms] of Object.entries(times)) assert.equal(timeoutMs(text), ms, text);
  for (const text of ["", "10", "S", "-1S", "1.5S", "1s", "123456789S"]) assert.equal(timeoutMs(text), undefined, text);
});
