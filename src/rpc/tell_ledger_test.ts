import assert from "node:assert/strict";
import { DamselflyError } from "../core/error.ts";
import { MemoryLog } from "../testing/memory_log.ts";
import { seededRandom } from "../testing/seeded_random.ts";
import { VirtualClock } from "../testing/virtual_clock.ts";
import type { ReportTrafficRequest } from "./gen/damselfly/v1/savings.ts";
import { startLedger, TELL_INTERVAL_MS, UNKNOWN_PAUSE_MS } from "./tell_ledger.ts";

/** A teller that owes statements of these numbers, and a manager that answers as a test says. */
function stage(...sequences: number[]) {
  const clock = new VirtualClock();
  const told: number[] = [];
  const it = { owed: sequences, answer: (_sequence: number): void => {} };
  const ledger = startLedger({
    owed: {
      count: () => it.owed.length,
      statement: () =>
        it.owed[0] === undefined ? undefined : { senderId: "s", sequence: it.owed[0], idc: "", sums: [] },
      settle: (sequence) => it.owed = it.owed.filter((one) => one !== sequence),
    },
    manager: {
      reportTraffic: ({ sequence }: ReportTrafficRequest) => {
        told.push(sequence);
        it.answer(sequence);
        return Promise.resolve({});
      },
    },
    ...{ clock, random: seededRandom(1), log: new MemoryLog() },
  });
  return { clock, told, it, ledger };
}

Deno.test("what is owed is told within a minute, one statement after the other", async () => {
  const { clock, told, it, ledger } = stage(1, 2);
  await using _ledger = ledger;
  await clock.advance(TELL_INTERVAL_MS);
  assert.deepEqual([told, it.owed], [[1, 2], []]);
});

Deno.test("what comes while it is told waits for the next time, so that a busy teller does not tell without a pause", async () => {
  const { clock, told, it, ledger } = stage(1, 2);
  await using _ledger = ledger;
  it.answer = (sequence) => void it.owed.push(sequence + 2);
  await clock.advance(TELL_INTERVAL_MS);
  assert.deepEqual([told, it.owed], [[1, 2], [3, 4]]);
  it.answer = () => {};
  await clock.advance(TELL_INTERVAL_MS);
  assert.deepEqual([told, it.owed], [[1, 2, 3, 4], []]);
});

Deno.test("a statement that was not heard is told again, and what is behind it waits", async () => {
  const { clock, told, it, ledger } = stage(1, 2);
  await using _ledger = ledger;
  it.answer = () => {
    throw new DamselflyError("unavailable", "down");
  };
  await clock.advance(TELL_INTERVAL_MS);
  assert.deepEqual([told, it.owed], [[1], [1, 2]]);
  it.answer = () => {};
  await clock.advance(TELL_INTERVAL_MS);
  assert.deepEqual([told, it.owed], [[1, 1, 2], []]);
});

Deno.test("a statement that is refused for what it says is given up, so that the others are heard", async () => {
  const { clock, told, it, ledger } = stage(1, 2);
  await using _ledger = ledger;
  it.answer = (sequence) => {
    if (sequence === 1) throw new DamselflyError("invalid_argument", "wrong");
  };
  await clock.advance(TELL_INTERVAL_MS);
  assert.deepEqual([told, it.owed], [[1, 2], []]);
});

Deno.test("a manager without a ledger is asked again after a long time only", async () => {
  const { clock, told, it, ledger } = stage(1);
  await using _ledger = ledger;
  it.answer = () => {
    throw new DamselflyError("unimplemented", "unknown service");
  };
  await clock.advance(TELL_INTERVAL_MS);
  await clock.advance(UNKNOWN_PAUSE_MS / 2 - TELL_INTERVAL_MS);
  assert.equal(told.length, 1);
  await clock.advance(UNKNOWN_PAUSE_MS);
  assert.ok(told.length > 1);
});

Deno.test("who stops tells what is owed then", async () => {
  const { told, ledger } = stage(1);
  await ledger[Symbol.asyncDispose]();
  assert.deepEqual(told, [1]);
});
