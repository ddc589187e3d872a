import { DamselflyError, isCancelled } from "../../core/error.ts";
import { formatBar, formatMs } from "../format.ts";
import { printable } from "../table.ts";
import { StatusLine } from "../status_line.ts";
import { EXIT } from "../daemon_error.ts";
import { readAs, type ShowFlags, showJson } from "./answers.ts";
import type { Context } from "./context.ts";
import { countsOf, failuresOf, isOver, Job } from "./job_view.ts";
import type { ManagerClient } from "./manager_client.ts";

/** Who is asked how far the job is. */
type Manager = Pick<ManagerClient, "send">;

/** Pauses between questions: many jobs are over soon. */
const PAUSE_MS = { first: 100, longest: 1_000 };
/** How long the manager may be away, as during its restart. */
const AWAY_MAX_MS = 60_000;
/** Where nobody watches a line that is rewritten, one is written so often at most. */
const LINE_INTERVAL_MS = 10_000;

/** Which job is waited for, and how long. */
export interface JobWait {
  readonly id: number;
  readonly timeoutMs: number;
}

/** Waits until a job is over, and shows how far it is and what became of it; gives the exit code. Throws as {@link endedJob}. */
export async function waitForJob(
  context: Context,
  manager: Manager,
  { json, ...wait }: ShowFlags & JobWait,
): Promise<number> {
  const { runtime: { clock }, terminal } = context;
  const startedAt = clock.now();
  const row = await endedJob(context, manager, wait);
  const job = readAs(Job, row);
  const { done, failed } = countsOf(job);
  const took = formatMs(clock.now() - startedAt);
  showFailures(context, job);
  if (json === true) showJson(terminal, row);
  else terminal.print(`Job ${job.id}: ${job.state}, ${done} done, ${failed} failed, waited ${took}\n`);
  return job.state === "SUCCESS" ? EXIT.done : EXIT.failed;
}

/** Prints why a job failed, or what failed of it. */
export function showFailures({ terminal }: Pick<Context, "terminal">, job: Job): void {
  for (const line of failuresOf(job)) terminal.printError(`${printable(line)}\n`);
}

/**
 * The row of a job once it is over; shows how far it is. Interrupted it says that the job goes on. Throws `timeout` after
 * `timeoutMs`.
 */
export async function endedJob(context: Context, manager: Manager, { id, timeoutMs }: JobWait): Promise<unknown> {
  const { runtime: { clock }, terminal, signal } = context;
  using limit = clock.deadline(timeoutMs);
  try {
    return await lastRow(context, manager, id, AbortSignal.any([signal, limit.signal]));
  } catch (error) {
    const goesOn = `Job ${id} goes on: dfctl job wait ${id} waits for it, dfctl job cancel ${id} ends it`;
    if (signal.aborted) terminal.printError(`${goesOn}.\n`);
    else if (limit.signal.aborted) throw new DamselflyError("timeout", goesOn, { cause: error });
    throw error;
  }
}

/** The row of a job that is over. */
async function lastRow(context: Context, manager: Manager, id: number, signal: AbortSignal): Promise<unknown> {
  const { runtime: { clock }, terminal } = context;
  using status = new JobStatus(context);
  let awaySince: number | undefined;
  for (let pauseMs = PAUSE_MS.first;; pauseMs = Math.min(2 * pauseMs, PAUSE_MS.longest)) {
    try {
      const row = await manager.send("GET", `jobs/${id}`);
      awaySince = undefined;
      const job = readAs(Job, row);
      if (isOver(job)) return row;
      status.show(job);
    } catch (error) {
      if (isCancelled(error) || !(error instanceof DamselflyError)) throw error;
      const isAway = error.code === "unavailable" || error.code === "timeout";
      awaySince ??= clock.now();
      if (!isAway || clock.now() - awaySince > AWAY_MAX_MS) throw error;
      if (!terminal.isTty) terminal.printError(`${printable(error.message)}; trying again\n`);
    }
    await clock.sleep(pauseMs, signal);
  }
}

/** How far a job is: one line that changes on a terminal, else lines now and then. */
class JobStatus implements Disposable {
  readonly #context: Context;
  readonly #line: StatusLine;
  readonly #startedAt: number;
  #last = "";
  #writtenAt = -Infinity;

  constructor(context: Context) {
    this.#context = context;
    this.#line = new StatusLine(context.terminal, context.runtime.clock);
    this.#startedAt = context.runtime.clock.now();
  }

  show(job: Job): void {
    const { runtime: { clock }, terminal } = this.#context;
    const now = clock.now();
    const { done, failed, expected } = countsOf(job);
    const ofAll = expected === 0 ? "" : ` of ${expected}`;
    const text = `Job ${job.id}: ${job.state}, ${done}${ofAll} done, ${failed} failed`;
    const bar = expected === 0 ? "" : `${formatBar(done + failed, expected)} `;
    this.#line.show(() => `${bar}${text}, ${formatMs(now - this.#startedAt)}`);
    if (terminal.isTty || text === this.#last || now - this.#writtenAt < LINE_INTERVAL_MS) return;
    this.#last = text;
    this.#writtenAt = now;
    terminal.printError(`${text}\n`);
  }

  [Symbol.dispose](): void {
    this.#line[Symbol.dispose]();
  }
}
