import assert from "node:assert/strict";
import { DamselflyError } from "../../core/error.ts";
import { piecePlan } from "../../core/piece.ts";
import type { TellTasksRequest, TellTasksResponse } from "../../rpc/gen/damselfly/v1/holdings.ts";
import { durationOfMs } from "../../rpc/time.ts";
import { MemoryLog } from "../../testing/memory_log.ts";
import { VirtualClock } from "../../testing/virtual_clock.ts";
import type { HeldTask } from "./control.ts";
import { tellHeld, type TellParts } from "./tell_held.ts";

const NEVER = new AbortController().signal;

function tasks(count: number): HeldTask[] {
  return Array.from({ length: count }, (_, index) => ({
    taskId: `t${index}`,
    url: "https://r.example/blob",
    plan: piecePlan(1000, 512),
    digest: undefined,
  }));
}

/** A host that tells a scheduler which answers like this. */
function teller(answer: (request: TellTasksRequest) => Partial<TellTasksResponse>, parts: Partial<TellParts> = {}) {
  const clock = new VirtualClock();
  const heard: { atMs: number; taskIds: string[]; leftCount: number }[] = [];
  const oneByOne: string[] = [];
  let peers = 0;
  const whole: TellParts = {
    ...{ hostId: "host", clock, log: new MemoryLog(), peerId: () => `peer-${peers++}`, isTasks: () => true },
    holdings: {
      tellTasks: (request: TellTasksRequest) => {
        heard.push({
          atMs: clock.now(),
          taskIds: request.tasks.map(({ taskId }) => taskId),
          leftCount: request.leftCount,
        });
        return Promise.try(() => ({
          ...{ pause: undefined, count: 0, refusedCount: 0, refusal: "" },
          ...answer(request),
        }));
      },
    } as TellParts["holdings"],
    announceTask: ({ taskId }) => Promise.resolve(void oneByOne.push(taskId)),
    ...parts,
  };
  return { clock, heard, oneByOne, tell: (count: number, signal = NEVER) => tellHeld(whole, tasks(count), signal) };
}

Deno.test("a host asks for its turn, and tells in each as much and as late as the scheduler says", async () => {
  const { clock, heard, oneByOne, tell } = teller(() => ({ pause: durationOfMs(400), count: 2 }));
  const telling = tell(5);
  await clock.advance(10_000);
  await telling;
  assert.deepEqual(heard, [
    { atMs: 0, taskIds: [], leftCount: 5 },
    { atMs: 400, taskIds: ["t0", "t1"], leftCount: 3 },
    { atMs: 800, taskIds: ["t2", "t3"], leftCount: 1 },
    { atMs: 1200, taskIds: ["t4"], leftCount: 0 },
  ]);
  assert.deepEqual(oneByOne, []);
});

Deno.test("a scheduler that gives no turns is told of one task after the other", async () => {
  const { clock, heard, oneByOne, tell } = teller(() => {
    throw new DamselflyError("unimplemented", "no such service");
  });
  const telling = tell(3);
  await clock.advance(1_000);
  await telling;
  assert.deepEqual([heard.length, oneByOne], [1, ["t0", "t1", "t2"]]);
});

Deno.test("a part that a call lost is told again, and what comes after it too", async () => {
  const lost = new Set([0, 2, 3]);
  let calls = 0;
  const { clock, heard, tell } = teller(() => {
    if (lost.has(calls++)) throw new DamselflyError("unavailable", "Connection reset");
    return { pause: durationOfMs(100), count: 2 };
  });
  const telling = tell(3);
  await clock.advance(10_000);
  await telling;
  assert.deepEqual(heard.map(({ atMs, taskIds }) => [atMs, taskIds.join()]), [
    ...[[0, ""], [1_000, ""]],
    ...[[1_100, "t0,t1"], [2_100, "t0,t1"], [3_100, "t0,t1"]],
    [3_200, "t2"],
  ]);
});

Deno.test("a scheduler that takes nothing is not told without end, and the cause is known", async () => {
  const { clock, heard, oneByOne, tell } = teller(({ leftCount }) => {
    if (leftCount < 5) throw new DamselflyError("timeout", "No answer");
    return { count: 1 };
  });
  const telling = assert.rejects(tell(5), { code: "timeout", message: "No answer" });
  await clock.advance(60_000);
  await telling;
  assert.deepEqual([heard.length, oneByOne], [4, []]);
});

Deno.test("a host that stops between two attempts tells nothing more", async () => {
  const stop = new AbortController();
  const { clock, heard, tell } = teller(() => {
    throw new DamselflyError("unavailable", "Connection refused");
  });
  const telling = assert.rejects(tell(1, stop.signal), { message: "The peer stops" });
  await clock.advance(500);
  stop.abort(new Error("The peer stops"));
  await telling;
  assert.equal(heard.length, 1);
});

Deno.test("a pause without end and turns for nothing do not keep a host from telling", async () => {
  const { clock, heard, tell } = teller(() => ({ pause: durationOfMs(10 ** 9), count: 0 }));
  const telling = tell(2);
  await clock.advance(120_000);
  await telling;
  assert.deepEqual(heard.map(({ taskIds }) => taskIds.length), [0, 1, 1]);
});

Deno.test("what became the task of another scheduler meanwhile is not told, and who has nothing does not ask", async () => {
  let isTasks = (_: string) => true;
  const { clock, heard, tell } = teller(() => ({ pause: durationOfMs(100), count: 10 }), {
    isTasks: (taskId) => isTasks(taskId),
  });
  const telling = tell(2);
  await clock.advance(50);
  isTasks = (taskId) => taskId === "t1";
  await clock.advance(100);
  await telling;
  assert.deepEqual(heard.at(-1)?.taskIds, ["t1"]);
  isTasks = () => false;
  await tell(2);
  assert.equal(heard.length, 2);
});
