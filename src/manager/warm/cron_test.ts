import assert from "node:assert/strict";
import { failsWith } from "../store/store_builders_test.ts";
import { parseCron } from "./cron.ts";

/** The next `count` times after `from`. */
function times(cron: string, zone: string, from: string, count: number): string[] {
  const { after } = parseCron(cron, zone);
  const found: number[] = [];
  while (found.length < count) found.push(after(found.at(-1) ?? Date.parse(from)));
  return found.map((ms) => new Date(ms).toISOString());
}

Deno.test("a cron line is read in its zone, in summer and in winter", () => {
  assert.deepEqual(times("30 2 * * *", "UTC", "2026-07-01T02:30:00Z", 2), [
    ...["2026-07-02T02:30:00.000Z", "2026-07-03T02:30:00.000Z"],
  ]);
  assert.deepEqual(times("0 6 * * MON-FRI", "Europe/Berlin", "2026-01-02T05:00:00Z", 1), ["2026-01-05T05:00:00.000Z"]);
  assert.deepEqual(times("0 6 * * *", "Europe/Berlin", "2026-07-01T05:00:00Z", 1), ["2026-07-02T04:00:00.000Z"]);
});

Deno.test("a time that the clocks leave out comes once they have, and one that they have twice comes once", () => {
  assert.deepEqual(times("30 2 * * *", "Europe/Berlin", "2026-03-28T02:00:00Z", 2), [
    ...["2026-03-29T01:00:00.000Z", "2026-03-30T00:30:00.000Z"],
  ]);
  assert.deepEqual(times("30 2 * * *", "Europe/Berlin", "2026-10-24T23:00:00Z", 2), [
    ...["2026-10-25T00:30:00.000Z", "2026-10-26T01:30:00.000Z"],
  ]);
});

Deno.test("every quarter of an hour is as often on the day on which the clocks go back", () => {
  const all = times("*/15 * * * *", "Europe/Berlin", "2026-10-24T22:00:00Z", 100);
  const steps = all.slice(1).map((time, index) => Date.parse(time) - Date.parse(all[index] ?? ""));
  assert.deepEqual(new Set(steps), new Set([15 * 60_000]));
});

Deno.test("a time that never comes is none", () => {
  assert.equal(parseCron("0 0 31 2 *", "UTC").after(0), 0);
});

Deno.test("what is no cron line, and no zone, is refused with what is expected", () => {
  for (
    const text of ["", "* * * *", "* * * * * *", "@daily", "61 * * * *", "a b c d e", "2026-01-01T00:00:00 * * * *"]
  ) {
    assert.throws(() => parseCron(text, "UTC"), failsWith("invalid_argument", /^Cannot read cron/));
  }
  for (const zone of ["", "Mars/Phobos", "Europe/Berlin\n"]) {
    assert.throws(() => parseCron("* * * * *", zone), failsWith("invalid_argument", /^Cannot read time zone/));
  }
});
