import { DamselflyError, errorText, isCancelled } from "../../core/error.ts";
import type { Channels, RpcClient } from "../../rpc/client.ts";
import { serviceName } from "../../rpc/definition.ts";
import { HoldingsService } from "../../rpc/gen/damselfly/v1/holdings.ts";
import { HealthCheckResponse_ServingStatus as Status, HealthService } from "../../rpc/gen/grpc/health/v1/health.ts";
import type { Host } from "../../rpc/gen/common/v2/common.ts";
import { SchedulerService } from "../../rpc/gen/scheduler/v2/scheduler.ts";
import { durationOfMs } from "../../rpc/time.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { Log } from "../../runtime/log.ts";
import { orAbort } from "../../runtime/or_abort.ts";
import type { Random } from "../../runtime/random.ts";
import { addressOf, type KnownScheduler } from "./scheduler_list.ts";

const ANNOUNCE_TIMEOUT_MS = 5_000;
/** For a scheduler whose decision is late to show that it lives at all. */
const DOUBT_TIMEOUT_MS = 1_000;
/** For a scheduler that owes a pull a decision to show that it lives; one that is only busy must not be left for it. */
const ALIVE_TIMEOUT_MS = 2_000;
/**
 * A decision may take a scheduler so long, when it waits for somebody to bring the task into the swarm. One that lives
 * and gives none at all for longer than that is mute, and left alone for as long, so that few pulls pay for it.
 */
const PROMISED_DECISION_MS = 10_000;
/** Before a scheduler that broke off is tried again: a restart takes a second, and nothing should be lost after it. */
const RETRY_PAUSE_MS_MIN = 500;
const RETRY_PAUSE_MS_MAX = 5_000;
/** What a pull waits to hear whether a scheduler that was down is back; the host of one that is gone says so at once. */
const LOOK_TIMEOUT_MS = 2_000;
/** So long one that was looked for in vain is taken for gone. */
const LOOK_PAUSE_MS = 100;
/** Between two looks at a scheduler whose health cannot be watched. */
const POLL_INTERVAL_MS = 30_000;

/** What a {@link SchedulerLink} needs. */
export interface LinkParts {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly channels: Pick<Channels, "client" | "close">;
  readonly announceIntervalMs: number;
  readonly host: () => Promise<Host>;
  /** Called each time the scheduler is up after it was not: it may have forgotten everything. */
  readonly onUp: (link: SchedulerLink, signal: AbortSignal) => Promise<void>;
  /** Called each time the scheduler is down after it was up: others have its tasks now. */
  readonly onDown: (link: SchedulerLink) => void;
}

/**
 * The connection to one scheduler. It watches the scheduler's health, so that a restart is noticed at once and not by
 * the next pull, and keeps this host announced there.
 */
export class SchedulerLink implements AsyncDisposable {
  readonly scheduler: KnownScheduler;
  readonly client: RpcClient<typeof SchedulerService>;
  readonly #parts: LinkParts;
  readonly #stop = new AbortController();
  readonly #timer: Disposable;
  readonly #running: Promise<void>;
  readonly #firstTry = Promise.withResolvers<void>();
  /** Undefined until the first look at its health has ended. */
  #isUp: boolean | undefined;
  #isStock = false;
  #upSince: number | undefined;
  /** Since when it owes decisions and has given none. */
  #muteSince: number | undefined;
  #doubt: Promise<void> | undefined;
  #looking: Promise<unknown> | undefined;
  #isMute = false;
  /** Nobody has said within a limit of time whether it is there. */
  #isSilent = false;
  /** When it was last looked for in vain. */
  #missedAt: number | undefined;
  #watch = new AbortController();
  /** Aborts to end the pause before the next attempt, or to have none. */
  #pause = new AbortController();
  /** Resolves when it is up, or the next attempt to reach it has failed. */
  #attempt = Promise.withResolvers<void>();
  #upWork: Promise<void> = Promise.resolve();

  constructor(scheduler: KnownScheduler, parts: LinkParts) {
    this.scheduler = scheduler;
    this.#parts = parts;
    this.client = parts.channels.client(SchedulerService, addressOf(scheduler));
    this.#timer = parts.clock.every(parts.announceIntervalMs, () => void this.#announceQuietly());
    this.#running = this.#run();
  }

