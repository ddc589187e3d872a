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
