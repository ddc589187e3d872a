import assert from "node:assert/strict";
import { MemoryLog } from "../testing/memory_log.ts";
import { BlobIds } from "./blob_ids.ts";

const HEX = "ab".repeat(32);
const URL = `https://r.example/v2/app/blobs/sha256:${HEX}`;

function warningsAfter(...wanted: readonly (readonly [taskId: string, url: string])[]): number {
  const log = new MemoryLog();
  const ids = new BlobIds(log);
  for (const [taskId, url] of wanted) ids.wanted(taskId, url, "host");
  return log.lines.filter(({ level, message }) => level === "warn" && /enableTaskIDBasedBlobDigest/.test(message))
    .length;
}

Deno.test("peers that name blobs in two ways are told of once, whoever comes first", () => {
  const [byDigest, byUrl] = [[HEX, URL], ["cd".repeat(32), URL]] as const;
  assert.equal(warningsAfter(byDigest, byUrl, byDigest, byUrl), 1);
  assert.equal(warningsAfter(byUrl, byDigest), 1);
});

Deno.test("peers that agree are not told of, and what is no blob says nothing about them", () => {
  const other = "https://r.example/files/a";
  assert.equal(warningsAfter([HEX, URL], ["cd".repeat(32), other], [HEX, URL]), 0);
  assert.equal(warningsAfter(["cd".repeat(32), URL], ["ef".repeat(32), URL.replace("app", "other")]), 0);
});
