import assert from "node:assert/strict";
import { Changes } from "./changes.ts";

Deno.test("who gave up waiting for a change is not kept", async () => {
  const changes = new Changes();
  const abort = new AbortController();
  let touched = 0;
  abort.signal.removeEventListener = () => void touched++;
  const waiting = assert.rejects(changes.next(abort.signal), { message: "gone" });
  abort.abort(new Error("gone"));
  await waiting;
  changes.ring();
  assert.equal(touched, 0);
});

Deno.test("a ring wakes who waits now, and a failure too; neither is kept for later", async () => {
  const changes = new Changes();
  const never = new AbortController().signal;
  const [first, second] = [changes.next(never), changes.next(never)];
  changes.ring();
  await Promise.all([first, second]);
  const failing = assert.rejects(changes.next(never), { message: "over" });
  changes.fail(new Error("over"));
  await failing;
  const later = changes.next(never);
  changes.ring();
  await later;
});

Deno.test("who follows changes hears each ring that he waits for, the failure, and his signal", async () => {
  const changes = new Changes();
  const stop = new AbortController();
  using follower = changes.follow(stop.signal);
  for (let count = 0; count < 3; count++) {
    const next = follower.next();
    changes.ring();
    await next;
  }
  const failing = assert.rejects(follower.next(), { message: "over" });
  changes.fail(new Error("over"));
  await failing;
  const stopped = assert.rejects(follower.next(), { message: "gone" });
  stop.abort(new Error("gone"));
  await stopped;
  await assert.rejects(follower.next(), { message: "gone" });
});

Deno.test("who follows changes no longer leaves nothing behind", () => {
  const changes = new Changes();
  const stop = new AbortController();
  const left: string[] = [];
  stop.signal.removeEventListener = (name: string) => void left.push(name);
  changes.follow(stop.signal)[Symbol.dispose]();
  assert.deepEqual(left, ["abort"]);
});
