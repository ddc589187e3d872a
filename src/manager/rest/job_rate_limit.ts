import type { Clock } from "../../runtime/clock.ts";

/** Jobs per second of a cluster that does not say. */
const RATE_DEFAULT = 10;
const SECOND_MS = 1_000;

/** Limits how many jobs a cluster gets per second, by its `job_rate_limit`; a second's worth may come at once. */
export class JobRateLimit {
  readonly #clock: Clock;
  /** When the last of the jobs taken so far would be due, if they came one after another (GCRA), by cluster: one entry for each that exists. */
  readonly #dueAtMs = new Map<number, number>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Counts a job for all of `clusters`, or for none when one of them has too many; whether it counted. */
  take(clusters: readonly { readonly id: number; readonly jobRateLimit: number | undefined }[]): boolean {
    const now = this.#clock.now();
    const next = clusters.map(({ id, jobRateLimit = RATE_DEFAULT }) => {
      return { id, dueAtMs: Math.max(this.#dueAtMs.get(id) ?? now, now) + SECOND_MS / jobRateLimit };
    });
    if (next.some(({ dueAtMs }) => dueAtMs > now + SECOND_MS + 1e-6)) return false;
    for (const { id, dueAtMs } of next) this.#dueAtMs.set(id, dueAtMs);
    return true;
  }
}
