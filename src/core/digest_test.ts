import assert from "node:assert/strict";
import { crc32 } from "node:zlib";
import { parseDigest, pieceDigest, tryParseDigest } from "./digest.ts";

Deno.test("parseDigest() takes the canonical forms and nothing else", () => {
  const hex = "0123456789abcdef".repeat(4);
  assert.deepEqual(parseDigest(`sha256:${hex}`), { algorithm: "sha256", hex, text: `sha256:${hex}` });
  assert.equal(parseDigest(`sha512:${hex}${hex}`).algorithm, "sha512");
  for (
    const bad of ["", hex, `sha256:${hex}0`, `sha256:${hex.toUpperCase()}`, `sha512:${hex}`, `md5:${hex}`, `../${hex}`]
  ) {
    assert.equal(tryParseDigest(bad), undefined);
    assert.throws(() => parseDigest(bad), /Cannot parse digest/);
  }
});

Deno.test("pieceDigest() is decimal, as the wire vectors say", () => {
  assert.equal(pieceDigest(crc32("hello world")), "crc32:222957957");
  assert.equal(pieceDigest(crc32("")), "crc32:0");
  assert.equal(pieceDigest(-1), "crc32:4294967295");
});
