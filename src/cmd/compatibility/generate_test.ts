import assert from "node:assert/strict";
import { generateCompatibility } from "./generate.ts";

Deno.test("docs/compatibility.md says what the code does", async () => {
  for (const [path, text] of await generateCompatibility()) assert.equal(Deno.readTextFileSync(path), text);
});
