import assert from "node:assert/strict";
import { DamselflyError } from "../core/error.ts";
import { Download } from "../rpc/gen/common/v2/common.ts";
import { TellTasksRequest, type TellTasksResponse } from "../rpc/gen/damselfly/v1/holdings.ts";
import { msOfDuration } from "../rpc/time.ts";
import { MemoryMetrics } from "../testing/memory_metrics.ts";
import { hostFacts } from "../testing/scheduler_swarm.ts";
import { seededRandom } from "../testing/seeded_random.ts";
import { VirtualClock } from "../testing/virtual_clock.ts";
import { DEFAULT_SETTINGS } from "./core/settings.ts";
import { DEFAULT_LIMITS, emptyState } from "./core/state.ts";
import { holdingsService } from "./holdings_service.ts";
import { SchedulerLoop } from "./loop.ts";
import { SchedulerMetrics } from "./scheduler_metrics.ts";

/** A scheduler that knows `host`. */
function scheduler(limits = DEFAULT_LIMITS) {
  const clock = new VirtualClock();
  const loop = new SchedulerLoop(emptyState(DEFAULT_SETTINGS, 0, limits), { clock, random: seededRandom(1) }, () => {});
  loop.dispatch({ type: "host_announced", facts: hostFacts("host"), announceIntervalMs: 0 });
  const { methods } = holdingsService({ loop, metrics: new SchedulerMetrics(new MemoryMetrics()), clock });
  const tell = (request: Partial<TellTasksRequest>): Promise<TellTasksResponse> => {
    return methods[0]?.handler(TellTasksRequest.fromPartial({ hostId: "host", ...request }), {} as never);
  };
  return { clock, state: loop.state, tell };
}

function held(taskId: string, peerId = `${taskId}-peer`, url = "https://r.example/blob") {
  const lengths = { actualContentLength: 8, actualPieceLength: 4, actualPieceCount: 2 };
  return { taskId, peerId, download: Download.fromPartial({ url, ...lengths }) };
}

Deno.test("a host that tells of a task is a holder of it, and one that tells it again is the same one", async () => {
  const { state, tell } = scheduler();
  for (const peerId of ["p1", "p2"]) {
    const { refusedCount } = await tell({ tasks: [held("t1", peerId)] });
    assert.equal(refusedCount, 0);
  }
  const task = state.tasks.get("t1");
  assert.deepEqual([...task?.peers.keys() ?? []], ["p1"]);
  const peer = task?.peers.get("p1");
  assert.deepEqual([peer?.state, peer?.streamId, task?.roots.size], ["Succeeded", undefined, 1]);
  assert.deepEqual([task?.contentLength, task?.pieceCount, peer?.host.streams], [8, 2, 0]);
});

Deno.test("what cannot be taken costs none of the others, and the reason is told", async () => {
  const { state, tell } = scheduler({ ...DEFAULT_LIMITS, tasksPerHostMax: 2 });
  const tasks = [held("t1"), held("bad", "p", "no url"), held("t2"), held("t3")];
  const { refusedCount, refusal } = await tell({ tasks });
  assert.deepEqual([refusedCount, [...state.tasks.keys()]], [2, ["t1", "t2"]]);
  assert.match(refusal, /download.url/);
});

Deno.test("a host that nobody announced is not found, and more than a part at a time is refused", async () => {
  const { tell } = scheduler();
  const codeOf = (request: Partial<TellTasksRequest>) => tell(request).catch((error: DamselflyError) => error.code);
  assert.equal(await codeOf({ hostId: "unknown" }), "not_found");
  assert.equal(
    await codeOf({ tasks: Array.from({ length: 101 }, (_, index) => held(`t${index}`)) }),
    "invalid_argument",
  );
});

Deno.test("each is given a turn after those before, for as many tasks as it has and no more than a part", async () => {
  const { clock, tell } = scheduler();
  const turn = async (leftCount: number) => {
    const { pause, count } = await tell({ leftCount });
    assert.ok(pause);
    return [msOfDuration(pause), count];
  };
  assert.deepEqual(await turn(1_000), [0, 100]);
  assert.deepEqual(await turn(20), [5, 20]);
  assert.deepEqual(await turn(0), [6, 0]);
  await clock.advance(50);
  assert.deepEqual(await turn(1), [0, 1], "nobody waits for a turn that is over");
});

Deno.test("nobody puts off the others for longer than half a minute, however often it asks", async () => {
  const { tell } = scheduler();
  for (let times = 0; times < 10_000; times++) await tell({ leftCount: 100 });
  assert.equal(msOfDuration((await tell({ leftCount: 1 })).pause ?? { seconds: 0, nanos: 0 }), 30_000);
});
