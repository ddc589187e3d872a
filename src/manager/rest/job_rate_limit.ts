import type { Clock } from "../../runtime/clock.ts";

/** Jobs per second of a cluster that does not say. */
const RATE_DEFAULT = 10;
const SECOND_MS = 1_000;

/** A cluster that gets a job, and how many it may get per second. */
export interface RatedCluster {
  readonly id: number;
  readonly jobRateLimit: number | undefined;
}

/** Limits how many jobs a cluster gets per second, for one manager or for all. */
export interface JobRateLimiter {
  /** Counts a job for all of `clusters`, or for none when one of them has too many; whether it counted. */
  take(clusters: readonly RatedCluster[]): boolean | Promise<boolean>;
}

/** The time that a job of a cluster takes up, in milliseconds. */
export function jobIntervalMs({ jobRateLimit = RATE_DEFAULT }: RatedCluster): number {
  return SECOND_MS / jobRateLimit;
}

/** Limits how many jobs a cluster gets per second, by its `job_rate_limit`; a second's worth may come at once. */
export class JobRateLimit implements JobRateLimiter {
  readonly #clock: Clock;
  /** When the last of the jobs taken so far would be due, if they came one after another (GCRA), by cluster: one entry for each that exists. */
  readonly #dueAtMs = new Map<number, number>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  take(clusters: readonly RatedCluster[]): boolean {
    const now = this.#clock.now();
    const next = clusters.map((cluster) => {
      const { id } = cluster;
      return { id, dueAtMs: Math.max(this.#dueAtMs.get(id) ?? now, now) + jobIntervalMs(cluster) };
    });
    if (next.some(({ dueAtMs }) => dueAtMs > now + SECOND_MS + 1e-6)) return false;
    for (const { id, dueAtMs } of next) this.#dueAtMs.set(id, dueAtMs);
    return true;
  }
}
