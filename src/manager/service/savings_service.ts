import { DamselflyError } from "../../core/error.ts";
import { type ReportTrafficRequest, SavingsService, type TrafficSum } from "../../rpc/gen/damselfly/v1/savings.ts";
import { type RpcService, service } from "../../rpc/service.ts";
import { msOfTimestamp } from "../../rpc/time.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { Store } from "../store/store.ts";
import type { TrafficAmount } from "../store/traffic.ts";

const HOUR_MS = 60 * 60_000;
const SUMS_MAX = 200;
const TEXT_CHARACTERS_MAX = 256;
/** A host that was cut off tells later; clocks differ. */
const PAST_MS_MAX = 30 * 24 * HOUR_MS;
const FUTURE_MS_MAX = 24 * HOUR_MS;
/** Of one sum: an hour of 4 Tbit/s. */
const BYTES_MAX = 2 ** 51;
const SENDER_ID = /^[\w.:-]{1,64}$/;

/** `damselfly.v1.Savings`: what hosts and schedulers tell of the bytes that they moved. */
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
  return { senderId, sequence, idc: text(idc, "idc"), amounts: sums.map((sum) => parseSum(sum, nowMs)) };
}

function parseSum({ hour, registry, repository, application, ...counts }: TrafficSum, nowMs: number): TrafficAmount {
  const hourMs = hour === undefined ? NaN : msOfTimestamp(hour);
  const isHour = hourMs % HOUR_MS === 0 && hourMs >= nowMs - PAST_MS_MAX && hourMs <= nowMs + FUTURE_MS_MAX;
  check(isHour, "hour", "a whole hour of the last 30 days");
  const { originBytes, peerBytes, localBytes, servedBytes, pulls } = counts;
  for (const count of [originBytes, peerBytes, localBytes, servedBytes, pulls]) {
    check(Number.isSafeInteger(count) && count >= 0 && count <= BYTES_MAX, "sums", "bytes of one hour");
  }
  return {
    ...{ hourMs, originBytes, peerBytes, localBytes, servedBytes, pulls },
    registry: text(registry, "registry"),
    repository: text(repository, "repository"),
    application: text(application, "application"),
  };
}

function text(value: string, field: string): string {
  // deno-lint-ignore no-control-regex -- what people see in tables, and what databases take
  check(value.length <= TEXT_CHARACTERS_MAX && !/[\x00-\x1f\x7f]/.test(value), field, "a short text on one line");
  return value;
}

function check(condition: boolean, field: string, expected: string): void {
  if (!condition) {
    throw new DamselflyError("invalid_argument", `Cannot count traffic: field ${field}: expected ${expected}`);
  }
}
