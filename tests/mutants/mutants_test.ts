import assert from "node:assert/strict";
import { MUTANTS } from "./list.ts";
import { mutated } from "./mutant.ts";

const ROOT = new URL("../..", import.meta.url);

Deno.test("each mutant of the list can be made, and its tests are there", async () => {
  for (const mutant of MUTANTS) {
    const text = await Deno.readTextFile(new URL(mutant.file, ROOT));
    assert.notEqual(mutated(text, mutant), text, mutant.what);
    for (const test of mutant.tests) await Deno.stat(new URL(test, ROOT));
  }
});

Deno.test("a mutant whose text is not in its file, or is there twice, says so", () => {
  const mutant = { what: "nothing is safe", file: "a.ts", good: "safe", bad: "unsafe", tests: [] };
  assert.throws(() => mutated("all is well", mutant), /nothing is safe.*a\.ts has its text 0 times/);
  assert.throws(() => mutated("safe and safe", mutant), /2 times/);
  assert.equal(mutated("safe", { ...mutant, bad: "$&" }), "$&");
});
