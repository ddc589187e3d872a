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
