import assert from "node:assert/strict";
import { DamselflyError } from "../../core/error.ts";
import { MemoryLog } from "../../testing/memory_log.ts";
import { VirtualClock } from "../../testing/virtual_clock.ts";
import type { CommandLimits, Redis } from "../../redis/redis.ts";
import { SharedScripts } from "./shared_scripts.ts";

function stage() {
  const clock = new VirtualClock();
  const log = new MemoryLog();
  const sent: { key: string; args: readonly string[]; limits: CommandLimits | undefined }[] = [];
  const server = { isAway: false, hangs: false };
  const redis: Redis = {
    place: "redis:6379/0",
    async send(key, args, limits) {
      sent.push({ key, args, limits });
      if (server.hangs) await clock.sleep(limits?.timeoutMs ?? 0, new AbortController().signal);
      if (server.isAway || server.hangs) throw new DamselflyError("unavailable", "it is away");
      return 7;
    },
  };
  return { clock, log, sent, server, scripts: new SharedScripts({ redis, clock, log }) };
}

Deno.test("a script is sent with its keys and arguments, and half a second to answer", async () => {
  const { scripts, sent } = stage();
  assert.equal(await scripts.run("return 7", ["{a}:1", "{a}:2"], ["x"]), 7);
  assert.deepEqual(sent, [{
    key: "{a}:1",
    args: ["EVAL", "return 7", "2", "{a}:1", "{a}:2", "x"],
    limits: { timeoutMs: 500 },
  }]);
});

Deno.test("a Redis that is away is asked each time, which costs nothing, and that is said once a minute", async () => {
  const { scripts, sent, server, clock, log } = stage();
  server.isAway = true;
  for (let second = 0; second < 60; second++) {
    assert.equal(await scripts.run("", ["a"], []), undefined);
    await clock.advance(1_000);
  }
  assert.deepEqual([sent.length, log.lines.length], [60, 1]);
  await scripts.run("", ["a"], []);
  assert.equal(log.lines.length, 2);
  server.isAway = false;
  assert.equal(await scripts.run("", ["a"], []), 7, "it is used as soon as it is back");
});

Deno.test("a Redis that hangs is left alone for a second, so that not each request waits for it", async () => {
  const { scripts, sent, server, clock } = stage();
  server.hangs = true;
  const first = scripts.run("", ["a"], []);
  await clock.advance(500);
  assert.equal(await first, undefined);
  for (let count = 0; count < 100; count++) assert.equal(await scripts.run("", ["a"], []), undefined);
  assert.equal(sent.length, 1);
  server.hangs = false;
  await clock.advance(1_000);
  assert.equal(await scripts.run("", ["a"], []), 7);
});
