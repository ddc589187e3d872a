import assert from "node:assert/strict";
import { gunzipSync } from "node:zlib";
import { DamselflyError } from "../core/error.ts";
import { Profile } from "../rpc/gen/perftools/profiles/profile.ts";
import { realClock } from "../runtime/clock.ts";
import type { LogLevel } from "../runtime/log.ts";
import { type Profiler, realProfiler } from "../runtime/profiler.ts";
import { MemoryLog } from "../testing/memory_log.ts";
import { debugHandler } from "./debug_server.ts";

const NEVER = new AbortController().signal;

function serve(profiler: Profiler = realProfiler(realClock())) {
  let level: LogLevel = "info";
  const log = Object.assign(new MemoryLog(), {
    get level() {
      return level;
    },
    setLevel: (asked: LogLevel) => void (level = asked),
  });
  const handler = debugHandler({ profiler, log, clock: realClock() });
  const ask = async (path: string, init: RequestInit = {}, hostname = "127.0.0.1", host = "localhost") => {
    const request = new Request(`http://${host}${path}`, init);
    if (typeof init.body === "string") request.headers.set("content-length", String(init.body.length));
    return await handler(request, { remote: { hostname, port: 1 }, signal: NEVER });
  };
  return { ask, log, level: () => level };
}

/** Keeps the processor busy for a moment, so that there is something to be seen. */
function busy(kept: unknown[]): void {
  for (let number = 0; number < 20_000; number++) kept[number] = { number, text: `kept ${number}` };
}

/** Waits for something, and is busy meanwhile. */
async function meanwhile<T>(asked: Promise<T>): Promise<T> {
  const clock = realClock();
  const kept: unknown[] = [];
  let isDone = false;
  const done = () => void (isDone = true);
  asked.then(done, done);
  while (!isDone) {
    busy(kept);
    await clock.sleep(0, NEVER);
  }
  assert.equal(kept.length, 20_000);
  return await asked;
}

Deno.test("profiles of this process are in the format of pprof, or in that of Chromium's tools", async () => {
  const { ask } = serve();
  const asking = ask("/debug/pprof/profile?seconds=0.5");
  const cpu = Profile.decode(gunzipSync(await (await meanwhile(asking)).bytes()));
  assert.ok(cpu.sample.length > 0);
  assert.ok(["busy", "meanwhile"].some((name) => cpu.stringTable.includes(name)), cpu.stringTable.join());
  const v8 = await (await ask("/debug/pprof/profile?seconds=0.05&format=v8")).json();
  assert.deepEqual(Object.keys(v8).sort(), ["endTime", "nodes", "samples", "startTime", "timeDeltas"]);

  const looking = ask("/debug/pprof/heap?seconds=0.2");
  const heap = Profile.decode(gunzipSync(await (await meanwhile(looking)).bytes()));
  assert.ok(heap.sample.reduce((sum, { value }) => sum + (value[1] ?? 0), 0) > 100_000);
  assert.ok(["busy", "meanwhile"].some((name) => heap.stringTable.includes(name)), heap.stringTable.join());
  const v8Heap = await (await ask("/debug/pprof/heap?seconds=0.05&format=v8")).json();
  assert.ok("head" in v8Heap);
});

Deno.test("only programs of this machine are answered, one profile at a time, and for a limited time", async () => {
  const made = Promise.withResolvers<never>();
  const { ask, level } = serve({ cpu: () => made.promise, heap: () => made.promise });
  for (const path of ["/debug/pprof/heap", "/log/level"]) {
    assert.equal((await ask(path, {}, "10.0.0.7")).status, 403);
  }
  assert.equal((await ask("/log/level", { method: "PUT", body: "debug" }, "10.0.0.7")).status, 403);
  assert.equal(level(), "info");
  for (const seconds of ["0", "-1", "301", "x"]) {
    assert.equal((await ask(`/debug/pprof/profile?seconds=${seconds}`)).status, 400);
  }
  assert.equal((await ask("/debug/pprof/profile", { method: "POST" })).status, 405);
  assert.equal((await ask("/debug/pprof/goroutine")).status, 404);
  const first = ask("/debug/pprof/profile");
  assert.equal((await ask("/debug/pprof/heap")).status, 409);
  made.reject(new DamselflyError("permission_denied", "It needs --allow-sys"));
  assert.equal((await first).status, 501);
  assert.equal((await ask("/debug/pprof/heap")).status, 501, "the next one is asked for again");
});

Deno.test("the level of the log can be read and changed while the program runs", async () => {
  const { ask, log, level } = serve();
  assert.equal(await (await ask("/log/level")).text(), "info\n");
  assert.equal((await ask("/log/level", { method: "PUT", body: "debug\n" })).status, 200);
  assert.equal(level(), "debug");
  assert.deepEqual(log.lines.map(({ level }) => level), ["warn"]);
  for (const body of ["loud", "", "debug".padEnd(100)]) {
    assert.equal((await ask("/log/level", { method: "PUT", body })).status, 400);
  }
  assert.equal((await ask("/log/level", { method: "DELETE" })).status, 405);
  assert.equal(level(), "debug");
});

Deno.test("who asks by a name is not answered, though he is of this machine: the name may be of somebody's page", async () => {
  const { ask, level } = serve();
  for (const host of ["rebound.example:4004", "localhost.example", "127.0.0.1.example"]) {
    assert.equal((await ask("/log/level", { method: "PUT", body: "debug" }, "127.0.0.1", host)).status, 403, host);
  }
  assert.equal(level(), "info");
  for (const host of ["localhost:4004", "127.0.0.1:4004", "[::1]:4004", "10.0.0.7"]) {
    assert.equal((await ask("/log/level", {}, "127.0.0.1", host)).status, 200, host);
  }
});
