import assert from "node:assert/strict";
import { addIncludedFiles, isIncluded } from "./included_files.ts";

Deno.test("patterns name paths, what is below them, and wild cards stay where they should", () => {
  const cases: readonly [string, string[], string[]][] = [
    ["a.txt", ["a.txt"], ["b/a.txt", "aXtxt", "a.txt.bak"]],
    ["sub/", ["sub/a", "sub/deep/b"], ["sub", "other/sub/a"]],
    ["*.bin", ["a.bin", ".bin"], ["sub/a.bin", "a.bin2"]],
    ["**/*.bin", ["a.bin", "sub/a.bin", "sub/deep/a.bin"], ["a.txt"]],
    ["sub/**", ["sub/a", "sub/deep/b"], ["subs/a"]],
    ["f?.(1)+[x]", ["f0.(1)+[x]"], ["f/.(1)+[x]", "f0.1x"]],
  ];
  for (const [pattern, yes, no] of cases) {
    const wants = isIncluded([pattern]);
    for (const path of yes) assert.equal(wants(path), true, `${pattern} ${path}`);
    for (const path of no) assert.equal(wants(path), false, `${pattern} ${path}`);
  }
  assert.equal(isIncluded(undefined)("anything"), true);
  assert.equal(isIncluded(["a", "b"])("b"), true);
});

Deno.test("patterns that lead out of the directory are refused", () => {
  for (const text of ["", "/etc", "../a", "a/../../b", "x".repeat(501)]) {
    assert.throws(() => addIncludedFiles(text), /expected a path below/);
  }
  const many = Array.from({ length: 100 }, (_, index) => `${index}`);
  assert.throws(() => addIncludedFiles("one more", many), /at most 100/);
  assert.deepEqual(addIncludedFiles("a..b", ["x"]), ["x", "a..b"]);
});