  /** Whether a peer should try it: not when it is known to be down, or just being asked whether it lives. */
  get isUsable(): boolean {
    return this.#isUp !== false && this.#doubt === undefined;
  }

  /** Whether it is known not to be of our make. */
  get isStock(): boolean {
    return this.#isStock;
  }

  /** Resolves once it is known whether the scheduler is up. */
  get firstTry(): Promise<void> {
    return this.#firstTry.promise;
  }

  /**
   * Looks at once whether a scheduler that is down is back, and waits for that: a pull that comes in the pause between
   * two attempts shall not go without it, and cost the source a copy of its own. One that hangs is waited for once.
   */
  async look(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const { clock } = this.#parts;
    const isGone = this.#missedAt !== undefined && clock.now() - this.#missedAt < LOOK_PAUSE_MS;
    if (this.isUsable || this.#isMute || this.#isSilent || isGone) return;
    if (this.#doubt === undefined) this.#pause.abort();
    using limit = clock.deadline(LOOK_TIMEOUT_MS);
    const either = AbortSignal.any([signal, this.#stop.signal, limit.signal]);
    await orAbort(this.#doubt ?? this.#attempt.promise, either).catch(() => {
      if (limit.signal.aborted) this.#isSilent = true;
    });
    signal.throwIfAborted();
  }

  /** A peer has found the scheduler dead. */
  markDown(): void {
    this.#wentDown();
    this.#watch.abort(new DamselflyError("unavailable", "The scheduler failed a peer"));
  }

  /** It has given a decision. */
  decided(): void {
    this.#muteSince = undefined;
  }

  /** A peer waits no longer for a decision. That says nothing of other tasks, unless the scheduler hangs or is mute. */
  decisionIsLate(askedAt: number): void {
    this.#muteSince ??= askedAt;
    if (this.#parts.clock.now() - this.#muteSince >= PROMISED_DECISION_MS) {
      this.#muteSince = undefined;
      this.#isMute = true;
      return this.markDown();
    }
    this.#doubt ??= this.#requireAlive().finally(() => this.#doubt = undefined);
  }

  /** Whether it answers at all, within {@link ALIVE_TIMEOUT_MS}. Pulls that ask at the same moment share one call. */
  async isAlive(): Promise<boolean> {
    this.#looking ??= this.#unreachable(ALIVE_TIMEOUT_MS).finally(() => this.#looking = undefined);
    return await this.#looking === undefined;
  }

  /** Tells the scheduler of this host (wire.md §2.3). */
  async announce(signal: AbortSignal): Promise<void> {
    const host = await this.#parts.host();
    const interval = durationOfMs(this.#parts.announceIntervalMs);
    await this.client.announceHost({ host, interval }, { signal, timeoutMs: ANNOUNCE_TIMEOUT_MS });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#timer[Symbol.dispose]();
    this.#stop.abort(new DamselflyError("cancelled", "The link to the scheduler is closed"));
    await this.#running;
    await this.#upWork;
    await this.#doubt;
    await this.#looking;
  }

  async #requireAlive(): Promise<void> {
    const failure = await this.#unreachable(DOUBT_TIMEOUT_MS);
    if (failure === undefined) return;
    this.#isSilent = isTimeout(failure);
    this.markDown();
  }

  /** Why nobody answers there; undefined when somebody does, whatever it is. */
  async #unreachable(timeoutMs: number): Promise<unknown> {
    const health = this.#parts.channels.client(HealthService, addressOf(this.scheduler));
    try {
      await health.check({ service: "" }, { signal: this.#stop.signal, timeoutMs });
      return undefined;
    } catch (error) {
      return isUnreachable(error) ? error : undefined;
    }
  }

  async #run(): Promise<void> {
    const { clock, random, log } = this.#parts;
    const signal = this.#stop.signal;
    const address = addressOf(this.scheduler);
    let pauseMs = RETRY_PAUSE_MS_MIN;
    while (!signal.aborted) {
      this.#watch = new AbortController();
      const beganAt = clock.now();
      await this.#watchOnce(AbortSignal.any([signal, this.#watch.signal])).catch((error) => {
        if (isCancelled(error) || this.#isUp === false) return;
        log.warn("A scheduler is unreachable; pulls go on without it", { address, error: errorText(error) });
      });
      if (this.#upSince === undefined) this.#missed(beganAt);
      // One that comes up and fails at once is not tried more and more often.
      else if (clock.now() - this.#upSince >= RETRY_PAUSE_MS_MAX) pauseMs = RETRY_PAUSE_MS_MIN;
      this.#upSince = undefined;
      if (signal.aborted) {
        this.#isUp = false;
        return;
      }
      this.#wentDown();
      // The next attempt shall make a connection of its own: a broken one pauses between its attempts.
      this.#parts.channels.close(address);
      const pause = this.#isMute ? PROMISED_DECISION_MS : Math.round(pauseMs * (0.5 + random.float() / 2));
      pauseMs = Math.min(RETRY_PAUSE_MS_MAX, pauseMs * 2);
      await clock.sleep(pause, AbortSignal.any([signal, this.#pause.signal])).catch(() => {});
      this.#isMute = false;
    }
  }

  /** Follows the health of the scheduler until that breaks or ends. */
  async #watchOnce(signal: AbortSignal): Promise<void> {
    const health = this.#parts.channels.client(HealthService, addressOf(this.scheduler));
    try {
      for await (const { status } of health.watch({ service: "" }, { signal })) {
        if (status !== Status.SERVING) return;
        await this.#cameUp(signal);
      }
      return;
    } catch (error) {
      if (!(error instanceof DamselflyError) || error.code !== "unimplemented") throw error;
    }
    while (true) {
      const { status } = await health.check({ service: "" }, { signal, timeoutMs: ANNOUNCE_TIMEOUT_MS });
      if (status !== Status.SERVING) return;
      await this.#cameUp(signal);
      await this.#parts.clock.sleep(POLL_INTERVAL_MS, signal);
    }
  }

  async #cameUp(signal: AbortSignal): Promise<void> {
    if (this.#isUp === true) return;
    await Promise.all([this.announce(signal), this.#learnMake(signal)]);
    signal.throwIfAborted(); // a peer may have found it dead meanwhile
    this.#upSince = this.#parts.clock.now();
    this.#isSilent = false;
    this.#settle(true);
    this.#parts.log.info("This host is announced to a scheduler", { address: addressOf(this.scheduler) });
    const before = this.#upWork;
    this.#upWork = before.then(() => this.#parts.onUp(this, signal)).catch((error) => {
      if (signal.aborted) return;
      this.#parts.log.warn("What this host holds could not be told to a scheduler", { error: errorText(error) });
    });
  }

  /** One of our make says that it takes what hosts hold; nobody else knows that service. */
  async #learnMake(signal: AbortSignal): Promise<void> {
    const health = this.#parts.channels.client(HealthService, addressOf(this.scheduler));
    try {
      await health.check({ service: serviceName(HoldingsService) }, { signal, timeoutMs: ANNOUNCE_TIMEOUT_MS });
      this.#isStock = false;
    } catch (error) {
      if (error instanceof DamselflyError) this.#isStock = error.code === "not_found" || error.code === "unimplemented";
    }
  }

  /** An attempt that began then has not reached it. */
  #missed(beganAt: number): void {
    this.#missedAt = this.#parts.clock.now();
    this.#isSilent = this.#missedAt - beganAt >= LOOK_TIMEOUT_MS;
    this.#settle(false);
  }

  #wentDown(): void {
    const wasUp = this.#isUp === true;
    this.#isUp = false;
    if (wasUp) this.#parts.onDown(this);
  }

  /** An attempt has shown whether it is up. */
  #settle(isUp: boolean): void {
    this.#isUp = isUp;
    this.#firstTry.resolve();
    this.#attempt.resolve();
    this.#attempt = Promise.withResolvers();
    this.#pause = new AbortController();
  }

  async #announceQuietly(): Promise<void> {
    if (this.#isUp !== true) return;
    try {
      await this.announce(this.#stop.signal);
    } catch (error) {
      if (!this.#stop.signal.aborted) {
        this.#parts.log.warn("This host could not be announced", { error: errorText(error) });
      }
    }
  }
}

/** Whether a call failed because nobody answered, or nobody in time. */
export function isUnreachable(error: unknown): boolean {
  return isTimeout(error) || error instanceof DamselflyError && error.code === "unavailable";
}

function isTimeout(error: unknown): boolean {
  return error instanceof DamselflyError && error.code === "timeout";
}
