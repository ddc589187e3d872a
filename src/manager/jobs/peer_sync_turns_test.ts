import assert from "node:assert/strict";
import { DamselflyError } from "../../core/error.ts";
import { forever, stage } from "./jobs_stage_test.ts";

const MINUTE_MS = 60_000;
const INTERVAL_MS = 10 * MINUTE_MS;

Deno.test("peers are synchronized by the clock, by one of the managers", async () => {
  await using manager = await stage({ interval: INTERVAL_MS, timeout: MINUTE_MS });
  const { store, calls, clock, open } = manager;
  await using other = open(2, {});
  const asked = () => calls.asked.splice(0).concat(other.calls.asked.splice(0));
  assert.equal((await store.peers.list({}, { offset: 0, limit: 10 })).total, 4, "the first time is at the start");
  await clock.advance(INTERVAL_MS - MINUTE_MS);
  assert.deepEqual(asked(), []);
  await clock.advance(2 * MINUTE_MS);
  assert.deepEqual(asked(), ["a-1", "b"]);
});

Deno.test("where peers cannot be synchronized the other clusters are, and it is tried again soon", async () => {
  await using manager = await stage({ interval: INTERVAL_MS, timeout: MINUTE_MS });
  const { calls, clock, log } = manager;
  calls.run = (hostname) => {
    return hostname === "b" ? Promise.resolve() : Promise.reject(new DamselflyError("internal", "it broke"));
  };
  await clock.advance(INTERVAL_MS + MINUTE_MS);
  assert.deepEqual(calls.asked.splice(0), ["a-1", "b"]);
  assert.deepEqual(log.lines.map(({ level }) => level), ["warn"]);
  calls.run = () => Promise.resolve();
  await clock.advance(6 * MINUTE_MS);
  assert.deepEqual(calls.asked.splice(0), ["a-1", "b"]);
  await clock.advance(3 * MINUTE_MS);
  assert.deepEqual(calls.asked, []);
});

Deno.test("a scheduler that does not answer holds a count for its time and no longer", async () => {
  await using manager = await stage({ interval: INTERVAL_MS, timeout: MINUTE_MS });
  const { calls, clock, log } = manager;
  calls.run = forever;
  await clock.advance(INTERVAL_MS + 3 * MINUTE_MS);
  assert.match(String(log.lines[0]?.fields["error"]), /Time limit of 60000 ms/);
});

Deno.test("without a scheduler nothing is synchronized, and nothing is said", async () => {
  await using manager = await stage({ interval: INTERVAL_MS, timeout: MINUTE_MS });
  const { calls, clock, log, schedulers } = manager;
  schedulers.areLive = false;
  await clock.advance(INTERVAL_MS + MINUTE_MS);
  assert.deepEqual([calls.asked, log.lines], [[], []]);
});
