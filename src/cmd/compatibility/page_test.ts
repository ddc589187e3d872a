import assert from "node:assert/strict";
import { pageText } from "./page.ts";

const SURFACE = { title: "YAML keys, all", about: "About keys.", sections: {} };

function pageOf(section: Partial<Parameters<typeof pageText>[2][number]["sections"][number]>): string[] {
  const sections = [{ name: "a.yaml", about: undefined, judgements: [], ours: [], ...section }];
  return pageText("Intro.", [], [{ kind: "keys", surface: SURFACE, sections }]).split("\n");
}

Deno.test("things of which the same is said share a row; yes comes first and no last", () => {
  const lines = pageOf({
    judgements: [
      { name: "n1", verdict: "no", why: "Not yet." },
      { name: "y1", verdict: "yes", why: "" },
      { name: "n2", verdict: "no", why: "Not yet." },
      { name: "n3", verdict: "no", why: "Never." },
      { name: "d", verdict: "differs", why: "a | b" },
      { name: "y2", verdict: "yes", why: "" },
    ],
  });
  const rows = lines.slice(lines.indexOf("### a.yaml")).filter((line) => line.startsWith("| ")).slice(2);
  assert.deepEqual(rows, [
    "| yes | `y1`, `y2` |  |",
    "| differs | `d` | a \\| b |",
    "| no | `n1`, `n2` | Not yet. |",
    "| no | `n3` | Never. |",
  ]);
});

Deno.test("the summary counts the verdicts and links to the kind", () => {
  const judgements = (["yes", "yes", "no"] as const).map((verdict, index) => ({ name: `${index}`, verdict, why: "" }));
  assert.ok(pageOf({ judgements }).includes("| [YAML keys, all](#yaml-keys-all) | 2 | 0 | 1 |"));
});

Deno.test("what Damselfly has alone stands below its table", () => {
  assert.ok(pageOf({ ours: ["x", "y"] }).includes("Damselfly alone: `x`, `y`."));
});
