import { DamselflyError, errorText } from "../../../core/error.ts";
import { type FoundJob, parseSignature, ROWS_KEPT_SECONDS, type TaskRow, taskRow } from "../../../redis/machinery.ts";
import type { Redis } from "../../../redis/redis.ts";
import type { Clock } from "../../../runtime/clock.ts";
import type { Log } from "../../../runtime/log.ts";

/** How often it is looked into the queue. */
const POLL_INTERVAL_MS = 1_000;
/** How often it is tried to say how a job ended, while Redis is away. */
const ROW_ATTEMPTS_MAX = 60;

/** What {@link QueueWorker} works with. */
export interface QueueWorkerOptions {
  readonly broker: Redis;
  readonly backend: Redis;
  /** The queue that is this scheduler's. */
  readonly queue: string;
  /** Jobs that run at a time; others stay in the queue. */
  readonly jobsMax: number;
  /** Runs a job by its name and arguments; gives what the manager shall read. */
  readonly run: (name: string, payload: string, signal: AbortSignal) => Promise<string>;
  readonly clock: Clock;
  readonly log: Log;
}

/** Takes the jobs that a stock manager puts into this scheduler's queue, and says what became of them. */
export class QueueWorker implements AsyncDisposable {
  readonly #options: QueueWorkerOptions;
  readonly #stop = new AbortController();
  readonly #running = new Set<Promise<void>>();
  readonly #ended: Promise<void>;

  constructor(options: QueueWorkerOptions) {
    this.#options = options;
    this.#ended = this.#loop();
  }

  /** Fails the jobs that run: nobody else has them. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort(new DamselflyError("unavailable", "The scheduler stopped while the job ran; order it again"));
    await this.#ended;
    await Promise.all(this.#running);
  }

  async #loop(): Promise<void> {
    const { clock, jobsMax } = this.#options;
    const { signal } = this.#stop;
    while (!signal.aborted) {
      const text = this.#running.size < jobsMax ? await this.#take() : undefined;
      if (text === undefined) await clock.sleep(POLL_INTERVAL_MS, signal).catch(() => undefined);
      else this.#start(text);
    }
  }

  /** The next job of the queue; undefined when there is none, and while Redis is away, of which its connection tells. */
  async #take(): Promise<string | undefined> {
    const { broker, queue } = this.#options;
    try {
      const reply = await broker.send(queue, ["LPOP", queue]);
      return typeof reply === "string" ? reply : undefined;
    } catch {
      return undefined;
    }
  }

  #start(text: string): void {
    const { log, queue } = this.#options;
    let job: FoundJob;
    try {
      job = parseSignature(text);
    } catch (error) {
      return log.warn("Something in the queue of jobs is none, and was removed", { queue, error });
    }
    const running = this.#run(job).finally(() => this.#running.delete(running));
    this.#running.add(running);
  }

  async #run(job: FoundJob): Promise<void> {
    const { clock, log, run } = this.#options;
    const createdAtMs = clock.wallMs();
    const write = (row: TaskRow) => this.#write(job, taskRow({ ...job, createdAtMs }, row));
    await write({ state: "STARTED" });
    let row: TaskRow;
    try {
      row = { state: "SUCCESS", result: await run(job.name, job.payload, this.#stop.signal) };
    } catch (error) {
      row = { state: "FAILURE", error: errorText(this.#stop.signal.aborted ? this.#stop.signal.reason : error) };
    }
    const isSaid = await write(row);
    log.info("A job of the queue has ended", { task: job.taskUuid, name: job.name, state: row.state, isSaid });
  }

  /** Whether the manager can read it; it is tried for a minute, and once when the scheduler stops. */
  async #write({ taskUuid }: FoundJob, row: string): Promise<boolean> {
    const { backend, clock } = this.#options;
    const { signal } = this.#stop;
    for (let attempt = 1;; attempt++) {
      try {
        await backend.send(taskUuid, ["SET", taskUuid, row, "EX", String(ROWS_KEPT_SECONDS)]);
        return true;
      } catch {
        if (attempt === ROW_ATTEMPTS_MAX || signal.aborted) return false;
        await clock.sleep(POLL_INTERVAL_MS, signal).catch(() => undefined);
      }
    }
  }
}
