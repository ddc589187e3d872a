import assert from "node:assert/strict";
import { formatFields, formatTable } from "./table.ts";

const ROWS = [
  { "ID": "1", "NAME": "a", "WHAT": "x".repeat(40) },
  { "ID": "22", "NAME": "longer name", "WHAT": "short" },
];

Deno.test("columns are as wide as what stands in them", () => {
  assert.equal(
    formatTable([{ "ID": "1", "NAME": "a" }, { "ID": "22", "NAME": "" }]),
    "ID   NAME\n1    a\n22\n",
  );
  assert.equal(formatFields({ "ID": "1", "LONG NAME": "a" }), "ID          1\nLONG NAME   a\n");
});

Deno.test("a table fits the terminal as far as it can, and the widest cells pay for it", () => {
  assert.equal(
    formatTable(ROWS, 40),
    [
      "ID   NAME          WHAT",
      `1    a             ${"x".repeat(20)}…`,
      "22   longer name   short",
      "",
    ].join("\n"),
  );
  for (const columns of [30, 40, 58, 59, 60, 200]) {
    const lines = formatTable(ROWS, columns).trimEnd().split("\n");
    assert.ok(lines.every((line) => line.length <= columns), `${columns}: ${lines.join("\n")}`);
  }
  const narrow = formatTable(ROWS, 5).split("\n");
  assert.ok(narrow.every((line) => line.length === 0 || /^(ID|1|22) /.test(line)), "no column vanishes");
  assert.equal(formatTable(ROWS, 59), formatTable(ROWS), "what fits is not cut");
});

Deno.test("what would steer a terminal is not printed", () => {
  assert.equal(formatTable([{ "NAME": "a\x1b[2Jb\u202e\n" }]), "NAME\na?[2Jb??\n");
  assert.equal(formatFields({ "NAME": "\x07" }), "NAME   ?\n");
});
