import type { Schemas } from "../api/client.ts";
import { type Source, sourcesOf } from "./sources.ts";

/** How far back savings are shown, in days; the manager keeps no more. */
export const PERIODS = ["1", "7", "30", "90"] as const;
export type Period = (typeof PERIODS)[number];

/** What totals are told apart by. */
export const KEYS = ["repository", "registry", "application", "idc"] as const;
export type Key = (typeof KEYS)[number];

const HOUR_MS = 60 * 60_000;
const DAY_MS = 24 * HOUR_MS;
/** Bars for hours; more of them would be too thin. */
const HOURS_MAX = 48;

/** When a period began. */
export function sinceOf(period: Period, nowMs: number): string {
  return new Date(nowMs - Number(period) * DAY_MS).toISOString();
}

/** What came from where in an hour or day; `at` is when it began. */
export interface Interval {
  readonly at: string;
  readonly isDay: boolean;
  readonly values: Readonly<Record<Source, number>>;
}

/**
 * The hours since a time, or its days where there are many: those too in which nothing was moved.
 */
export function intervalsOf(
  hours: readonly Schemas["SavingsRow"][],
  { since, nowMs, startOfDay }: {
    readonly since: string;
    readonly nowMs: number;
    /** When the day of a time began, where the reader is. */
    readonly startOfDay: (ms: number) => number;
  },
): Interval[] {
  const sinceMs = Date.parse(since);
  const isDay = nowMs - sinceMs > HOURS_MAX * HOUR_MS;
  const startOf = (ms: number) => isDay ? startOfDay(ms) : Math.floor(ms / HOUR_MS) * HOUR_MS;
  const sums = new Map<number, Record<Source, number>>();
  for (let ms = startOf(sinceMs); ms <= nowMs; ms += HOUR_MS) {
    if (!sums.has(startOf(ms))) sums.set(startOf(ms), { origin: 0, peer: 0, local: 0 });
  }
  for (const row of hours) {
    const sum = sums.get(startOf(Date.parse(row.name)));
    const { origin, peer, local } = sourcesOf(row);
    if (sum === undefined) continue;
    sum.origin += origin;
    sum.peer += peer;
    sum.local += local;
  }
  return [...sums].map(([ms, values]) => ({ at: new Date(ms).toISOString(), isDay, values }));
}
