import assert from "node:assert/strict";
import { type PullRecord, reportSummary, reportTable } from "./demo_report.ts";

const MIB = 1024 * 1024;
const record = (title: string, part: Partial<PullRecord>): PullRecord => ({
  ...{ title, ms: 10, backToSource: 0, remotePeer: 0, localPeer: 0, registryBytes: 0, registryRequests: 0 },
  ...part,
});
const good = [
  record("peer 1", { ms: 1520, remotePeer: 10 * MIB, registryBytes: 10 * MIB, registryRequests: 7 }),
  record("peer 2", { remotePeer: 10 * MIB, registryRequests: 4 }),
  record("peer 2 again", { localPeer: 10 * MIB, registryRequests: 3 }),
];

Deno.test("the table has a row for each pull and aligned columns", () => {
  const lines = reportTable(good).trimEnd().split("\n");
  assert.equal(lines.length, 4);
  assert.match(lines[1] ?? "", /^peer 1 +1\.52 s +0 +10\.0 MiB +0 +10\.0 MiB +7 requests$/);
  assert.equal(new Set(lines.slice(1).map((line) => line.length)).size, 1);
});

Deno.test("the summary tells what the registry was spared", () => {
  const text = reportSummary(good, 10 * MIB);
  assert.match(text, /3 pulls of an image of 10\.0 MiB cost the registry 10\.0 MiB \(1\.00 copies\) and 14 requests/);
  assert.match(text, /peer 2 got 100% of it from other peers, and all of it from its own disk the second time/);
});

Deno.test("the summary claims nothing that did not happen", () => {
  const bad = good.map((pull) => ({ ...pull, remotePeer: 0, localPeer: 0, registryBytes: 10 * MIB }));
  const text = reportSummary(bad, 10 * MIB);
  assert.match(text, /\(3\.00 copies\)/);
  assert.match(text, /got 0% of it from other peers\.\n$/);
});
