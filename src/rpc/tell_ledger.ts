import { DamselflyError, errorText } from "../core/error.ts";
import type { Clock } from "../runtime/clock.ts";
import type { Log } from "../runtime/log.ts";
import type { Random } from "../runtime/random.ts";
import type { RpcClient } from "./client.ts";
import type { ReportTrafficRequest, SavingsService } from "./gen/damselfly/v1/savings.ts";

/** How often the manager is told, at most; each teller by chance up to twice as often, so that not all come at once. */
export const TELL_INTERVAL_MS = 60_000;
/** A manager that keeps no ledger is asked again after this. */
export const UNKNOWN_PAUSE_MS = 60 * 60_000;
const CALL_TIMEOUT_MS = 10_000;
/** For the last words of a teller that stops; what is owed for longer than its process is told by the next one. */
const GOODBYE_TIMEOUT_MS = 1_000;

/** What is to be told. */
export interface OwedTraffic {
  /** How many statements tell what is owed now; what comes meanwhile is told the next time. */
  count(): number;
  /** The next statement; the same until it is settled. Undefined when nothing is owed. */
  statement(): ReportTrafficRequest | undefined;
  /** The statement of this number was heard. */
  settle(sequence: number): void;
}

/** What telling works with. */
export interface LedgerParts {
  readonly owed: OwedTraffic;
  readonly manager: Pick<RpcClient<typeof SavingsService>, "reportTraffic">;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

/**
 * Tells the manager what was moved, until it has heard it: a statement is told again under its number, and counts once.
 * Disposing it tells what is owed then, for a second at most, and ends that.
 */
export function startLedger(parts: LedgerParts): AsyncDisposable {
  const stop = new AbortController();
  const running = run(parts, stop.signal);
  return {
    async [Symbol.asyncDispose]() {
      stop.abort(new DamselflyError("cancelled", "This host is stopping"));
      await running;
      using limit = parts.clock.deadline(GOODBYE_TIMEOUT_MS);
      await tellAll(parts, limit.signal);
    },
  };
}

async function run(parts: LedgerParts, signal: AbortSignal): Promise<void> {
  const { clock, random } = parts;
  let pauseMs = TELL_INTERVAL_MS;
  while (!signal.aborted) {
    await clock.sleep(Math.round(pauseMs * (0.5 + random.float() / 2)), signal).catch(() => {});
    if (!signal.aborted) pauseMs = await tellAll(parts, signal);
  }
}

/** Tells all that is owed at its beginning; how long to wait before the next time. */
async function tellAll({ owed, manager, log }: LedgerParts, signal: AbortSignal): Promise<number> {
  try {
    for (let left = owed.count(); left > 0; left--) {
      const statement = owed.statement();
      if (statement === undefined) break;
      await tell(statement);
      owed.settle(statement.sequence);
    }
    return TELL_INTERVAL_MS;
  } catch (error) {
    const isUnknown = error instanceof DamselflyError && error.code === "unimplemented";
    if (!signal.aborted) log.debug("The ledger of the manager was not told", { error: errorText(error) });
    return isUnknown ? UNKNOWN_PAUSE_MS : TELL_INTERVAL_MS;
  }

  async function tell(statement: ReportTrafficRequest): Promise<void> {
    try {
      await manager.reportTraffic(statement, { signal, timeoutMs: CALL_TIMEOUT_MS });
    } catch (error) {
      if (!(error instanceof DamselflyError) || error.code !== "invalid_argument") throw error;
      // It would be refused for ever, and everything behind it would wait.
      log.warn("The manager refused what was moved; it is not in the ledger", { error: errorText(error) });
    }
  }
}
