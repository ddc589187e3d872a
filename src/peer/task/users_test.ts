import assert from "node:assert/strict";
import { VirtualClock } from "../../testing/virtual_clock.ts";
import { Users } from "./users.ts";

/** The users of a download that is only there to be read, unless told otherwise. */
function scene() {
  const clock = new VirtualClock();
  const told = { isOnlyRead: true, none: 0 };
  const users = new Users({ clock, isOnlyRead: () => told.isOnlyRead, onNone: () => told.none++ });
  return { clock, told, users, leave: (use: Disposable | undefined) => use?.[Symbol.dispose]() };
}

Deno.test("what is stored is kept until the download has ended and its last reader has left, who leaves once", () => {
  const { clock, told, users, leave } = scene();
  const [first, second] = [users.add(), users.add()];
  leave(first);
  leave(first);
  users.end();
  assert.deepEqual([told.none, users.over.aborted], [0, true]);
  const late = users.add();
  assert.ok(late, "it may be read as long as somebody reads it");
  leave(second);
  leave(late);
  assert.equal(told.none, 1);
  assert.equal(users.add(), undefined);
  assert.equal(clock.pendingTimers, 0);
});

Deno.test("a download that is only there to be read ends when nobody has read it for five seconds", async () => {
  const nobodys = scene();
  await nobodys.clock.advance(5_000);
  assert.equal(nobodys.users.unread.aborted, true);
  const { clock, users, leave } = scene();
  await clock.advance(4_999);
  const first = users.add();
  await clock.advance(60_000);
  const second = users.add();
  leave(first);
  await clock.advance(60_000);
  leave(second);
  await clock.advance(4_999);
  leave(users.add());
  await clock.advance(4_999);
  assert.equal(users.unread.aborted, false);
  await clock.advance(1);
  assert.equal(users.unread.aborted, true);
  assert.equal(users.add(), undefined, "the next reader begins it anew");
});

Deno.test("who comes after the end of a download leaves no wait behind, and one that goes on by itself waits for nobody", async () => {
  const { clock, told, users, leave } = scene();
  const [first, second] = [users.add(), users.add()];
  users.end();
  leave(first);
  assert.equal(clock.pendingTimers, 0);
  leave(second);
  const other = scene();
  const reader = other.users.add();
  other.told.isOnlyRead = false;
  leave(reader);
  await other.clock.advance(60_000);
  assert.equal(other.users.unread.aborted, false);
  assert.equal(told.none, 1);
});
