import assert from "node:assert/strict";
import { keys } from "./kind_keys.ts";

Deno.test("a key is compared by effect, spelling and default", () => {
  const place = { section: "dfdaemon.yaml", at: "dfdaemon" };
  const find = (name: string, theirs: unknown = null) => keys().find(place, name, theirs);
  assert.deepEqual(find("gc.interval", "900s"), { verdict: "yes" });
  assert.deepEqual(find("gc.interval", "901s"), { verdict: "differs", why: "default `15m`, `15m1s` in Dragonfly" });
  assert.deepEqual(find("gc.interval"), { verdict: "differs", why: "default `15m`, none in Dragonfly" });
  assert.deepEqual(find("gc.interval", "soon"), {
    ...{ verdict: "differs", why: "default `15m`; Dragonfly's `soon` is refused" },
  });
  assert.deepEqual(find("gc.policy.distThreshold", 0), {
    ...{ verdict: "differs", why: "read as `gc.policy.diskThreshold`, with a warning" },
  });
  assert.deepEqual(find("security.enable", false), { verdict: "no", why: "it has no effect in Dragonfly either" });
  assert.deepEqual(find("host.ip"), { verdict: "yes" });
  assert.deepEqual(find("host.nope"), { verdict: "no" });
  assert.deepEqual(keys().find({ section: "x", at: "x" }, "gc.interval", null), { verdict: "no" });
});

Deno.test("keys of ours alone are those with an effect that Dragonfly has not", () => {
  const place = { section: "dfdaemon.yaml", at: "dfdaemon" };
  const alone = keys().alone(place, ["gc.policy.distThreshold"]);
  assert.ok(alone.includes("proxy.accessLeaseTtl"));
  assert.ok(!alone.includes("gc.policy.diskThreshold"), "read by another spelling");
  assert.ok(!alone.includes("security.enable"), "without effect");
});
