import assert from "node:assert/strict";
import { DamselflyError } from "./error.ts";
import { parsePattern } from "./pattern.ts";

Deno.test("parsePattern() matches anywhere, and understands Go's flag for case", () => {
  assert.equal(parsePattern("^node-[0-9]+").test("node-7.rack"), true);
  assert.equal(parsePattern("rack").test("node-7.rack"), true);
  assert.equal(parsePattern("^rack").test("node-7.rack"), false);
  assert.equal(parsePattern("(?i)^NODE").test("node-7"), true);
});

Deno.test("parsePattern() refuses what RE2 refuses, and names it", () => {
  for (const bad of ["(", "a{2,1}", "(?=x)", "x".repeat(2000)]) {
    assert.throws(
      () => parsePattern(bad),
      (error: unknown) => error instanceof DamselflyError && error.code === "invalid_argument",
    );
  }
  assert.throws(() => parsePattern("("), /"\("/);
});

Deno.test("a pattern that runs for hours elsewhere is answered here", () => {
  assert.equal(parsePattern("^(a+)+$").test(`${"a".repeat(200)}!`), false);
});

Deno.test("a pattern that is mere text finds what the same pattern in brackets finds", () => {
  const subjects = ["node-7.rack", "xnode-7.rack", "node-7xrack", "NODE-7.rack", "", "node 7/rack:1"];
  for (const text of ["^node-7", "node-7", "7\\.rack", "^node-7\\.rack", "7.rack", "7/rack:1", "^^node", "^"]) {
    const bracketed = parsePattern(`(?:${text})`);
    for (const subject of subjects) {
      assert.equal(parsePattern(text).test(subject), bracketed.test(subject), `${text} in ${subject}`);
    }
  }
});
