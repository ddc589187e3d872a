/// <reference lib="deno.ns" />
import assert from "node:assert/strict";
import { intervalsOf, sinceOf } from "./periods.ts";

const HOUR_MS = 3_600_000;
const NOW = Date.UTC(2026, 5, 20, 10, 30);
/** Of a reader two hours east of Greenwich. */
const startOfDay = (ms: number) => Math.floor((ms + 2 * HOUR_MS) / (24 * HOUR_MS)) * 24 * HOUR_MS - 2 * HOUR_MS;

function hour(name: string, peer_bytes: number) {
  return { name, origin_bytes: 1, peer_bytes, local_bytes: 0, served_bytes: 0, saved_bytes: 0, pulls: 0 };
}

Deno.test("a day is told by the hour, those too in which nothing was moved", () => {
  const since = sinceOf("1", NOW);
  assert.equal(since, "2026-06-19T10:30:00.000Z");
  const rows = [hour("2026-06-19T10:00:00.000Z", 5), hour("2026-06-20T10:00:00.000Z", 7)];
  const intervals = intervalsOf(rows, { since, nowMs: NOW, startOfDay });
  assert.equal(intervals.length, 25);
  assert.deepEqual(intervals[0], {
    ...{ at: "2026-06-19T10:00:00.000Z", isDay: false, values: { origin: 1, peer: 5, local: 0 } },
  });
  assert.deepEqual(intervals.map(({ values: { peer } }) => peer).filter((peer) => peer > 0), [5, 7]);
  assert.equal(intervals.at(-1)?.values.peer, 7);
});

Deno.test("longer periods are told by the reader's days, and what was before them is left out", () => {
  const rows = [
    hour("2026-06-12T21:00:00.000Z", 9),
    hour("2026-06-13T21:00:00.000Z", 1),
    hour("2026-06-13T22:00:00.000Z", 2),
    hour("2026-06-14T21:00:00.000Z", 3),
  ];
  const intervals = intervalsOf(rows, { since: sinceOf("7", NOW), nowMs: NOW, startOfDay });
  assert.deepEqual(intervals.map(({ values: { peer } }) => peer), [1, 5, 0, 0, 0, 0, 0, 0]);
  assert.deepEqual([intervals[1]?.at, intervals[1]?.isDay], ["2026-06-13T22:00:00.000Z", true]);
});
