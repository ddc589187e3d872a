import assert from "node:assert/strict";
import * as fc from "fast-check";
import { formatTraceparent, parseTraceparent } from "./trace_context.ts";

const TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
const SPAN = "00f067aa0ba902b7";

Deno.test("a traceparent is read as the specification has it", () => {
  const context = { traceId: TRACE, spanId: SPAN, isSampled: true };
  assert.deepEqual(parseTraceparent(`00-${TRACE}-${SPAN}-01`), context);
  assert.deepEqual(parseTraceparent(`00-${TRACE}-${SPAN}-00`), { ...context, isSampled: false });
  assert.deepEqual(parseTraceparent(`00-${TRACE}-${SPAN}-03`), context);
  assert.deepEqual(parseTraceparent(`cc-${TRACE}-${SPAN}-01-what-the-future-will-be-like`), context);
});

Deno.test("what is no traceparent counts as none", () => {
  const texts = [
    ...[undefined, null, "", "00", `00-${TRACE}-${SPAN}`, `00-${TRACE}-${SPAN}-01-more`, `ff-${TRACE}-${SPAN}-01`],
    ...[`00-${TRACE.toUpperCase()}-${SPAN}-01`, `00-${"0".repeat(32)}-${SPAN}-01`, `00-${TRACE}-${"0".repeat(16)}-01`],
  ];
  for (const text of texts) assert.equal(parseTraceparent(text), undefined, String(text));
});

Deno.test("a context is read as it was written", () => {
  const hex = (length: number) =>
    fc.uint8Array({ minLength: length, maxLength: length }).filter((bytes) => bytes.some((byte) => byte > 0))
      .map((bytes) => bytes.toHex());
  fc.assert(fc.property(hex(16), hex(8), fc.boolean(), (traceId, spanId, isSampled) => {
    const context = { traceId, spanId, isSampled };
    assert.deepEqual(parseTraceparent(formatTraceparent(context)), context);
  }));
});
