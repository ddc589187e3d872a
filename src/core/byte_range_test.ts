import assert from "node:assert/strict";
import fc from "fast-check";
import { contentRangeHeader, parseContentRange, rangeHeader, resolveRange } from "./byte_range.ts";

Deno.test("resolveRange() understands the three forms of RFC 9110", () => {
  assert.deepEqual(resolveRange("bytes=0-0", 10), { kind: "part", range: { start: 0, end: 1 } });
  assert.deepEqual(resolveRange("bytes=4-", 10), { kind: "part", range: { start: 4, end: 10 } });
  assert.deepEqual(resolveRange("bytes=-3", 10), { kind: "part", range: { start: 7, end: 10 } });
  assert.deepEqual(resolveRange("bytes=5-99", 10), { kind: "part", range: { start: 5, end: 10 } });
  assert.deepEqual(resolveRange("bytes=-99", 10), { kind: "part", range: { start: 0, end: 10 } });
});

Deno.test("resolveRange() finds a range past the end unsatisfiable", () => {
  for (const header of ["bytes=10-", "bytes=10-12", "bytes=-0"]) {
    assert.deepEqual(resolveRange(header, 10), { kind: "unsatisfiable" });
  }
  assert.deepEqual(resolveRange("bytes=0-", 0), { kind: "unsatisfiable" });
});

Deno.test("resolveRange() ignores what it does not understand", () => {
  for (
    const header of [null, undefined, "", "bytes=", "bytes=-", "bytes=5-4", "items=0-1", "bytes=0-1,3-4", "bytes=a-b"]
  ) {
    assert.deepEqual(resolveRange(header, 10), { kind: "whole" });
  }
});

Deno.test("resolveRange() never leaves the content, whatever the header", () => {
  fc.assert(fc.property(fc.string(), fc.nat(1000), (text, length) => {
    const request = resolveRange(`bytes=${text}`, length);
    if (request.kind !== "part") return;
    assert.ok(0 <= request.range.start && request.range.start < request.range.end && request.range.end <= length);
  }));
});

Deno.test("a range survives the way through both headers", () => {
  fc.assert(fc.property(fc.nat(1000), fc.integer({ min: 1, max: 1000 }), fc.nat(1000), (start, length, rest) => {
    const range = { start, end: start + length };
    const total = range.end + rest;
    assert.deepEqual(resolveRange(rangeHeader(range), total), { kind: "part", range });
    assert.deepEqual(parseContentRange(contentRangeHeader(range, total)), { range, total });
  }));
});

Deno.test("parseContentRange() refuses a header that contradicts itself", () => {
  for (const header of [null, "bytes 5-4/10", "bytes 0-10/10", "bytes */10", "0-1/2"]) {
    assert.equal(parseContentRange(header), undefined);
  }
  assert.deepEqual(parseContentRange("bytes 0-1/*"), { range: { start: 0, end: 2 }, total: undefined });
});
