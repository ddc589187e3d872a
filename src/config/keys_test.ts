import assert from "node:assert/strict";
import * as z from "zod";
import { flag, int, list, section, text } from "./fields.ts";
import { canonicalPath, keysOf } from "./keys.ts";

const SCHEMA = z.strictObject({
  top: flag().default(true).describe("At the top."),
  table: section({
    size: int(1).optional().meta({ aliases: ["length"] }),
    rows: list(z.strictObject({ name: text() })).default([]),
  }, "A table.").meta({ aliases: ["tabel"], ignored: "it is old" }),
});

Deno.test("keysOf() lists every key with a value, and a table's reason holds for all that is in it", () => {
  const keys = keysOf(SCHEMA).map(({ path, defaultText, isRequired, ignored }) => {
    return [path, defaultText, isRequired, ignored];
  });
  assert.deepEqual(keys, [
    ["top", "true", false, undefined],
    ["table.size", "", false, "it is old"],
    ["table.rows", "[]", false, "it is old"],
    ["table.rows[].name", "", true, "it is old"],
  ]);
});

Deno.test("canonicalPath() replaces other spellings on the way", () => {
  assert.equal(canonicalPath(SCHEMA, "tabel.length"), "table.size");
  assert.equal(canonicalPath(SCHEMA, "tabel.rows[].name"), "table.rows[].name");
  assert.equal(canonicalPath(SCHEMA, "table"), "table");
  for (const path of ["none", "table.none", "top[]", "top.size", "table.rows[].none", "table.rows.name"]) {
    assert.equal(canonicalPath(SCHEMA, path), undefined, path);
  }
});
