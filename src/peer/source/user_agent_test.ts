import assert from "node:assert/strict";
import { VERSION } from "../../core/version.ts";
import { swarmUserAgent } from "./user_agent.ts";

const OWN = `damselfly/${VERSION}`;

Deno.test("the swarm's requests tell their version, the role of the host, and who asked for the content", () => {
  assert.equal(swarmUserAgent("seed peer", "containerd/v2.1.0"), `${OWN} (seed peer; containerd/v2.1.0)`);
  assert.equal(swarmUserAgent("peer", undefined), `${OWN} (peer)`);
  assert.equal(swarmUserAgent("peer", " "), `${OWN} (peer)`);
});

Deno.test("a requester's name stays inside of the comment, and is not longer than 256 characters", () => {
  assert.equal(swarmUserAgent("peer", "docker/1 (linux) \\"), `${OWN} (peer; docker/1 \\(linux\\) \\\\)`);
  assert.equal(swarmUserAgent("peer", ")evil/1"), `${OWN} (peer; \\)evil/1)`);
  assert.equal(swarmUserAgent("peer", "x".repeat(10_000)).length, `${OWN} (peer; )`.length + 256);
});
