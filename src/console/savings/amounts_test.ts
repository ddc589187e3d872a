/// <reference lib="deno.ns" />
import assert from "node:assert/strict";
import { costOf, hitRatioOf } from "./amounts.ts";

const NOTHING = { origin_bytes: 0, peer_bytes: 0, local_bytes: 0, served_bytes: 0, saved_bytes: 0, pulls: 0 };

Deno.test("the hit ratio is the part that registries did not send, never below nothing, and unknown without pulls", () => {
  assert.equal(hitRatioOf({ ...NOTHING, served_bytes: 8, saved_bytes: 6 }), 0.75);
  assert.equal(hitRatioOf({ ...NOTHING, served_bytes: 8, saved_bytes: -6 }), 0);
  assert.equal(hitRatioOf({ ...NOTHING, saved_bytes: -6 }), undefined);
});

Deno.test("bytes cost by the thousand million", () => {
  assert.equal(costOf(2_500_000_000, { per_gb: 0.1, currency: "EUR" }), 0.25);
});
