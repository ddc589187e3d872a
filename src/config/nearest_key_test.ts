import { equal } from "node:assert/strict";
import fc from "fast-check";
import { editDistance, nearestKey } from "./nearest_key.ts";

Deno.test("nearestKey() finds the key behind a slip of the finger", () => {
  equal(nearestKey("servr", ["rules", "server", "prefetch"]), "server");
  equal(nearestKey("schedulerClusterId", ["schedulerClusterID", "hostname"]), "schedulerClusterID");
});

Deno.test("nearestKey() suggests nothing when nothing is close", () => {
  equal(nearestKey("zzz", ["server", "rules"]), undefined);
});

Deno.test("editDistance() is a distance", () => {
  const word = fc.string({ maxLength: 8 });
  fc.assert(fc.property(word, word, word, (a, b, c) => {
    equal(editDistance(a, a), 0);
    equal(editDistance(a, b), editDistance(b, a));
    equal(editDistance(a, c) <= editDistance(a, b) + editDistance(b, c), true);
  }));
  equal(editDistance("kitten", "sitting"), 3);
});
