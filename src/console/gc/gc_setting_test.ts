/// <reference lib="deno.ns" />
import assert from "node:assert/strict";
import { gcValue, inUnit, parseGcValue } from "./gc_setting.ts";

Deno.test("the setting is read and written in the manager's nanoseconds", () => {
  const text = '{"audit":{"ttl":604800000000000},"job":{"ttl":3600000000000}}';
  assert.deepEqual(parseGcValue(text), { audit: 604_800, job: 3_600 });
  assert.equal(gcValue(parseGcValue(text)), text);
  assert.deepEqual(parseGcValue("{}"), { audit: 0, job: 0 });
});

Deno.test("a time is shown in the longest unit that it is a whole number of", () => {
  assert.deepEqual(inUnit(604_800), { count: 7, unit: "days" });
  assert.deepEqual(inUnit(90_000), { count: 25, unit: "hours" });
  assert.deepEqual(inUnit(61), { count: 61, unit: "seconds" });
  assert.deepEqual(inUnit(0), { count: 0, unit: "days" });
});
