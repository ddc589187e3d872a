import assert from "node:assert/strict";
import { piecePlan, type PieceRun } from "../../core/piece.ts";
import { nextTransfer, TRANSFERS_MAX, type TransferState } from "./source_plan.ts";

const MIB = 1024 * 1024;
/** 100 pieces of a mebibyte. */
const PLAN = piecePlan(100 * MIB, MIB);

function next(state: Partial<TransferState> & { readonly there?: readonly number[] }): PieceRun | undefined {
  const isWanted = (number: number) => state.there?.includes(number) !== true;
  return nextTransfer({ plan: PLAN, isWanted, running: [], readers: [], acceptsRanges: true, ...state });
}

Deno.test("a cold content is one transfer, from its first byte to its last", () => {
  assert.deepEqual(next({}), { first: 0, last: 99 });
  assert.equal(next({ running: [{ first: 3, last: 99 }] }), undefined);
  assert.deepEqual(next({ readers: [{ first: 0, last: 99 }] }), { first: 0, last: 99 });
});

Deno.test("the first transfer begins where a reader waits, and ends where something is there already", () => {
  assert.deepEqual(next({ readers: [{ first: 70, last: 71 }] }), { first: 70, last: 99 });
  assert.deepEqual(next({ there: [70, 80], readers: [{ first: 70, last: 75 }] }), { first: 71, last: 79 });
  assert.deepEqual(next({ there: [0, 1, 4], readers: [{ first: 0, last: 1 }] }), { first: 2, last: 3 });
});

Deno.test("a reader who is elsewhere gets a transfer of his own, of what he asks for and no more than 16 MiB", () => {
  const running = [{ first: 0, last: 99 }];
  assert.deepEqual(next({ running, readers: [{ first: 70, last: 71 }] }), { first: 70, last: 71 });
  assert.deepEqual(next({ running, readers: [{ first: 70, last: 99 }] }), { first: 70, last: 85 });
  assert.deepEqual(next({ running, there: [72], readers: [{ first: 70, last: 99 }] }), { first: 70, last: 71 });
  assert.deepEqual(
    next({ running: [...running, { first: 73, last: 80 }], readers: [{ first: 70, last: 99 }] }),
    { first: 70, last: 72 },
  );
});

Deno.test("a reader waits for a transfer that comes to his piece soon, and not for one behind it or one that ends before", () => {
  const reader = (first: number) => [{ first, last: first }];
  const running = [{ first: 10, last: 20 }];
  assert.equal(next({ running, readers: reader(14) }), undefined);
  assert.deepEqual(next({ running, readers: reader(15) }), { first: 15, last: 15 });
  assert.deepEqual(next({ running, readers: reader(9) }), { first: 9, last: 9 });
  assert.deepEqual(next({ running: [{ first: 10, last: 12 }], readers: reader(13) }), { first: 13, last: 13 });
  assert.equal(next({ running, there: [50], readers: reader(50) }), undefined);
});

Deno.test("pieces longer than what a reader waits for are fetched one at a time, and he waits for his own", () => {
  const plan = piecePlan(640 * MIB, 64 * MIB);
  const state = { plan, isWanted: () => true, acceptsRanges: true };
  const readers = [{ first: 5, last: 9 }];
  assert.deepEqual(nextTransfer({ ...state, running: [{ first: 0, last: 9 }], readers }), { first: 5, last: 5 });
  assert.equal(nextTransfer({ ...state, running: [{ first: 5, last: 5 }], readers }), undefined);
});

Deno.test("the transfers of a download are few, and a source without ranges has one, of everything", () => {
  const running = Array.from({ length: TRANSFERS_MAX }, (_, n) => ({ first: 10 * n, last: 10 * n }));
  assert.equal(next({ running, readers: [{ first: 70, last: 71 }] }), undefined);
  assert.deepEqual(next({ running: running.slice(1), readers: [{ first: 70, last: 71 }] }), { first: 70, last: 71 });
  const readers = [{ first: 70, last: 71 }];
  assert.deepEqual(next({ acceptsRanges: false, there: [7], readers }), { first: 0, last: 99 });
  assert.equal(next({ acceptsRanges: false, running: [{ first: 0, last: 99 }], readers }), undefined);
});

Deno.test("where what is missing is scattered, the next stretch is asked for before the one before it has come", () => {
  const there = [12, 13, 16, 40];
  assert.deepEqual(next({ there, running: [{ first: 10, last: 11 }] }), { first: 14, last: 15 });
  const two = [{ first: 10, last: 11 }, { first: 14, last: 15 }];
  assert.deepEqual(next({ there, running: two }), { first: 17, last: 39 });
  assert.equal(next({ there, running: [...two, { first: 17, last: 39 }] }), undefined, "enough is on its way");
  assert.equal(next({ there, running: [{ first: 32, last: 39 }] }), undefined, "8 MiB are enough");
  assert.deepEqual(next({ there, running: [{ first: 33, last: 39 }] }), { first: 41, last: 99 });
  assert.deepEqual(next({ there, running: [{ first: 95, last: 99 }] }), { first: 0, last: 11 }, "what was left behind");
  assert.deepEqual(next({ there, running: [{ first: 95, last: 99 }, { first: 0, last: 0 }] }), { first: 1, last: 11 });
  const others = Array.from({ length: 96 }, (_, number) => number);
  assert.equal(next({ there: others, running: [{ first: 96, last: 99 }] }), undefined, "nothing else is missing");
  assert.equal(next({ there, running: [{ first: 10, last: 11 }], acceptsRanges: false }), undefined);
});
