import assert from "node:assert/strict";
import { DamselflyError } from "../../src/core/error.ts";
import { type Clock, realClock } from "../../src/runtime/clock.ts";
import { realRandom } from "../../src/runtime/random.ts";
import { seededRandom } from "../../src/testing/seeded_random.ts";
import { VirtualClock } from "../../src/testing/virtual_clock.ts";

interface Time {
  readonly clock: Clock;
  /** Lets `ms` pass while `work` runs. */
  pass<T>(ms: number, work: Promise<T>): Promise<T>;
}

const times: Record<string, () => Time> = {
  real: () => ({ clock: realClock(), pass: (_ms, work) => work }),
  virtual: () => {
    const clock = new VirtualClock();
    return {
      clock,
      async pass(ms, work) {
        const [result] = await Promise.all([work, clock.advance(ms)]);
        return result;
      },
    };
  },
};

function test(promise: string, run: (time: Time) => Promise<void>): void {
  for (const [kind, open] of Object.entries(times)) Deno.test(`${kind} clock: ${promise}`, () => run(open()));
}

const never = new AbortController().signal;

test("a sleep takes at least as long as asked", async ({ clock, pass }) => {
  const start = clock.now();
  await pass(10, clock.sleep(5, never));
  // Timers of the real runtime may fire a fraction of a millisecond early.
  assert.ok(clock.now() - start >= 4);
});

test("an aborted sleep rejects with the reason and leaves no timer", async ({ clock, pass }) => {
  const controller = new AbortController();
  const sleeping = clock.sleep(60_000, controller.signal);
  const reason = new Error("enough");
  controller.abort(reason);
  await pass(1, assert.rejects(sleeping, reason));
});

test("a deadline aborts with a timeout error", async ({ clock, pass }) => {
  using deadline = clock.deadline(5);
  await pass(6, new Promise<void>((resolve) => deadline.signal.addEventListener("abort", () => resolve())));
  assert.ok(deadline.signal.reason instanceof DamselflyError && deadline.signal.reason.code === "timeout");
});

test("a disposed deadline never aborts", async ({ clock, pass }) => {
  const deadline = clock.deadline(1);
  deadline[Symbol.dispose]();
  await pass(5, clock.sleep(4, never));
  assert.equal(deadline.signal.aborted, false);
});

test("a repeating timer fires until it is disposed", async ({ clock, pass }) => {
  let count = 0;
  // The timer does not keep the event loop alive: a sleep does, until the third beat ends it.
  const enough = new AbortController();
  const timer = clock.every(2, () => ++count === 3 && enough.abort());
  await pass(1_000, clock.sleep(1_000, enough.signal).catch(() => timer[Symbol.dispose]()));
  assert.equal(count, 3);
});

Deno.test("the virtual clock fires timers in the order of their time, then of their creation", async () => {
  const clock = new VirtualClock();
  const order: string[] = [];
  const note = (name: string, ms: number) => clock.sleep(ms, never).then(() => order.push(name));
  const all = [note("late", 20), note("early", 10), note("early too", 10)];
  await clock.advance(30);
  await Promise.all(all);
  assert.deepEqual(order, ["early", "early too", "late"]);
  assert.equal(clock.pendingTimers, 0);
});

for (const [kind, random] of Object.entries({ real: realRandom(), seeded: seededRandom(3) })) {
  Deno.test(`${kind} random: numbers stay in their bounds, and a UUID is of version 4`, () => {
    for (let i = 0; i < 200; i++) {
      const below = random.below(7);
      assert.ok(Number.isInteger(below) && below >= 0 && below < 7);
      const float = random.float();
      assert.ok(float >= 0 && float < 1);
    }
    assert.equal(random.bytes(5).length, 5);
    assert.match(random.uuid(), /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  });
}

Deno.test("a seed replays the same chances", () => {
  const draw = (seed: number) => Array.from({ length: 20 }, ((random) => () => random.below(1000))(seededRandom(seed)));
  assert.deepEqual(draw(42), draw(42));
  assert.notDeepEqual(draw(42), draw(43));
});

test("a time beyond the timers of the platform is long, not none", async ({ clock, pass }) => {
  const monthMs = 40 * 24 * 60 * 60 * 1000;
  const stop = new AbortController();
  using deadline = clock.deadline(monthMs);
  let ran = 0;
  using _every = clock.every(monthMs, () => ran++);
  let slept = false;
  const sleeping = clock.sleep(monthMs, stop.signal).then(() => slept = true, () => {});
  await pass(20, clock.sleep(15, never));
  assert.deepEqual([deadline.signal.aborted, ran, slept], [false, 0, false]);
  stop.abort();
  await sleeping;
});
