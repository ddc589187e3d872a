import assert from "node:assert/strict";
import { VirtualClock } from "../../testing/virtual_clock.ts";
import { AccessLeases, type AccessSubject } from "./access_leases.ts";

const SUBJECT: AccessSubject = {
  rights: [["authorization", "Bearer a"]],
  registry: "https://r",
  repository: "x/y",
  digest: "sha256:1",
};

Deno.test("a lease is for one requester, registry, repository and blob, and for a limited time", async () => {
  const clock = new VirtualClock();
  const leases = new AccessLeases(clock, 1_000);
  leases.grant(SUBJECT);
  assert.equal(leases.isLive(SUBJECT), true);
  const others: Partial<AccessSubject>[] = [
    ...[{ rights: [["authorization", "Bearer b"] as const] }, { rights: [] }, { registry: "https://s" }],
    ...[{ repository: "x/z" }, { digest: "sha256:2" }],
  ];
  for (const other of others) assert.equal(leases.isLive({ ...SUBJECT, ...other }), false);
  await clock.advance(1_000);
  assert.equal(leases.isLive(SUBJECT), false);
});

Deno.test("parts of a subject cannot be shifted into each other to forge a lease", () => {
  const leases = new AccessLeases(new VirtualClock(), 1_000);
  leases.grant({ ...SUBJECT, registry: "https://r", repository: "x/y" });
  assert.equal(leases.isLive({ ...SUBJECT, registry: "https://r/x", repository: "y" }), false);
});

Deno.test("the oldest lease goes when there are too many", () => {
  const leases = new AccessLeases(new VirtualClock(), 1_000);
  for (let i = 0; i <= 65_536; i++) leases.grant({ ...SUBJECT, repository: `r${i}` });
  assert.equal(leases.isLive({ ...SUBJECT, repository: "r0" }), false);
  assert.equal(leases.isLive({ ...SUBJECT, repository: "r65536" }), true);
});
