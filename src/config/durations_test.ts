import { deepEqual, equal, throws } from "node:assert/strict";
import fc from "fast-check";
import { formatDuration, parseDuration } from "./durations.ts";

Deno.test("parseDuration() reads Go's and the human spelling", () => {
  const cases: Record<string, number> = {
    "30s": 30_000,
    "5m": 300_000,
    "1h30m": 5_400_000,
    "500ms": 500,
    "720h": 2_592_000_000,
    "1.5h": 5_400_000,
    "1h 30m": 5_400_000,
    "2 days 4h": 187_200_000,
    "1week": 604_800_000,
    "15 minutes": 900_000,
    "0s": 0,
    "0.1s": 100,
  };
  deepEqual(Object.fromEntries(Object.keys(cases).map((text) => [text, parseDuration(text)])), cases);
});

Deno.test("parseDuration() rounds up, so that a short wait does not become none", () => {
  equal(parseDuration("1ns"), 1);
  equal(parseDuration("1001us"), 2);
});

Deno.test("parseDuration() refuses numbers without a unit, signs, unknown units and empty text", () => {
  for (
    const text of [
      "30",
      "0",
      "",
      " ",
      "-5s",
      "s",
      "5 M",
      "5y",
      "1h30",
      "1h,30m",
      "∞s",
      "9".repeat(40) + "h",
      "1s".repeat(40),
    ]
  ) {
    throws(() => parseDuration(text), { code: "invalid_argument" }, text);
  }
});

Deno.test("parseDuration() reads back what formatDuration() writes", () => {
  fc.assert(fc.property(fc.integer({ min: 0, max: 10 ** 12 }), (ms) => equal(parseDuration(formatDuration(ms)), ms)));
});

Deno.test("parseDuration() of any text is a whole number that is not negative, or an error of ours", () => {
  const pieces = fc.constantFrom("1", "30", ".", "5.5", "s", "m", "ms", "h", " ", "-", "day", "x");
  fc.assert(fc.property(fc.oneof(fc.string(), fc.array(pieces).map((parts) => parts.join(""))), (text) => {
    let ms = 0;
    try {
      ms = parseDuration(text);
    } catch (error) {
      equal((error as { code?: string }).code, "invalid_argument");
    }
    equal(Number.isSafeInteger(ms) && ms >= 0, true);
  }));
});

Deno.test("formatDuration() leaves out parts that are zero", () => {
  deepEqual([0, 5_400_000, 60_000, 1500].map(formatDuration), ["0s", "1h30m", "1m", "1500ms"]);
});
