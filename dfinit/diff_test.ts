import assert from "node:assert/strict";
import fc from "fast-check";
import { unifiedDiff } from "./diff.ts";

/** Applies a diff the way `patch` does: hunk headers say where, unchanged and removed lines must be there. */
function patched(before: string, diff: string): string {
  const source = before.match(/[^\n]*\n|[^\n]+$/g) ?? [];
  const result: string[] = [];
  let at = 0;
  const lines = diff.replaceAll("\n\\ No newline at end of file\n", "\u0000").split(/(?<=[\n\0])/).slice(2);
  for (const line of lines) {
    const header = /^@@ -(\d+),(\d+) /.exec(line);
    const text = line.slice(1).replace("\u0000", "");
    if (header !== null) {
      const start = Number(header[1]) - (header[2] === "0" ? 0 : 1);
      result.push(...source.slice(at, start));
      at = start;
    } else if (line.startsWith("+")) {
      result.push(text);
    } else {
      assert.equal(source[at], text);
      if (line.startsWith(" ")) result.push(text);
      at++;
    }
  }
  return [...result, ...source.slice(at)].join("");
}

const texts = fc.array(fc.constantFrom("a\n", "b\n", "\n", "# c\n", "d = 1\n"), { maxLength: 40 })
  .chain((lines) => fc.constantFrom(lines.join(""), `${lines.join("")}last`));

Deno.test("applying the diff to the old text gives the new one", () => {
  fc.assert(
    fc.property(texts, texts, (before, after) => {
      if (before !== after) assert.equal(patched(before, unifiedDiff("f", before, after)), after);
    }),
    { numRuns: 500 },
  );
});

Deno.test("equal texts have no diff", () => {
  assert.equal(unifiedDiff("f", "a\n", "a\n"), "");
});

Deno.test("a change is shown with three lines around it", () => {
  const before = "1\n2\n3\n4\n5\n6\n7\n8\n9\n";
  assert.equal(
    unifiedDiff("/f", before, before.replace("5", "five")),
    "--- /f\n+++ /f\n@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-5\n+five\n 6\n 7\n 8\n",
  );
});
