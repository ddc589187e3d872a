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
  const server = { isAway: false };
  const redis: Redis = {
    place: "redis:6379/0",
    send(key, args, limits) {
      sent.push({ key, args, limits });
      return server.isAway ? Promise.reject(new DamselflyError("unavailable", "it is away")) : Promise.resolve(7);
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

Deno.test("a Redis that fails is left alone for a second, and that is said once a minute", async () => {
  const { scripts, sent, server, clock, log } = stage();
  server.isAway = true;
  for (let count = 0; count < 100; count++) assert.equal(await scripts.run("", ["a"], []), undefined);
  assert.equal(sent.length, 1);
  for (let second = 0; second < 59; second++) {
    await clock.advance(1_000);
    await scripts.run("", ["a"], []);
  }
  assert.deepEqual([sent.length, log.lines.length], [60, 1]);
  await clock.advance(1_000);
  await scripts.run("", ["a"], []);
  assert.equal(log.lines.length, 2);
  server.isAway = false;
  await clock.advance(1_000);
  assert.equal(await scripts.run("", ["a"], []), 7);
});
