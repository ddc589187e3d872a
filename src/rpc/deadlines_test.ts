import assert from "node:assert/strict";
import { MemoryLog } from "../testing/memory_log.ts";
import { VirtualClock } from "../testing/virtual_clock.ts";
import { Deadlines } from "./deadlines.ts";

function stage() {
  const clock = new VirtualClock();
  const log = new MemoryLog();
  const timers = { open: 0 };
  const deadlines = new Deadlines({
    now: () => clock.now(),
    wallMs: () => clock.wallMs(),
    sleep: (ms, signal) => clock.sleep(ms, signal),
    deadline: (ms) => clock.deadline(ms),
    every(ms, run) {
      timers.open++;
      const timer = clock.every(ms, run);
      return {
        [Symbol.dispose]() {
          timers.open--;
          timer[Symbol.dispose]();
        },
      };
    },
  }, log);
  const over: string[] = [];
  const item = (name: string) => ({ expire: () => void over.push(name) });
  return { clock, log, deadlines, timers, over, item };
}

Deno.test("what has a deadline ends when it is over: never before, and a tenth of a second late at most", async () => {
  for (
    const [ms, since] of [[0, 0], [1, 0], [50, 70], [100, 0], [150, 0], [99, 1], [1_000, 30], [20_000, 5]] as const
  ) {
    const { clock, deadlines, over, item } = stage();
    await clock.advance(since);
    deadlines.add(ms, item("a"));
    await clock.advance(ms - 1);
    assert.deepEqual(over, [], `${ms} ms`);
    await clock.advance(101 + STEP_OF_TIMER_MS);
    assert.deepEqual(over, ["a"], `${ms} ms`);
  }
});

/** The timer may have begun within a step. */
const STEP_OF_TIMER_MS = 100;

Deno.test("what has ended before is left alone, and others with the same deadline are not", async () => {
  const { clock, deadlines, over, item } = stage();
  const [a, b, c] = [item("a"), item("b"), item("c")];
  const step = deadlines.add(1_000, a);
  deadlines.add(1_000, b);
  deadlines.add(2_000, c);
  deadlines.remove(step, a);
  deadlines.remove(step, a);
  await clock.advance(1_300);
  assert.deepEqual(over, ["b"]);
  await clock.advance(1_000);
  assert.deepEqual(over, ["b", "c"]);
});

Deno.test("one timer is enough for all, and there is none while nothing has a deadline", async () => {
  const { clock, deadlines, timers, over, item } = stage();
  assert.equal(timers.open, 0);
  for (let n = 0; n < 1_000; n++) {
    const each = item(`${n}`);
    deadlines.remove(deadlines.add(10_000 + n, each), each);
    if (n % 2 === 0) deadlines.add(n, each);
  }
  assert.equal(timers.open, 1);
  await clock.advance(1_300);
  assert.deepEqual([over.length, timers.open], [500, 0]);
  await clock.advance(10_000);
  deadlines.add(500, item("later"));
  await clock.advance(700);
  assert.deepEqual([over.at(-1), timers.open], ["later", 0]);
  deadlines.add(500, item("never"));
  deadlines[Symbol.dispose]();
  await clock.advance(10_000);
  assert.deepEqual([over.at(-1), timers.open], ["later", 0]);
});

Deno.test("one that fails to end is logged and holds up neither those beside it nor those after it", async () => {
  const { clock, log, deadlines, timers, over, item } = stage();
  deadlines.add(500, item("before"));
  deadlines.add(500, {
    expire() {
      throw new Error("not me");
    },
  });
  deadlines.add(500, item("beside"));
  deadlines.add(600, item("after"));
  await clock.advance(900);
  assert.deepEqual([over, timers.open], [["before", "beside", "after"], 0]);
  assert.deepEqual(log.lines.map(({ level, fields }) => [level, String(fields["error"])]), [[
    "error",
    "Error: not me",
  ]]);
});
