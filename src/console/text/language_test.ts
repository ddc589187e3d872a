/// <reference lib="deno.ns" />
import assert from "node:assert/strict";
import { firstLanguage } from "./language.ts";

Deno.test("the language is the one that was chosen, else the browser's first that there is, else English", () => {
  assert.equal(firstLanguage("zh", ["en-US"]), "zh");
  assert.equal(firstLanguage(undefined, ["fr-FR", "zh-Hant-TW", "en"]), "zh");
  assert.equal(firstLanguage("toString", ["EN-gb", "zh"]), "en");
  assert.equal(firstLanguage(undefined, ["fr"]), "en");
});
