import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { FINDINGS, found, type Outcome, well, worst } from "./finding.ts";

const HERE = import.meta.dirname ?? "";
const TOP = join(HERE, "../..");

function textOf(folder: string, isWanted: (name: string) => boolean): string {
  return readdirSync(folder).filter(isWanted).map((name) => readFileSync(join(folder, name), "utf8")).join("");
}

Deno.test("docs/doctor.md has every finding, with its level, and no other", () => {
  const page = readFileSync(join(TOP, "docs/doctor.md"), "utf8");
  const rows = [...page.matchAll(/^\| `(doctor\.[\w.]+)` *\| (\w+) /gm)].map(([, id, level]) => [id, level]);
  assert.deepEqual(Object.fromEntries(rows), { ...FINDINGS });
  assert.equal(rows.length, Object.keys(FINDINGS).length);
});

Deno.test("every finding can come about, and is tried", () => {
  const code = textOf(HERE, (name) => !name.startsWith("finding") && !name.endsWith("_test.ts"));
  const tests = textOf(HERE, (name) => name.endsWith("_test.ts")) +
    textOf(join(TOP, "tests/cluster"), (name) => ["doctor_test.ts", "broken_setups.ts"].includes(name));
  const missing = (text: string) => Object.keys(FINDINGS).filter((id) => !text.includes(`"${id}"`));
  assert.deepEqual({ code: missing(code), tests: missing(tests) }, { code: [], tests: [] });
});

Deno.test("the worst of what was found decides", () => {
  const [fine, info] = [well("doctor.disk", "/", "is fine"), found("doctor.manager.none", "it", "is not set")];
  const [warn, fail] = [found("doctor.disk.low", "/", "is low"), found("doctor.disk.full", "/", "is full")];
  const levels = ([] as Outcome[][]).concat([[]], [[fine]], [[info, fine]], [[fine, warn, info]], [[warn, fail, warn]]);
  assert.deepEqual(levels.map(worst), ["ok", "ok", "info", "warn", "fail"]);
});
