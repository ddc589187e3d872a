import assert from "node:assert/strict";
import { VirtualClock } from "../../testing/virtual_clock.ts";
import { AccessLeases, type AccessSubject } from "./access_leases.ts";

const SUBJECT: AccessSubject = {
  rights: [["authorization", "Bearer a"]],
  url: "https://r/v2/x/y/blobs/sha256:1",
  isOfThisHost: true,
};

Deno.test("a lease is for one requester and one URL, and for a limited time", async () => {
  const clock = new VirtualClock();
  const leases = new AccessLeases(clock, 1_000);
  leases.grant(SUBJECT);
  assert.equal(leases.isLive(SUBJECT), true);
  const others: Partial<AccessSubject>[] = [
    ...[{ rights: [["authorization", "Bearer b"] as const] }, { rights: [] }],
    ...["https://s/v2/x/y/blobs/sha256:1", "https://r/v2/x/z/blobs/sha256:1"].map((url) => ({ url })),
    { isOfThisHost: false },
  ];
  for (const other of others) assert.equal(leases.isLive({ ...SUBJECT, ...other }), false);
  await clock.advance(1_000);
  assert.equal(leases.isLive(SUBJECT), false);
});

Deno.test("parts of a subject cannot be shifted into each other to forge a lease", () => {
  const leases = new AccessLeases(new VirtualClock(), 1_000);
  leases.grant({ ...SUBJECT, rights: [["a", "b"], ["c", "d"]] });
  assert.equal(leases.isLive({ ...SUBJECT, rights: [["a", 'b"],["c","d']] }), false);
});

Deno.test("the oldest lease goes when there are too many", () => {
  const leases = new AccessLeases(new VirtualClock(), 1_000);
  for (let i = 0; i <= 65_536; i++) leases.grant({ ...SUBJECT, url: `https://r/${i}` });
  assert.equal(leases.isLive({ ...SUBJECT, url: "https://r/0" }), false);
  assert.equal(leases.isLive({ ...SUBJECT, url: "https://r/65536" }), true);
});
