import assert from "node:assert/strict";
import { settle, VirtualClock } from "../testing/virtual_clock.ts";
import { RequestRate } from "./request_rate.ts";

const never = new AbortController().signal;

/** Requests of callers who are named by letters: `begun` and `refused` fill up with their names. */
function start(perSecond: number, waitingMax: number) {
  const clock = new VirtualClock();
  const rate = new RequestRate({ perSecond, waitingMax, key: "a.key", clock });
  const [begun, refused]: [string[], string[]] = [[], []];
  const request = (name: string, signal = never) => {
    rate.turn(name.slice(0, 1), signal).then(() => begun.push(name), (error) => refused.push(`${name}: ${error.code}`));
  };
  return { clock, rate, begun, refused, request };
}

Deno.test("requests of a second begin at once, those above it in their order, and one too many is refused", async () => {
  const { clock, rate, begun, refused, request } = start(2, 4);
  for (let n = 0; n < 10; n++) request(`a${n}`);
  await settle();
  assert.deepEqual([begun.splice(0), refused], [
    ["a0", "a1", "a2"],
    ["a7", "a8", "a9"].map((name) => `${name}: resource_exhausted`),
  ]);
  await clock.advance(499);
  assert.deepEqual(begun, []);
  await clock.advance(501);
  assert.deepEqual(begun, ["a3", "a4"]);
  await clock.advance(1_000);
  assert.deepEqual(begun, ["a3", "a4", "a5", "a6"]);
  await assert.doesNotReject(async () => await Promise.all([rate.turn("a", never), clock.advance(500)]));
  assert.equal(clock.pendingTimers, 0);
});

Deno.test("callers take turns, and one who asks for much keeps no place from another", async () => {
  const { clock, begun, refused, request } = start(1, 4);
  for (const name of ["a0", "a1", "a2", "a3", "a4", "a5", "b0", "c0", "b1"]) request(name);
  await settle();
  assert.deepEqual(begun.splice(0), ["a0", "a1"]);
  assert.deepEqual(refused, ["a5", "a4", "b1"].map((name) => `${name}: resource_exhausted`));
  await clock.advance(4_000);
  assert.deepEqual(begun, ["a2", "b0", "c0", "a3"]);
});

Deno.test("what was not used for long is not saved up, and who leaves waits no longer and takes no turn", async () => {
  const { clock, rate, begun, request } = start(1, 10);
  await clock.advance(3_600_000);
  await rate.turn("a", never);
  await rate.turn("a", never);
  const leaving = new AbortController();
  const third = rate.turn("a", leaving.signal);
  request("b");
  leaving.abort(new Error("gone"));
  await assert.rejects(third, /gone/);
  await clock.advance(1_000);
  assert.deepEqual(begun, ["b"]);
  const last = new AbortController();
  const fifth = rate.turn("a", last.signal);
  last.abort(new Error("gone too"));
  await assert.rejects(fifth, /gone too/);
  await assert.rejects(rate.turn("a", last.signal), /gone too/);
  await settle();
  assert.equal(clock.pendingTimers, 0);
});

Deno.test("whoever has the most now is turned away, not who had it once", async () => {
  const { clock, begun, refused, request } = start(1, 4);
  const gone = new AbortController();
  for (const name of ["x0", "x1", "a0", "a1"]) request(name);
  for (const name of ["b0", "b1"]) request(name, gone.signal);
  request("b2", gone.signal);
  await settle();
  assert.deepEqual(refused.splice(0), ["b2: resource_exhausted"]);
  gone.abort(new Error("gone"));
  await settle();
  refused.splice(0);
  for (const name of ["c0", "d0", "e0"]) request(name);
  await settle();
  assert.deepEqual(refused, ["a1: resource_exhausted"]);
  await clock.advance(4_000);
  assert.deepEqual(begun, ["x0", "x1", "a0", "c0", "d0", "e0"]);
  for (const name of ["f0", "g0", "h0", "i0", "j0"]) request(name);
  await settle();
  assert.deepEqual(refused, ["a1: resource_exhausted", "j0: resource_exhausted"], "of equals the newest");
});
