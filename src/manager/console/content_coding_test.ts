import assert from "node:assert/strict";
import { chooseCoding } from "./content_coding.ts";

Deno.test("the smallest coding that a client takes is sent", () => {
  assert.equal(chooseCoding("gzip, deflate, br, zstd"), "br");
  assert.equal(chooseCoding("gzip"), "gzip");
  assert.equal(chooseCoding("*"), "br");
  assert.equal(chooseCoding("GZIP;q=0.8"), "gzip");
});

Deno.test("what a client likes better is sent, and what it refuses is not", () => {
  assert.equal(chooseCoding("br;q=0.1, gzip;q=0.9"), "gzip");
  assert.equal(chooseCoding("br;q=0, gzip"), "gzip");
  assert.equal(chooseCoding("*;q=0.5, br;q=0"), "gzip");
  assert.equal(chooseCoding("identity, br;q=0.5"), "identity");
});

Deno.test("plain bytes are sent where nothing else is known to be taken", () => {
  for (const header of [undefined, "", "zstd", "br;q=nonsense", "gzip;q=7", "identity;q=0"]) {
    assert.equal(chooseCoding(header), "identity", `${header}`);
  }
});
