import { DamselflyError } from "../../core/error.ts";
import type { RpcStream } from "../../rpc/client.ts";
import type { Clock } from "../../runtime/clock.ts";
import { orAbort } from "../../runtime/or_abort.ts";
import type { Decision, PeerEvent, PeerSession } from "./control.ts";
import type { Dialect, SessionIds } from "./dialect.ts";
import { isTerminal } from "./peer_messages.ts";
import { isUnreachable, type SchedulerLink } from "./scheduler_link.ts";

/** All that a decision may cost a pull (design.md §2, P1), from the register or reschedule on; then it goes on without. */
const DECISION_TIMEOUT_MS = 5_000;
/** For a message to be taken by the connection. */
const SEND_TIMEOUT_MS = 3_000;
/** For the scheduler to close the stream after the last message. */
const CLOSE_TIMEOUT_MS = 1_000;

/** A session over the stream of the scheduler that the ring names for the task. */
export class GrpcSession<Q, A> implements PeerSession {
  readonly #ids: SessionIds;
  readonly #dialect: Dialect<Q, A>;
  readonly #clock: Clock;
  readonly #pick: () => SchedulerLink | undefined;
  #link: SchedulerLink;
  #stream: RpcStream<Q, A>;
  #answers: AsyncIterator<A>;
  readonly #end = new AbortController();
  #register: PeerEvent | undefined;
  #decisionsSeen = 0;
  #isOver = false;

  constructor(
    ids: SessionIds,
    dialect: Dialect<Q, A>,
    clock: Clock,
    link: SchedulerLink,
    pick: () => SchedulerLink | undefined,
  ) {
    this.#ids = ids;
    this.#dialect = dialect;
    this.#clock = clock;
    this.#pick = pick;
    this.#link = link;
    this.#stream = this.#open();
    this.#answers = this.#stream.responses[Symbol.asyncIterator]();
  }

  async send(event: PeerEvent, signal: AbortSignal): Promise<void> {
    if (event.kind === "register") {
      this.#register = event;
      return await this.#sendRegister(event, signal);
    }
    await this.#sendBounded(event, signal);
    if (isTerminal(event)) {
      this.#isOver = true;
      this.#stream.end();
    }
  }

  isAlive(): Promise<boolean> {
    return this.#link.isAlive();
  }

  async nextDecision(signal: AbortSignal): Promise<Decision | undefined> {
    using limit = this.#clock.deadline(DECISION_TIMEOUT_MS);
    const askedAt = this.#clock.now();
    try {
      const decision = await this.#answer(signal, limit.signal);
      if (decision === undefined) return undefined;
      this.#decisionsSeen++;
      this.#link.decided();
      return decision;
    } catch (error) {
      if (limit.signal.aborted && !signal.aborted) this.#link.decisionIsLate(askedAt);
      throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#isOver) {
      using limit = this.#clock.deadline(CLOSE_TIMEOUT_MS);
      await orAbort(this.#drain(), limit.signal).catch(() => {});
    }
    this.#end.abort(new DamselflyError("cancelled", "The session is closed"));
    this.#stream.cancel();
    await this.#answers.return?.().catch(() => {});
  }

  #open(): RpcStream<Q, A> {
    return this.#dialect.open(this.#link.client, this.#end.signal);
  }

  #reopen(): void {
    this.#stream.cancel();
    this.#answers.return?.().catch(() => {});
    this.#stream = this.#open();
    this.#answers = this.#stream.responses[Symbol.asyncIterator]();
  }

  /** A scheduler that cannot be reached is marked, and the next one of the ring is asked, within the same limit. */
  async #sendRegister(event: PeerEvent, signal: AbortSignal): Promise<void> {
    using limit = this.#clock.deadline(DECISION_TIMEOUT_MS);
    while (true) {
      try {
        return await this.#sendBounded(event, AbortSignal.any([signal, limit.signal]));
      } catch (error) {
        signal.throwIfAborted();
        this.#link.markDown();
        const next = this.#pick();
        if (next === undefined || limit.signal.aborted) throw error;
        this.#link = next;
        this.#reopen();
      }
    }
  }

  async #answer(signal: AbortSignal, limit: AbortSignal): Promise<Decision | undefined> {
    try {
      return await this.#next(AbortSignal.any([signal, limit]));
    } catch (error) {
      signal.throwIfAborted();
      if (this.#isForgotten(error)) return await this.#registerAgain(signal, limit);
      if (!limit.aborted && isUnreachable(error)) this.#link.markDown();
      throw error;
    }
  }

  /** A scheduler that was restarted does not know this host, and says so to the first message (wire.md §4.4). */
  #isForgotten(error: unknown): boolean {
    return this.#decisionsSeen === 0 && error instanceof DamselflyError && error.code === "not_found";
  }

  async #registerAgain(signal: AbortSignal, limit: AbortSignal): Promise<Decision | undefined> {
    const event = this.#register;
    if (event === undefined) {
      throw new DamselflyError("failed_precondition", "Cannot wait for a decision before a register");
    }
    const either = AbortSignal.any([signal, limit]);
    await this.#link.announce(either);
    this.#reopen();
    await this.#sendBounded(event, either);
    return await this.#next(either);
  }

  async #next(signal: AbortSignal): Promise<Decision | undefined> {
    const step = await orAbort(this.#answers.next(), signal);
    return step.done === true ? undefined : this.#dialect.decisionOf(step.value);
  }

  async #sendBounded(event: PeerEvent, signal: AbortSignal): Promise<void> {
    using limit = this.#clock.deadline(SEND_TIMEOUT_MS);
    const message = this.#dialect.messageOf(this.#ids, event);
    // Each piece is a message: a signal made of two costs more than to listen to both.
    await orAbort(orAbort(this.#stream.send(message), limit.signal), signal);
  }

  async #drain(): Promise<void> {
    while ((await this.#answers.next()).done !== true);
  }
}
