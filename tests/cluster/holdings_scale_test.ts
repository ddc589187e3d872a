/** A scheduler that starts again, and very many hosts that all want to tell it what they hold. */
import assert from "node:assert/strict";
import { piecePlan } from "../../src/core/piece.ts";
import { tellHeld, type TellParts } from "../../src/peer/control/tell_held.ts";
import type { TellTasksRequest } from "../../src/rpc/gen/damselfly/v1/holdings.ts";
import { DEFAULT_SETTINGS } from "../../src/scheduler/core/settings.ts";
import { emptyState } from "../../src/scheduler/core/state.ts";
import { holdingsService } from "../../src/scheduler/holdings_service.ts";
import { SchedulerLoop } from "../../src/scheduler/loop.ts";
import { SchedulerMetrics } from "../../src/scheduler/scheduler_metrics.ts";
import { MemoryLog } from "../../src/testing/memory_log.ts";
import { MemoryMetrics } from "../../src/testing/memory_metrics.ts";
import { hostFacts, wish } from "../../src/testing/scheduler_swarm.ts";
import { seededRandom } from "../../src/testing/seeded_random.ts";
import { VirtualClock } from "../../src/testing/virtual_clock.ts";

const HOSTS = 10_000;
const TASKS_PER_HOST = 5;
/** Contents that the hosts hold; each is on many of them. */
const TASKS = 200;
const KNOWN_AGAIN_MS = 10_000;
/** Of what hosts tell, so much in a tenth of a second at most. */
const TOLD_PER_100_MS_MAX = 2_500;
const NEVER = new AbortController().signal;

Deno.test("a scheduler that comes back empty knows within 10 s what 10,000 hosts hold, at its own pace, and answers pulls meanwhile", async () => {
  const clock = new VirtualClock({ grainMs: 10 });
  const state = emptyState(DEFAULT_SETTINGS, clock.now());
  const answered = new Map<number, string>();
  using loop = new SchedulerLoop(state, { clock, random: seededRandom(1) }, (effect) => {
    if (effect.type === "send") answered.set(effect.streamId, effect.decision.kind);
  });
  const { methods } = holdingsService({ loop, metrics: new SchedulerMetrics(new MemoryMetrics()), clock });
  const toldAt: number[] = [];
  const holdings = {
    tellTasks: (request: TellTasksRequest) => {
      for (const _ of request.tasks) toldAt.push(clock.now());
      return methods[0]?.handler(request, {} as never);
    },
  } as TellParts["holdings"];
  const taskOf = (host: number, place: number) => ({
    taskId: `t${(host + place * 37) % TASKS}`,
    url: "https://r.example/blob",
    plan: piecePlan(400 << 20, 4 << 20),
    digest: undefined,
  });
  const telling = Array.from({ length: HOSTS }, (_, host) => {
    const hostId = `h${host}`;
    loop.dispatch({ type: "host_announced", facts: hostFacts(hostId), announceIntervalMs: 300_000 });
    let peers = 0;
    const parts = { hostId, holdings, clock, log: new MemoryLog(), peerId: () => `${hostId}-${peers++}` };
    const tasks = Array.from({ length: TASKS_PER_HOST }, (_, place) => taskOf(host, place));
    return tellHeld({ ...parts, isTasks: () => true, announceTask: () => Promise.reject() }, tasks, NEVER);
  });

  await clock.advance(KNOWN_AGAIN_MS / 10);
  const inBetween = state.peers.size;
  assert.ok(inBetween > 0 && inBetween < HOSTS * TASKS_PER_HOST, `${inBetween} are known after a tenth of the time`);
  const download = { type: "register", hostId: "h0", wish: wish(), download: {}, streamId: 7, peerId: "pull" } as const;
  const facts = { type: 0, url: "https://r.example/blob", digest: undefined, tag: undefined, application: undefined };
  loop.dispatch({ ...download, task: { id: "t1", ...facts, filteredQueryParams: [] } });
  assert.equal(answered.get(7), "from_parents", "a pull of that moment finds those who have told already");

  await clock.advance(KNOWN_AGAIN_MS * 9 / 10);
  await Promise.all(telling);
  assert.equal(state.peers.size, HOSTS * TASKS_PER_HOST + 1);
  const counts = Map.groupBy(toldAt, (atMs) => Math.floor(atMs / 100));
  const most = Math.max(...counts.values().map(({ length }) => length));
  assert.ok(most <= TOLD_PER_100_MS_MAX, `${most} tasks were told within 100 ms`);
});
