import { equal } from "node:assert/strict";
import { blockedBy, NOTHING_BLOCKED } from "./block_list.ts";
import { parsePattern } from "./pattern.ts";

const DOWNLOAD = { url: "https://r.example/v2/a/blobs/sha256:00", application: "web", tag: "v1", priority: 3 };

Deno.test("a download is refused by its application, tag, priority or URL, and the entry is named", () => {
  equal(blockedBy(NOTHING_BLOCKED, DOWNLOAD), undefined);
  equal(blockedBy({ ...NOTHING_BLOCKED, applications: new Set(["web"]) }, DOWNLOAD), 'application "web"');
  equal(blockedBy({ ...NOTHING_BLOCKED, tags: new Set(["v1"]) }, DOWNLOAD), 'tag "v1"');
  equal(blockedBy({ ...NOTHING_BLOCKED, priorities: new Set([3]) }, DOWNLOAD), "priority 3");
  const urls = [parsePattern("^http://"), parsePattern("/v2/a/")];
  equal(blockedBy({ ...NOTHING_BLOCKED, urls }, DOWNLOAD), 'URL pattern "/v2/a/"');
});

Deno.test("what a download does not say is never refused", () => {
  const list = { ...NOTHING_BLOCKED, applications: new Set([""]), tags: new Set([""]), priorities: new Set([0]) };
  equal(blockedBy(list, { url: "https://r.example/x", priority: 6 }), undefined);
});
