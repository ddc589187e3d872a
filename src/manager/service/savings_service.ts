import { countedName, HOUR_BYTES_MAX } from "../../core/content_name.ts";
import { DamselflyError } from "../../core/error.ts";
import { type ReportTrafficRequest, SavingsService, type TrafficSum } from "../../rpc/gen/damselfly/v1/savings.ts";
import { type RpcService, service } from "../../rpc/service.ts";
import { msOfTimestamp } from "../../rpc/time.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { Store } from "../store/store.ts";
import type { TrafficAmount } from "../store/traffic.ts";

const HOUR_MS = 60 * 60_000;
const SUMS_MAX = 200;
/** A host that was cut off tells later. */
const PAST_HOURS_MAX = 30 * 24;
/** Clocks differ. */
const FUTURE_HOURS_MAX = 24;
const SENDER_ID = /^[\w.:-]{1,64}$/;

/**
 * `damselfly.v1.Savings`: what hosts and schedulers tell of the bytes that they moved. A statement holds many sums, and
 * is told no other way if it is refused: what is odd in one of them is counted as well as can be, and only what no teller
 * of ours can have made is refused.
 */
export function savingsService({ store, clock }: { readonly store: Store; readonly clock: Clock }): RpcService {
  return service(SavingsService, {
    reportTraffic: async (request) => {
      await store.traffic.add(parseStatement(request, clock.wallMs()));
      return {};
    },
  });
}

function parseStatement({ senderId, sequence, idc, sums }: ReportTrafficRequest, nowMs: number) {
  check(SENDER_ID.test(senderId), "sender_id", "1 to 64 letters, digits, dots, colons, dashes and underscores");
  check(Number.isSafeInteger(sequence) && sequence >= 1, "sequence", "a number from 1");
  check(sums.length <= SUMS_MAX, "sums", `at most ${SUMS_MAX}`);
  return { senderId, sequence, idc: countedName(idc), amounts: sums.map((sum) => parseSum(sum, nowMs)) };
}

function parseSum({ hour, registry, repository, application, ...counts }: TrafficSum, nowMs: number): TrafficAmount {
  check(hour !== undefined, "hour", "when the hour began");
  const { originBytes, peerBytes, localBytes, servedBytes, pulls } = counts;
  return {
    hourMs: countedHour(msOfTimestamp(hour), nowMs),
    originBytes: countedBytes(originBytes),
    peerBytes: countedBytes(peerBytes),
    localBytes: countedBytes(localBytes),
    servedBytes: countedBytes(servedBytes),
    pulls: countedBytes(pulls),
    registry: countedName(registry),
    repository: countedName(repository),
    application: countedName(application),
  };
}

/** The hour, or the nearest one in which it can have been. */
function countedHour(ms: number, nowMs: number): number {
  const [hour, now] = [ms, nowMs].map((at) => Math.floor(at / HOUR_MS)) as [number, number];
  return HOUR_MS * Math.min(Math.max(hour, now - PAST_HOURS_MAX), now + FUTURE_HOURS_MAX);
}

/** Messages have whole numbers from 0 only. */
function countedBytes(count: number): number {
  return Math.min(count, HOUR_BYTES_MAX);
}

function check(condition: boolean, field: string, expected: string): asserts condition {
  if (!condition) {
    throw new DamselflyError("invalid_argument", `Cannot count traffic: field ${field}: expected ${expected}`);
  }
}
