import assert from "node:assert/strict";
import fc from "fast-check";
import { durationOfMs, msOfDuration, timestampOfMs } from "./time.ts";

const anyMs = fc.integer({ min: -(2 ** 45), max: 2 ** 45 });

Deno.test("milliseconds survive the way through both messages", () => {
  fc.assert(fc.property(anyMs, (ms) => {
    assert.equal(msOfDuration(durationOfMs(ms)), ms);
    const { seconds, nanos } = timestampOfMs(ms);
    assert.equal(seconds * 1000 + nanos / 1e6, ms);
  }));
});

Deno.test("parts have the signs that protobuf allows", () => {
  fc.assert(fc.property(anyMs, (ms) => {
    const { seconds, nanos } = durationOfMs(ms);
    assert.ok(seconds * nanos >= 0 && Math.abs(nanos) < 1e9);
    assert.ok(timestampOfMs(ms).nanos >= 0 && timestampOfMs(ms).nanos < 1e9);
  }));
});

Deno.test("a fraction of a millisecond becomes nanoseconds", () => {
  assert.deepEqual(durationOfMs(1500.25), { seconds: 1, nanos: 500_250_000 });
  assert.deepEqual(timestampOfMs(-1), { seconds: -1, nanos: 999_000_000 });
});
