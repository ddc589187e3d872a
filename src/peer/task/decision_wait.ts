import { errorText } from "../../core/error.ts";
import { orAbort } from "../../runtime/or_abort.ts";
import type { Runtime } from "../../runtime/runtime.ts";
import type { Decision, PeerEvent } from "../control/control.ts";
import type { PullNotes } from "./pull_journal.ts";
import type { Conversation } from "./report.ts";
import type { SourceLine } from "./source_line.ts";

/**
 * How long a decision may take before the scheduler is asked whether it lives. It may be waiting for somebody who is
 * about to bring the task into the swarm: as long as it answers it says how many go to the source, so that one copy is
 * enough. When it does not, the source is asked meanwhile.
 */
const DOUBT_MS = 300;

/** What a decision is waited for with. */
export interface DecisionWaitParts {
  readonly runtime: Pick<Runtime, "clock" | "log">;
  readonly notes: PullNotes;
  readonly talk: Pick<Conversation, "ask" | "isAlive" | "failure">;
  readonly line: Pick<SourceLine, "complete" | "isUnderWay" | "start">;
  readonly taskId: string;
  /** Whether the source may be asked by somebody who was not told to. */
  readonly mayDoubt: boolean;
}

/** The wait for one decision of the scheduler about one download. */
export class DecisionWait {
  readonly #parts: DecisionWaitParts;
  readonly #askedAt: number;
  /** The source is asked meanwhile. */
  #isAtSource: boolean;
  /** The scheduler has answered meanwhile that it lives. */
  #isAlive = false;

  constructor(parts: DecisionWaitParts) {
    this.#parts = parts;
    this.#askedAt = parts.runtime.clock.now();
    this.#isAtSource = parts.line.isUnderWay;
  }

  /**
   * Says something that is answered with a decision. While the scheduler does not even say that it lives, the source is
   * asked; when everything has come from there, that is the decision.
   */
  async ask(event: PeerEvent, signal: AbortSignal): Promise<Decision | undefined> {
    const { talk, line } = this.#parts;
    const over = new AbortController();
    const doubting = this.#doubt(AbortSignal.any([signal, over.signal]));
    const complete = line.complete.then(() => ({ kind: "back_to_source", description: "it was faster" }) as const);
    const answer = talk.ask(event);
    answer.then((decision) => this.#noteAnswer(decision), () => this.#noteAnswer());
    try {
      return await Promise.race([answer, complete]);
    } finally {
      over.abort();
      await doubting;
    }
  }

  /** While the source is asked nobody waits for an answer. */
  #noteAnswer(decision?: Decision): void {
    const { notes, talk: { failure }, runtime: { clock } } = this.#parts;
    const ms = this.#isAtSource ? 0 : clock.now() - this.#askedAt;
    const detail = decision?.kind === "back_to_source" ? decision.description : "";
    if (failure === undefined) notes.note(this.#isAlive ? "seed_awaited" : "decision", { ms, detail });
    else notes.note("scheduler_failure", { ms, detail: errorText(failure) });
  }

  async #doubt(signal: AbortSignal): Promise<void> {
    const { mayDoubt, talk, line, notes, taskId, runtime: { clock, log } } = this.#parts;
    if (!mayDoubt) return;
    try {
      await clock.sleep(DOUBT_MS, signal);
      this.#isAlive = await orAbort(talk.isAlive(), signal);
      if (this.#isAlive) return;
    } catch {
      return; // there is a decision
    }
    notes.note("scheduler_silent", { ms: clock.now() - this.#askedAt });
    this.#isAtSource = true;
    log.info("The scheduler does not answer, and the source is asked meanwhile", { taskId });
    line.start();
  }
}
