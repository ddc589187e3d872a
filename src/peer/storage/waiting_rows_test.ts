import assert from "node:assert/strict";
import { VirtualClock } from "../../testing/virtual_clock.ts";
import { hasCode } from "./harness_test.ts";
import { type PieceRow, ROWS_WAIT_MS, WaitingRows } from "./waiting_rows.ts";

function row(taskKey: number, number: number): PieceRow {
  const piece = { number, digest: "", parentId: "", trafficType: "remote_peer", costMs: 1, finishedAtMs: 0 } as const;
  return { taskKey, piece };
}

/** Where rows go; fails as long as it is full. */
function database() {
  const batches: number[][] = [];
  return {
    batches,
    isFull: false,
    write(rows: readonly PieceRow[]) {
      if (this.isFull) throw new Error("full");
      batches.push(rows.map(({ piece }) => piece.number));
    },
  };
}

Deno.test("rows that come within a moment are written at once, and found before", async () => {
  const [clock, db] = [new VirtualClock(), database()];
  using rows = new WaitingRows(clock, (batch) => db.write(batch));
  for (const number of [0, 1, 2]) rows.add(row(1, number));
  assert.equal(rows.find(1, 2)?.number, 2);
  assert.equal(rows.find(2, 2), undefined);
  assert.deepEqual(db.batches, []);
  await clock.advance(ROWS_WAIT_MS);
  rows.add(row(1, 3));
  await clock.advance(ROWS_WAIT_MS);
  assert.deepEqual(db.batches, [[0, 1, 2], [3]]);
  assert.equal(rows.find(1, 2), undefined);
});

Deno.test("rows that cannot be written wait, as many as may, and then one more is refused", async () => {
  const [clock, db] = [new VirtualClock(), database()];
  using rows = new WaitingRows(clock, (batch) => db.write(batch));
  db.isFull = true;
  for (let number = 0; number < 256; number++) rows.add(row(1, number));
  await clock.advance(ROWS_WAIT_MS);
  assert.throws(() => rows.add(row(1, 256)), /full/);
  assert.equal(rows.find(1, 256), undefined);
  db.isFull = false;
  rows.add(row(1, 257));
  rows.flush();
  assert.deepEqual(db.batches.map(({ length }) => length), [256, 1]);
});

Deno.test("the rows of a task that is gone are not written, and nothing is taken after the end", async () => {
  const [clock, db] = [new VirtualClock(), database()];
  const rows = new WaitingRows(clock, (batch) => db.write(batch));
  for (const key of [1, 2]) rows.add(row(key, key));
  rows.drop(1);
  rows.flush();
  rows.add(row(2, 3));
  rows.drop();
  rows[Symbol.dispose]();
  assert.throws(() => rows.add(row(2, 4)), hasCode("internal"));
  await clock.advance(ROWS_WAIT_MS);
  assert.deepEqual(db.batches, [[2]]);
});

Deno.test("rows that wait for each other have one timer", async () => {
  const [clock, db] = [new VirtualClock(), database()];
  let timers = 0;
  const sleep: VirtualClock["sleep"] = (...args) => (timers += 1, clock.sleep(...args));
  using rows = new WaitingRows({ sleep }, (batch) => db.write(batch));
  for (const number of [0, 1, 2]) rows.add(row(1, number));
  await clock.advance(ROWS_WAIT_MS);
  assert.deepEqual([timers, db.batches], [1, [[0, 1, 2]]]);
});
