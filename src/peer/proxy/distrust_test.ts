import assert from "node:assert/strict";
import { VirtualClock } from "../../testing/virtual_clock.ts";
import { Distrust, DISTRUST_MS } from "./distrust.ts";

Deno.test("distrust is of one program on one address, for one host, and for ten minutes", async () => {
  const clock = new VirtualClock();
  const distrust = new Distrust(clock);
  const docker = { ip: "127.0.0.1", agent: "docker/27" };
  const others = [{ ...docker, ip: "10.0.0.9" }, { ...docker, agent: "curl/8" }, { ...docker, agent: null }];
  distrust.add(docker, "reg.corp");
  assert.equal(distrust.has(docker, "reg.corp"), true);
  assert.equal(distrust.has(docker, "other.corp"), false);
  for (const other of others) assert.equal(distrust.has(other, "reg.corp"), false, JSON.stringify(other));
  await clock.advance(DISTRUST_MS);
  assert.equal(distrust.has(docker, "reg.corp"), false);
});

Deno.test("names that clients make up do not fill the memory", () => {
  const distrust = new Distrust(new VirtualClock());
  const long = (end: string) => ({ ip: "127.0.0.1", agent: "x".repeat(256) + end });
  distrust.add(long("1"), "reg.corp");
  assert.equal(distrust.has(long("2"), "reg.corp"), true, "of a name only so much is told apart");
  for (let n = 0; n < 1_000; n++) distrust.add({ ip: "127.0.0.1", agent: `${n}` }, "reg.corp");
  assert.equal(distrust.has(long("1"), "reg.corp"), false);
  assert.equal(distrust.has({ ip: "127.0.0.1", agent: "0" }, "reg.corp"), true);
});
