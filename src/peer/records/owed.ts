import type { OwedTraffic } from "../../rpc/tell_ledger.ts";
import { timestampOfMs } from "../../rpc/time.ts";
import type { PullRecord } from "./pull_record.ts";

export const HOUR_MS = 60 * 60_000;
/** Rows that may be owed to the manager; what comes on top is counted under `other`. */
export const OWED_ROWS_MAX = 1_000;
/** What could not be told for so long is forgotten; managers take nothing older. */
export const OWED_MS = 30 * 24 * HOUR_MS;
/** Rows of one statement. */
export const STATEMENT_ROWS_MAX = 200;

/** What was moved of the contents of a repository within an hour, in bytes. */
export interface TrafficSum {
  /** When the hour began; wall time. */
  readonly hourMs: number;
  readonly registry: string;
  readonly repository: string;
  readonly application: string;
  readonly originBytes: number;
  readonly peerBytes: number;
  readonly localBytes: number;
  /** What programs on this host got of it. What was fetched only for other hosts is none of it. */
  readonly servedBytes: number;
  readonly pulls: number;
}

/** Sums that are told together, and again and again as they are until they were heard. */
export interface Statement {
  readonly senderId: string;
  /** Grows by one with each statement of a sender. */
  readonly sequence: number;
  readonly sums: readonly TrafficSum[];
}

/** What the ledger of the manager is told of this host. */
export function owedTraffic(
  store: { statements(): number; statement(): Statement | undefined; settle(sequence: number): void },
  recorder: { flush(): void },
  idc: string,
): OwedTraffic {
  return {
    count() {
      recorder.flush();
      return store.statements();
    },
    statement() {
      const statement = store.statement();
      const sums = statement?.sums.map(({ hourMs, ...sum }) => ({ ...sum, hour: timestampOfMs(hourMs) }));
      return statement && { ...statement, idc, sums: sums ?? [] };
    },
    settle: (sequence) => store.settle(sequence),
  };
}

/** What a pull adds. */
export function sumOf(record: PullRecord, nowMs: number): TrafficSum {
  const { registry, repository, application, originBytes, peerBytes, localBytes, error, isTriggered } = record;
  const isServed = error === "" && !isTriggered;
  return {
    hourMs: Math.floor(nowMs / HOUR_MS) * HOUR_MS,
    ...{ registry, repository, application, originBytes, peerBytes, localBytes },
    servedBytes: isServed ? originBytes + peerBytes + localBytes : 0,
    pulls: isServed ? 1 : 0,
  };
}
