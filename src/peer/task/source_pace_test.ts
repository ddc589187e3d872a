import assert from "node:assert/strict";
import { testRuntime } from "../../testing/test_runtime.ts";
import { VirtualClock } from "../../testing/virtual_clock.ts";
import { blob, digestOf, NEVER } from "./harness_test.ts";
import { SourcePace } from "./source_pace.ts";
import { SourceRequests } from "./source_requests.ts";
import type { SourceStage } from "./source_stage.ts";

const MIB = 1024 * 1024;

/** The pace of a download whose second requester knows another source. */
function paceOf(clock: VirtualClock) {
  const requests = new SourceRequests({ url: "http://a/x", headers: {} });
  requests.add({ url: "http://b/x", headers: {} });
  const { log } = testRuntime();
  const stored = { record: { digest: digestOf(blob(1)) } };
  const pace = new SourcePace({ clock, log, requests, stored } as unknown as SourceStage);
  const changes = () => log.lines.filter(({ message }) => message.startsWith("The source is slow")).length;
  return { pace, changes, [Symbol.dispose]: () => pace[Symbol.dispose]() };
}

/** Waits for the source for so many milliseconds. */
async function wait(clock: VirtualClock, pace: SourcePace, ms: number): Promise<void> {
  const waited = pace.waited(clock.sleep(ms, NEVER));
  await clock.advance(ms);
  await waited;
}

Deno.test("a source is not slow for the time in which nothing of it was waited for", async () => {
  const clock = new VirtualClock();
  using bench = paceOf(clock);
  await wait(clock, bench.pace, 500);
  await clock.advance(60_000);
  assert.equal(bench.changes(), 0);
});

Deno.test("a source that is waited for and gives nothing is left, also when the disk takes most of the time", async () => {
  const clock = new VirtualClock();
  using bench = paceOf(clock);
  for (let round = 0; round < 6; round++) {
    await wait(clock, bench.pace, 200);
    await clock.advance(1_800);
  }
  assert.equal(bench.changes(), 1);
});

Deno.test("what several transfers wait for at once counts once, from the first to the last", async () => {
  for (const [bytes, changes] of [[3 * MIB, 0], [MIB, 1]] as const) {
    const clock = new VirtualClock();
    using bench = paceOf(clock);
    bench.pace.count(bytes);
    const waits: Promise<void>[] = [];
    for (const ms of [1_900, 1_300, 700]) {
      waits.push(bench.pace.waited(clock.sleep(ms, NEVER)));
      await clock.advance(600);
    }
    await clock.advance(200);
    await Promise.all(waits);
    assert.equal(bench.changes(), changes);
  }
});
