import assert from "node:assert/strict";
import { seededRandom } from "../testing/seeded_random.ts";
import { hostFacts, wish } from "../testing/scheduler_swarm.ts";
import { VirtualClock } from "../testing/virtual_clock.ts";
import { DEFAULT_SETTINGS } from "./core/settings.ts";
import { emptyState } from "./core/state.ts";
import { SchedulerLoop } from "./loop.ts";

Deno.test("an event that comes of an effect is applied after the other effects of its step", () => {
  const seen: string[] = [];
  const runtime = { clock: new VirtualClock(), random: seededRandom(1) };
  const loop: SchedulerLoop = new SchedulerLoop(emptyState(DEFAULT_SETTINGS, 0), runtime, (effect) => {
    const what = effect.type === "send" ? effect.decision.kind : effect.type;
    seen.push(`${what} ${"streamId" in effect ? effect.streamId : ""}`);
    if (seen.length === 1) loop.dispatch({ type: "delete_peer", peerId: "p2" });
  });
  const task = { id: "t", type: 0, url: "https://o/", digest: undefined, tag: undefined, application: undefined };
  for (const streamId of [1, 2, 3]) {
    const hostId = `h${streamId}`;
    loop.dispatch({ type: "host_announced", facts: hostFacts(hostId), announceIntervalMs: 0 });
    loop.dispatch({
      type: "register",
      streamId,
      hostId,
      peerId: `p${streamId}`,
      task: { ...task, filteredQueryParams: [] },
      wish: wish({ disableBackToSource: true }),
      download: {},
    });
  }
  assert.deepEqual(seen, []);
  loop.dispatch({ type: "host_announced", facts: hostFacts("h0"), announceIntervalMs: 0 });
  loop.dispatch({
    type: "register",
    streamId: 0,
    hostId: "h0",
    peerId: "p0",
    task: { ...task, filteredQueryParams: [] },
    wish: wish({ metadataOnly: true }),
    download: {},
  });
  assert.deepEqual(seen, [
    "metadata_only 0",
    "from_parents 1",
    "from_parents 2",
    "from_parents 3",
    "close_stream 2",
  ]);
});

Deno.test("what a step leaves undone is gone on with at once, and not after the loop has stopped", async () => {
  const clock = new VirtualClock();
  const waiters = 300;
  let answers = 0;
  const task = { id: "t", type: 0, url: "https://o/", digest: undefined, tag: undefined, application: undefined };
  const play = () => {
    const loop = new SchedulerLoop(
      emptyState(DEFAULT_SETTINGS, 0),
      { clock, random: seededRandom(1) },
      (effect) => answers += Number(effect.type === "send" && effect.decision.kind === "from_parents"),
    );
    for (let streamId = 0; streamId <= waiters; streamId++) {
      const hostId = `h${streamId}`;
      loop.dispatch({ type: "host_announced", facts: hostFacts(hostId), announceIntervalMs: 0 });
      const registration = { task: { ...task, filteredQueryParams: [] }, wish: wish(), download: {} };
      loop.dispatch({ type: "register", streamId, hostId, peerId: `p${streamId}`, ...registration });
    }
    loop.dispatch({ type: "back_to_source_started", peerId: "p0", streamId: 0 });
    return loop;
  };
  using _loop = play();
  assert.ok(answers > 0 && answers < waiters);
  await clock.advance(0);
  assert.equal(answers, waiters);
  const stopped = play();
  stopped[Symbol.dispose]();
  const before = answers;
  await clock.advance(0);
  assert.equal(answers, before);
});
