/// <reference lib="deno.ns" />
import assert from "node:assert/strict";
import { sourcesOf } from "../savings/sources.ts";
import { pathOfFinding, perSecond } from "./overview.ts";

Deno.test("each finding leads to where it is mended", () => {
  const cluster = { id: 7, name: "pond" };
  const at = (kind: Parameters<typeof pathOfFinding>[0]["kind"]) => pathOfFinding({ kind, cluster }, false);
  assert.deepEqual(
    [at("no_live_scheduler"), at("inactive_schedulers"), at("inactive_seed_peers"), at("version_skew")],
    [
      "/clusters/7/schedulers",
      "/clusters/7/schedulers",
      "/clusters/7/seed-peers",
      "/clusters/7/peers",
    ],
  );
  assert.equal(at("failed_preheats"), "/jobs/preheats?state=FAILURE");
});

Deno.test("root changes the known password itself, and others see whose it is", () => {
  const finding = { kind: "default_password", cluster: null } as const;
  assert.deepEqual([pathOfFinding(finding, true), pathOfFinding(finding, false)], ["/profile", "/users"]);
});

Deno.test("the bytes of a minute are told by the second, each source for itself", () => {
  const values = sourcesOf({ origin_bytes: 60, peer_bytes: 600, local_bytes: 6 });
  assert.deepEqual(perSecond(values), { origin: 1, peer: 10, local: 0.1 });
});
