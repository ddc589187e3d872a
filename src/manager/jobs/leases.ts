import type { JobLease } from "../store/job_queue.ts";

/** How often a manager says that it runs its jobs, and looks for others that it could run. */
export const HEARTBEAT_MS = 3_000;
/** A manager that could not say so for this long stops its jobs, before others take them. */
export const UNHEARD_MAX_MS = 4 * HEARTBEAT_MS;
/** A job whose manager said nothing for this long is run by nobody. */
export const LOST_AFTER_MS = 20_000;

/** What {@link LeaseWatch.choose} goes by. */
export interface LeaseChoice {
  /** The manager that chooses. */
  readonly owner: string;
  /** Its monotonic time. */
  readonly nowMs: number;
  readonly wallMs: number;
  /** How many jobs it has a place for. */
  readonly places: number;
}

/**
 * Tells which jobs a manager shall take. That another one is gone is seen by its beats, which stand still: of clocks only
 * the watcher's own counts.
 */
export class LeaseWatch {
  /** Of each job of another manager its lease, and since when it stands still. */
  #seen = new Map<number, { readonly lease: JobLease; readonly sinceMs: number }>();

  /**
   * Of `leases`, those of the jobs that the manager does not run, in their order: the jobs that only have to be ended, and
   * the first that there is a place for. One that it has all the same was left, and may begin again.
   */
  choose(leases: readonly JobLease[], { owner, nowMs, wallMs, places }: LeaseChoice): JobLease[] {
    const others = leases.filter((lease) => lease.owner !== "" && lease.owner !== owner);
    this.#seen = new Map(others.map((lease) => [lease.jobId, { lease, sinceMs: this.#sinceMs(lease, nowMs) }]));
    let left = places;
    return leases.filter((lease) => {
      if (lease.owner !== owner && !this.#isFree(lease, nowMs)) return false;
      return isOver(lease, wallMs) || left-- > 0;
    });
  }

  #sinceMs(lease: JobLease, nowMs: number): number {
    const seen = this.#seen.get(lease.jobId);
    return seen?.lease.owner === lease.owner && seen.lease.beat === lease.beat ? seen.sinceMs : nowMs;
  }

  #isFree({ jobId, owner }: JobLease, nowMs: number): boolean {
    return owner === "" || nowMs - (this.#seen.get(jobId)?.sinceMs ?? nowMs) >= LOST_AFTER_MS;
  }
}

/** Whether nothing is left to do for a job but to end it: somebody wants that, or its time is over. */
export function isOver({ cancelledBy, deadlineMs }: JobLease, wallMs: number): boolean {
  return cancelledBy !== "" || deadlineMs <= wallMs;
}
