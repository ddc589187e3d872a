import { DamselflyError, errorText } from "../../core/error.ts";
import type { Seal } from "../seal.ts";
import type { JobEnd, JobLease, TakenJob } from "../store/job_queue.ts";
import type { Job } from "../store/jobs.ts";
import { JsonObject } from "../store/records.ts";
import { jobResult } from "./job_result.ts";
import { JobRun, type JobRunOptions, overdueError } from "./job_run.ts";
import { HEARTBEAT_MS, isOver, LeaseWatch, UNHEARD_MAX_MS } from "./leases.ts";

/** Jobs that one manager runs at a time. */
export const RUNNING_MAX = 100;
/** Leases that it looks at: those of all that wait, and of what so many managers run. */
const LEASES_MAX = 5_000;
/** How often the row of a job tells what is new. */
const NOTE_INTERVAL_MS = 2_000;
/** How long the order of a failed job is kept, so that it can be tried again. */
const KEPT_MS = 24 * 60 * 60_000;

/** What {@link JobWorker} works with. */
export interface JobWorkerOptions extends JobRunOptions {
  /** Opens orders. */
  readonly seal: Seal;
}

interface Running {
  /** Ends the job, for the reason that it fails with. */
  readonly stop: AbortController;
  /** Leaves the job to other managers. */
  readonly left: AbortController;
  readonly ended: Promise<void>;
}

/**
 * Runs jobs of the queue that all managers of a database share. What it runs is its own as long as it says every few
 * seconds that it lives; then nobody else runs it. When it cannot say so it lets go, before others take over.
 */
export class JobWorker implements AsyncDisposable {
  readonly #options: JobWorkerOptions;
  readonly #owner: string;
  readonly #watch = new LeaseWatch();
  readonly #running = new Map<number, Running>();
  /** Jobs whose rows cannot be read. */
  readonly #unreadable = new Set<number>();
  readonly #timer: Disposable;
  /** When it last said that it lives. */
  #heardMs: number;
  #isWanted = false;
  #isFailing = false;
  #isStopped = false;
  #rounds: Promise<void> | undefined;

  constructor(options: JobWorkerOptions) {
    this.#options = options;
    this.#owner = options.random.uuid();
    this.#heardMs = options.clock.now();
    this.#timer = options.clock.every(HEARTBEAT_MS, () => this.#beat());
    this.look();
  }

