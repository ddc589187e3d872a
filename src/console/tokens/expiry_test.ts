/// <reference lib="deno.ns" />
import assert from "node:assert/strict";
import { expiryTime } from "./expiry.ts";

const NOW_MS = Date.UTC(2026, 0, 31, 12);

Deno.test("a token lasts as many days as were chosen, ten years for never, or until a day has ended", () => {
  assert.equal(expiryTime("7", "", NOW_MS), "2026-02-07T12:00:00.000Z");
  assert.equal(expiryTime("never", "", NOW_MS), "2036-01-29T12:00:00.000Z");
  assert.equal(expiryTime("custom", "2026-03-01", NOW_MS), "2026-03-01T23:59:59.000Z");
});
