import assert from "node:assert/strict";
import { orAbort } from "./or_abort.ts";

const never = new AbortController().signal;

Deno.test("orAbort() settles like the work when nobody aborts", async () => {
  assert.equal(await orAbort(Promise.resolve(1), never), 1);
  await assert.rejects(orAbort(Promise.reject(new Error("broken")), never), /broken/);
});

Deno.test("orAbort() rejects with the signal's reason, before and while it waits", async () => {
  const reason = new Error("not wanted");
  const work = new Promise<void>(() => {});
  await assert.rejects(orAbort(work, AbortSignal.abort(reason)), reason);
  const controller = new AbortController();
  const waiting = orAbort(work, controller.signal);
  controller.abort(reason);
  await assert.rejects(waiting, reason);
});

Deno.test("orAbort() swallows the failure of work that came too late for it", async () => {
  const late = Promise.withResolvers<void>();
  await assert.rejects(orAbort(late.promise, AbortSignal.abort(new Error("gone"))), /gone/);
  late.reject(new Error("an unhandled rejection would fail this test"));
  await late.promise.catch(() => {});
});