  /** Says that a job waits, which may have a place. */
  wake(): void {
    if (this.#running.size < RUNNING_MAX) this.look();
  }

  /** Looks now for jobs that it can run; resolves when it has begun with them. */
  look(): Promise<void> {
    this.#isWanted = true;
    return this.#rounds ??= this.#runRounds();
  }

  /** Ends a job that has not ended, and waits for that where it runs here. */
  async cancel(jobId: number, by: string): Promise<void> {
    if (!await this.#options.store.jobQueue.cancel(jobId, by)) return;
    this.#running.get(jobId)?.stop.abort(cancelledError(by));
    await this.look();
    await this.#running.get(jobId)?.ended;
  }

  /** Stops what runs and leaves it to other managers, or to the next start. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isStopped = true;
    this.#timer[Symbol.dispose]();
    this.#leave([...this.#running.keys()]);
    await this.#rounds;
    await Promise.all([...this.#running.values()].map(({ ended }) => ended));
    try {
      await this.#options.store.jobQueue.release(this.#owner);
    } catch (error) {
      this.#options.log.warn("Jobs could not be given back: other managers take them soon", { error });
    }
  }

  #beat(): void {
    const { clock, log } = this.#options;
    if (this.#running.size > 0 && clock.now() - this.#heardMs >= UNHEARD_MAX_MS) {
      log.warn("Jobs are left to other managers, for the database does not answer", { jobs: this.#running.size });
      this.#leave([...this.#running.keys()]);
    }
    this.look();
  }

  async #runRounds(): Promise<void> {
    while (this.#isWanted && !this.#isStopped) {
      this.#isWanted = false;
      try {
        await this.#renew();
        await this.#take();
        this.#isFailing = false;
      } catch (error) {
        if (!this.#isFailing) this.#options.log.error("The queue of jobs could not be looked at", { error });
        this.#isFailing = true;
      }
    }
    this.#rounds = undefined; // in the same turn as the last look at what is wanted
  }

  /** Says that this manager lives, and learns what was wanted meanwhile of the jobs that it runs. */
  async #renew(): Promise<void> {
    const { clock, store: { jobQueue } } = this.#options;
    const nowMs = clock.now();
    const before = [...this.#running.keys()];
    const leases = before.length === 0 ? [] : await jobQueue.renew(this.#owner);
    this.#heardMs = nowMs;
    const own = new Set(leases.map(({ jobId }) => jobId));
    this.#leave(before.filter((id) => !own.has(id)));
    for (const { jobId, cancelledBy } of leases) {
      if (cancelledBy !== "") this.#running.get(jobId)?.stop.abort(cancelledError(cancelledBy));
    }
  }

  async #take(): Promise<void> {
    const { clock, store: { jobQueue } } = this.#options;
    const leases = (await jobQueue.leases(LEASES_MAX))
      .filter(({ jobId }) => !this.#running.has(jobId) && !this.#unreadable.has(jobId));
    const nowMs = clock.now();
    const places = RUNNING_MAX - this.#running.size;
    for (const lease of this.#watch.choose(leases, { owner: this.#owner, places, nowMs, wallMs: clock.wallMs() })) {
      if (clock.now() - nowMs >= HEARTBEAT_MS) return; // the others after the next sign of life
      const taken = await jobQueue.take(lease, this.#owner).catch((error) => this.#refuse(lease, error));
      if (this.#isStopped) return; // it is given back with the others
      if (taken !== undefined) this.#begin(lease, taken);
    }
  }

  /** Leaves out a job whose row cannot be read, so that those behind it have their turn. Throws any other error. */
  #refuse({ jobId }: JobLease, error: unknown): undefined {
    if (!(error instanceof DamselflyError) || error.code !== "data_loss") throw error;
    if (this.#unreadable.size >= LEASES_MAX) this.#unreadable.clear();
    this.#unreadable.add(jobId);
    this.#options.log.error("A job cannot be read, and so is not run", { id: jobId, error });
  }

  #begin(lease: JobLease, taken: TakenJob): void {
    const { clock, log } = this.#options;
    const { id, type } = taken.job;
    if (lease.owner !== "" && lease.owner !== this.#owner) {
      log.warn("A job goes on here, for the manager that ran it is gone", { id, type });
    }
    const [stop, left] = [new AbortController(), new AbortController()];
    if (isOver(lease, clock.wallMs())) {
      stop.abort(lease.cancelledBy === "" ? overdueError() : cancelledError(lease.cancelledBy));
    }
    const ended = this.#run(lease, taken, { stop: stop.signal, left })
      .catch((error) => log.error("A job could not be run", { id, error }))
      .finally(() => {
        this.#running.delete(id);
        if (!this.#isStopped) this.look();
      });
    this.#running.set(id, { stop, left, ended });
  }

  async #run(
    { deadlineMs }: JobLease,
    { job, sealed }: TakenJob,
    { stop, left }: { readonly stop: AbortSignal; readonly left: AbortController },
  ): Promise<void> {
    const { clock, log, store: { jobQueue }, seal } = this.#options;
    let args: JsonObject;
    try {
      args = JsonObject.parse(JSON.parse(seal.open(sealed, job.taskId)));
    } catch (error) {
      return await this.#end(job, failedBefore(job, errorText(error), clock.wallMs()), left.signal);
    }
    if (job.schedulerClusterIds.length === 0) {
      return await this.#end(job, failedBefore(job, "The clusters of the job are gone", clock.wallMs()), left.signal);
    }
    const run = new JobRun({ job, args, deadlineMs }, this.#options);
    let noting: Promise<void> | undefined;
    let noted = -1;
    const note = async () => {
      const { news } = run;
      try {
        await jobQueue.note(this.#owner, job.id, run.state().result);
        noted = news;
      } catch (error) {
        if (!isAway(error)) log.error("The progress of a job could not be stored", { id: job.id, error });
      }
    };
    const timer = clock.every(NOTE_INTERVAL_MS, () => {
      // What is left has not failed, whatever its tasks say on their way out.
      if (run.news !== noted && !left.signal.aborted) noting ??= note().finally(() => noting = undefined);
    });
    await run.run(AbortSignal.any([stop, left.signal]));
    timer[Symbol.dispose]();
    await noting;
    await this.#end(job, run.state(), left.signal);
  }

  /** Stores how a job ended, as soon as that can be done; one whose result cannot be stored has failed. */
  async #end(job: Job, result: JobEnd, left: AbortSignal): Promise<void> {
    const { clock, log, store: { jobQueue } } = this.#options;
    const { id, type } = job;
    let end = result;
    while (!left.aborted) {
      try {
        const keptUntilMs = end.state === "FAILURE" ? clock.wallMs() + KEPT_MS : 0;
        if (await jobQueue.end(this.#owner, id, end, keptUntilMs)) {
          log.info("A job has ended", { id, type, state: end.state });
        }
        return;
      } catch (error) {
        log.error("The end of a job could not be stored, which is tried again", { id, error });
        if (!isAway(error)) end = failedBefore(job, `The result cannot be stored: ${errorText(error)}`, clock.wallMs());
      }
      await clock.sleep(HEARTBEAT_MS, left).catch(() => {}); // then it is left
    }
  }

  #leave(jobIds: readonly number[]): void {
    for (const id of jobIds) this.#running.get(id)?.left.abort(new DamselflyError("cancelled", "The job was left"));
  }
}

/** Whether the database cannot be reached, of which it is told elsewhere. */
function isAway(error: unknown): boolean {
  return error instanceof DamselflyError && error.code === "unavailable";
}

/** How the reason of a job begins that somebody cancelled. */
export const CANCELLED_BY = "The job was cancelled by";

function cancelledError(by: string): DamselflyError {
  return new DamselflyError("cancelled", `${CANCELLED_BY} ${by}`);
}

/** The end of a job that could not begin. */
function failedBefore(
  { taskId, type, createdAtMs }: Job,
  error: string,
  nowMs: number,
): JobEnd {
  const tasks = [{ uuid: "", state: "FAILURE" as const, results: [], error }];
  return jobResult({ taskId, type, createdAtMs, nowMs, tasks });
}
