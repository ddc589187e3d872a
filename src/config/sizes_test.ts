import { deepEqual, equal, throws } from "node:assert/strict";
import fc from "fast-check";
import { formatSize, parseSize } from "./sizes.ts";

Deno.test("parseSize() reads decimal and binary units in any case of letters", () => {
  const cases: Record<string, number> = {
    "50GB": 50e9,
    "8MiB": 8 * 1024 ** 2,
    "64mib": 64 * 1024 ** 2,
    "1Gi": 1024 ** 3,
    "512k": 512_000,
    "1.5 KiB": 1536,
    "1048576": 1048576,
    "10b": 10,
    "0": 0,
  };
  deepEqual(Object.fromEntries(Object.keys(cases).map((text) => [text, parseSize(text)])), cases);
});

Deno.test("parseSize() refuses what is not a size", () => {
  for (const text of ["", "GB", "-1GB", "1 XB", "5ib", "1GBps", "1e9", "99999999PB", "0x10"]) {
    throws(() => parseSize(text), { code: "invalid_argument" }, text);
  }
});

Deno.test("parseSize() reads back what formatSize() writes", () => {
  const bytes = fc.oneof(
    fc.nat(),
    fc.nat({ max: 1000 }).map((n) => n * 1024 ** 3),
    fc.nat({ max: 1000 }).map((n) => n * 1e9),
  );
  fc.assert(fc.property(bytes, (count) => equal(parseSize(formatSize(count)), count)));
});
