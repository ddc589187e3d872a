import assert from "node:assert/strict";
import { settle, VirtualClock } from "../../testing/virtual_clock.ts";
import { type BandwidthLimit, limitBandwidth, UNLIMITED } from "./bandwidth_limit.ts";

const KIB = 1024;
const never = new AbortController().signal;

/** Passes blocks one after the other for ever; `bytes` counts them. */
function flow(limit: BandwidthLimit, name: string, blockBytes: number, signal: AbortSignal) {
  const counted = { bytes: 0, ended: Promise.resolve() };
  counted.ended = (async () => {
    while (!signal.aborted) {
      await limit.pass(name, blockBytes, signal);
      counted.bytes += blockBytes;
    }
  })().catch(() => {});
  return counted;
}

/** The same for what takes as much as it gets. */
function taker(limit: BandwidthLimit, name: string, wanted: number, signal: AbortSignal) {
  const counted = { bytes: 0, ended: Promise.resolve() };
  counted.ended = (async () => {
    while (!signal.aborted) counted.bytes += await limit.take(name, wanted, signal);
  })().catch(() => {});
  return counted;
}

Deno.test("in a second the bytes of a second pass, and what was not used for a moment", async () => {
  for (const bytesPerSecond of [1e6, 50e6, 1e9]) {
    const clock = new VirtualClock();
    const stop = new AbortController();
    const one = flow(limitBandwidth(bytesPerSecond, clock), "task", 64 * KIB, stop.signal);
    await clock.advance(1_000);
    const share = one.bytes / bytesPerSecond;
    assert(share > 0.9 && share <= 1.15, `${share} of ${bytesPerSecond}`);
    stop.abort();
    await one.ended;
    assert.equal(clock.pendingTimers, 0);
  }
});

Deno.test("flows share in turns, however many wait of each and however large their blocks are", async () => {
  const clock = new VirtualClock();
  const limit = limitBandwidth(10e6, clock);
  const stop = new AbortController();
  const many = Array.from({ length: 8 }, () => flow(limit, "eight", 256 * KIB, stop.signal));
  const [single, small] = [flow(limit, "one", 1024 * KIB, stop.signal), flow(limit, "small", 64 * KIB, stop.signal)];
  await clock.advance(3_000);
  const eight = many.reduce((all, { bytes }) => all + bytes, 0);
  for (const bytes of [eight, single.bytes, small.bytes]) {
    assert(Math.abs(bytes / 10e6 - 1) < 0.15, `${eight}, ${single.bytes}, ${small.bytes}`);
  }
  // Within a flow who came first is served first.
  for (const { bytes } of many) assert(Math.abs(bytes / (eight / 8) - 1) < 0.2, `${bytes} of ${eight}`);
  stop.abort();
  await Promise.all([...many, single, small].map(({ ended }) => ended));
});

Deno.test("who takes what there is gets turns like the others", async () => {
  const clock = new VirtualClock();
  const limit = limitBandwidth(4e6, clock);
  const stop = new AbortController();
  const all = ["a", "b", "b", "b"].map((name) => taker(limit, name, 256 * KIB, stop.signal));
  await clock.advance(1_500);
  const [a = 0, ...b] = all.map(({ bytes }) => bytes);
  const share = a / b.reduce((sum, bytes) => sum + bytes, 0);
  assert(share > 0.9 && share < 1.1, `${share}`);
  stop.abort();
  await Promise.all(all.map(({ ended }) => ended));
});

Deno.test("what is held says for how long, and what passes at once is not held", async () => {
  const clock = new VirtualClock();
  const limit = limitBandwidth(1e6, clock);
  assert.equal(await limit.pass("task", 100_000, never), 0);
  const held = limit.pass("task", 500_000, never);
  await clock.advance(1_000);
  const ms = await held;
  assert(ms >= 480 && ms <= 520, `${ms}`);
  assert.equal(clock.pendingTimers, 0);
});

Deno.test("what is not used does not add up", async () => {
  const clock = new VirtualClock();
  const limit = limitBandwidth(1e6, clock);
  await clock.advance(60_000);
  let isThrough = false;
  const passed = Promise.resolve(limit.pass("task", 300_000, never)).then(() => isThrough = true);
  await clock.advance(150);
  assert.equal(isThrough, false);
  await clock.advance(100);
  await passed;
});

Deno.test("who gives up waiting makes room, and leaves nothing behind", async () => {
  const clock = new VirtualClock();
  const limit = limitBandwidth(1e6, clock);
  const gone = new AbortController();
  const first = limit.pass("a", 10_000_000, gone.signal);
  const second = limit.pass("a", 50_000, never);
  await settle();
  gone.abort(new Error("gone"));
  await assert.rejects(Promise.resolve(first), /gone/);
  await clock.advance(200);
  assert((await second) < 200);
  const last = limit.take("b", 10_000_000, gone.signal);
  await assert.rejects(Promise.resolve(last), /gone/);
  const alone = new AbortController();
  const waiting = limit.pass("b", 10_000_000, alone.signal);
  alone.abort(new Error("gone too"));
  await assert.rejects(Promise.resolve(waiting), /gone too/);
  assert.equal(clock.pendingTimers, 0);
});

Deno.test("without a limit nothing waits", async () => {
  assert.equal(await UNLIMITED.take("a", 10e9, never), 10e9);
  assert.equal(await UNLIMITED.pass("a", 10e9, never), 0);
});

Deno.test("who wants little does not overtake those who wait", async () => {
  const clock = new VirtualClock();
  const limit = limitBandwidth(1_000_000, clock);
  const { signal } = new AbortController();
  assert.equal(limit.take("a", 99_000, signal), 99_000);
  const first = limit.take("a", 50_000, signal);
  const small = limit.take("b", 500, signal);
  assert.notEqual(typeof small, "number", "though so much is left");
  await clock.advance(100);
  assert.ok(await first > 0);
  assert.equal(await small, 500);
});
