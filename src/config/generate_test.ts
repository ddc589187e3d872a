import { equal } from "node:assert/strict";
import { generateConfigDocs } from "./generate.ts";

for (const [path, text] of generateConfigDocs()) {
  Deno.test(`${path} is what the schema says`, () => {
    equal(Deno.readTextFileSync(new URL(`../../${path}`, import.meta.url)), text);
  });
}
