import { DamselflyError, isCancelled } from "../../core/error.ts";
import { formatMs } from "../format.ts";
import { printable } from "../table.ts";
import { StatusLine } from "../status_line.ts";
import { EXIT } from "../daemon_error.ts";
import { readAs, type ShowFlags, showJson } from "./answers.ts";
import type { Context } from "./context.ts";
import { countsOf, failuresOf, isOver, Job } from "./job_view.ts";
import type { ManagerClient } from "./manager_client.ts";

/** Who is asked how far the job is. */
type Manager = Pick<ManagerClient, "send">;

const POLL_INTERVAL_MS = 1_000;
/** How long the manager may be away, as during its restart. */
const AWAY_MAX_MS = 60_000;
/** Where nobody watches a line that is rewritten, one is written so often at most. */
const LINE_INTERVAL_MS = 10_000;

/**
 * Waits until a job is over, shows how far it is, and then what became of it; gives the exit code. Interrupted it says
 * that the job goes on. Throws `timeout` after `timeoutMs`.
 */
export async function waitForJob(
  context: Context,
  manager: Manager,
  { id, timeoutMs, ...flags }: ShowFlags & { readonly id: number; readonly timeoutMs: number },
): Promise<number> {
  const { runtime: { clock }, terminal, signal } = context;
  const startedAt = clock.now();
  using limit = clock.deadline(timeoutMs);
  let row: unknown;
  try {
    row = await lastRow(context, manager, id, AbortSignal.any([signal, limit.signal]));
  } catch (error) {
    const goesOn = `Job ${id} goes on: dfctl job wait ${id} waits for it, dfctl job cancel ${id} ends it`;
    if (signal.aborted) terminal.printError(`${goesOn}.\n`);
    else if (limit.signal.aborted) throw new DamselflyError("timeout", goesOn, { cause: error });
    throw error;
  }
  const job = readAs(Job, row);
  const { done, failed } = countsOf(job);
  for (const line of failuresOf(job)) terminal.printError(`${printable(line)}\n`);
  if (flags.json === true) showJson(terminal, row);
  else {terminal.print(
      `Job ${id}: ${job.state}, ${done} done, ${failed} failed, in ${formatMs(clock.now() - startedAt)}\n`,
    );}
  return job.state === "SUCCESS" ? EXIT.done : EXIT.failed;
}

/** The row of a job that is over. */
async function lastRow(context: Context, manager: Manager, id: number, signal: AbortSignal): Promise<unknown> {
  const { runtime: { clock }, terminal } = context;
  using status = new JobStatus(context);
  let awaySince: number | undefined;
  for (;; await clock.sleep(POLL_INTERVAL_MS, signal)) {
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
    const { done, failed } = countsOf(job);
    const text = `Job ${job.id}: ${job.state}, ${done} done, ${failed} failed`;
    this.#line.show(() => `${text}, ${formatMs(now - this.#startedAt)}`);
    if (terminal.isTty || text === this.#last || now - this.#writtenAt < LINE_INTERVAL_MS) return;
    this.#last = text;
    this.#writtenAt = now;
    terminal.printError(`${text}\n`);
  }

  [Symbol.dispose](): void {
    this.#line[Symbol.dispose]();
  }
}
