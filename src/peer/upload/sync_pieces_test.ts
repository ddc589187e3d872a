import assert from "node:assert/strict";
import { DamselflyError } from "../../core/error.ts";
import { realClock } from "../../runtime/clock.ts";
import { settle, VirtualClock } from "../../testing/virtual_clock.ts";
import { ADDRESS, collected, HandDriven, limited, openTestStorage, TASK_ID } from "./harness_test.ts";
import { type PiecesQuestion, syncPieces } from "./sync_pieces.ts";
import type { Storage } from "../storage/storage.ts";
import { Turns } from "./turns.ts";

const ALL = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];

/** A host that children ask for pieces, in turns. */
async function openHost(pieceLength = 100) {
  const clock = new VirtualClock();
  const storage = await openTestStorage(realClock());
  const turns = new Turns(clock);
  const deps = { storage, clock, address: ADDRESS, turns };
  const ask = (changes: Partial<PiecesQuestion> = {}) => {
    const question = { hostId: "child", taskId: TASK_ID, interestedPieceNumbers: ALL, waitsItsTurn: true, ...changes };
    return syncPieces(question, deps, limited.signal);
  };
  return {
    clock,
    turns,
    tasks: new HandDriven(storage, pieceLength),
    ask,
    [Symbol.asyncDispose]: () => storage[Symbol.asyncDispose](),
  };
}

Deno.test("a child that waits its turn is told of all pieces in the end, and nothing is left of it then", async () => {
  await using host = await openHost();
  await host.tasks.finishAll();
  const told = collected(host.ask());
  await host.clock.advance(1_000);
  assert.deepEqual((await told).map(({ number }) => number).toSorted((a, b) => a - b), ALL);
  assert.equal(host.clock.pendingTimers, 0);
});

Deno.test("a child that does not wait, or cuts the content otherwise, is told of everything at once", async () => {
  await using host = await openHost();
  await host.tasks.finishAll();
  assert.equal((await collected(host.ask({ waitsItsTurn: false }))).length, ALL.length);
  const coarse = await collected(host.ask({ pieceLength: 4 << 20 }));
  assert.deepEqual(coarse.map(({ number }) => number), [0]);
  assert.equal(host.clock.pendingTimers, 0);
});

Deno.test("a child that leaves in its turn leaves nothing behind", async () => {
  await using host = await openHost();
  await host.tasks.finishAll();
  for await (const _piece of host.ask()) break;
  assert.equal(host.clock.pendingTimers, 0);
});

Deno.test("a download that fails while a child takes what it was told ends the child's list at once", async () => {
  await using host = await openHost(50);
  const [atOnce, later] = [12, 1];
  const task = await host.tasks.finish(...Array.from({ length: atOnce + later }, (_, number) => number));
  const told = host.ask({ interestedPieceNumbers: Array.from({ length: 19 }, (_, number) => number) });
  for (let count = 0; count < atOnce; count++) await told.next();
  const next = told.next();
  await host.clock.advance(250);
  assert.equal((await next).value?.number, atOnce);
  task.expectNothing(new DamselflyError("source_error", "Cannot fetch: the source answered 500"));
  await host.clock.advance(10);
  await assert.rejects(told.next(), { code: "unavailable", message: /download has failed/ });
  assert.equal(host.clock.pendingTimers, 0);
});

Deno.test("a child is not told of what it has told us of itself, unless it wants that all the same", async () => {
  await using host = await openHost();
  const task = await host.tasks.finish(0);
  const has = new Set([1]);
  using _list = task.holders.add((hostId, number) => hostId === "child" && has.has(number));
  const told = [{ hostId: "child" }, { hostId: "other" }].map((who) =>
    collected(host.ask({ ...who, waitsItsTurn: false }))
  );
  await settle();
  has.add(2).add(3);
  await host.tasks.finishAll();
  const [child, other] = (await Promise.all(told)).map((pieces) => pieces.map(({ number }) => number));
  assert.deepEqual(child, ALL.filter((number) => number !== 2 && number !== 3), "it had lost piece 1");
  assert.deepEqual(other, ALL);
  let asked = 0;
  using _later = task.holders.add(() => asked++ > 0);
  const coarse = await collected(host.ask({ pieceLength: 4 << 20 }));
  assert.deepEqual(coarse.map(({ number }) => number), [0], "what it told us of is cut otherwise");
});

Deno.test("a child that asks while the file of the task is being made waits for it", async () => {
  await using host = await openHost();
  const task = await host.tasks.finish(...ALL);
  const storage = { find: () => undefined, findSoon: () => Promise.resolve(task) } as unknown as Storage;
  const question = { hostId: "child", taskId: TASK_ID, interestedPieceNumbers: ALL };
  const told = await collected(syncPieces(question, { storage, clock: host.clock, address: ADDRESS }, limited.signal));
  assert.equal(told.length, ALL.length);
});
