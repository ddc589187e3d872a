/// <reference lib="deno.ns" />
import assert from "node:assert/strict";
import { contentName, giversOf, type Pull, spanOf, sumOf, wordOf } from "./pull.ts";

Deno.test("a content is called by the beginning of its digest, or by its URL", () => {
  assert.equal(contentName({ digest: `sha256:${"ab".repeat(32)}`, url: "u" }), "sha256:abababababab");
  assert.equal(contentName({ digest: null, url: "https://files.corp/a" }), "https://files.corp/a");
});

Deno.test("bytes of pulls add up, and a host that gave to two of them is one", () => {
  const parent = (host_id: string, bytes: number) => ({ host_id, bytes }) as Pull["parents"][number];
  const pulls = [
    { peer_bytes: 5, parents: [parent("a", 5), parent("idle", 0)] },
    { peer_bytes: 7, parents: [parent("a", 3), parent("b", 4)] },
  ] as Pull[];
  assert.deepEqual([sumOf(pulls, "peer_bytes"), giversOf(pulls)], [12, 2]);
});

Deno.test("a wait lies where it was within the pull, and what came before it is at its beginning", () => {
  assert.deepEqual(spanOf({ at_ms: 750, ms: 500 }, { duration_ms: 1_000 }), { start: 25, end: 75 });
  assert.deepEqual(spanOf({ at_ms: 100, ms: 500 }, { duration_ms: 1_000 }), { start: 0, end: 10 });
  assert.deepEqual(spanOf({ at_ms: 5, ms: 0 }, { duration_ms: 0 }), { start: 100, end: 100 });
});

Deno.test("a cause has its word, and one that this console does not know yet is shown as it is called", () => {
  const words = { slow_disk: "Slow disk" };
  assert.deepEqual(["slow_disk", "slow_moon", "toString"].map((key) => wordOf(words, key)), [
    ...["Slow disk", "slow_moon", "toString"],
  ]);
});
