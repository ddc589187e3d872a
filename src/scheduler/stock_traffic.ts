import { contentNameOf, countedName, HOUR_BYTES_MAX, OTHER_NAME } from "../core/content_name.ts";
import type { ReportTrafficRequest, TrafficSum } from "../rpc/gen/damselfly/v1/savings.ts";
import type { OwedTraffic } from "../rpc/tell_ledger.ts";
import { timestampOfMs } from "../rpc/time.ts";
import type { Clock } from "../runtime/clock.ts";
import type { Peer } from "./core/state.ts";

const HOUR_MS = 60 * 60_000;
/** Sums that wait for the manager; what comes on top is counted as {@link OTHER_NAME}. */
const SUMS_MAX = 2_000;
const STATEMENT_SUMS_MAX = 200;

/**
 * What stock peers move, by the pieces that they report: they keep no ledger of their own, as our peers do, which know
 * better what they got and are not counted here. It is in memory: what was not told is lost with the scheduler.
 */
export class StockTraffic implements OwedTraffic {
  readonly #clock: Pick<Clock, "wallMs">;
  readonly #senderId: string;
  /** By IDC, then by what is told apart. */
  readonly #sums = new Map<string, Map<string, TrafficSum>>();
  #count = 0;
  #sequence = 0;
  #told: ReportTrafficRequest | undefined;

  /** `senderId` is another one at each start, for the count begins anew. */
  constructor(senderId: string, clock: Pick<Clock, "wallMs">) {
    this.#senderId = senderId;
    this.#clock = clock;
  }

  /** A peer has got a piece. */
  piece(peer: Peer, bytes: number, isFromOrigin: boolean): void {
    if (peer.host.facts.cutsAsAsked) return;
    const sum = this.#sumOf(peer);
    const more = (before: number) => Math.min(HOUR_BYTES_MAX, before + bytes);
    if (isFromOrigin) sum.originBytes = more(sum.originBytes);
    else sum.peerBytes = more(sum.peerBytes);
    if (!peer.host.facts.isSeed) sum.servedBytes = more(sum.servedBytes);
  }

  /** A peer has got all of its task. */
  finished(peer: Peer): void {
    const { cutsAsAsked, isSeed } = peer.host.facts;
    if (!cutsAsAsked && !isSeed) this.#sumOf(peer).pulls++;
  }

  count(): number {
    const counts = this.#sums.values().map((byKey) => Math.ceil(byKey.size / STATEMENT_SUMS_MAX));
    return counts.reduce((sum, count) => sum + count, this.#told === undefined ? 0 : 1);
  }

  statement(): ReportTrafficRequest | undefined {
    if (this.#told !== undefined) return this.#told;
    const [first] = this.#sums;
    if (first === undefined) return undefined;
    const [idc, byKey] = first;
    const taken = [...byKey].slice(0, STATEMENT_SUMS_MAX);
    for (const [key] of taken) byKey.delete(key);
    this.#count -= taken.length;
    if (byKey.size === 0) this.#sums.delete(idc);
    const sums = taken.map(([, sum]) => sum);
    return this.#told = { senderId: this.#senderId, sequence: ++this.#sequence, idc, sums };
  }

  settle(sequence: number): void {
    if (this.#told?.sequence === sequence) this.#told = undefined;
  }

  #sumOf({ host, task }: Peer): TrafficSum {
    const { application = "", url } = task.facts;
    const hourMs = Math.floor(this.#clock.wallMs() / HOUR_MS) * HOUR_MS;
    const { registry, repository } = contentNameOf(url);
    const name = { registry: countedName(registry), repository, application: countedName(application) };
    const place = countedName(host.facts.idc);
    const known = this.#sums.get(place)?.get(JSON.stringify([hourMs, name]));
    if (known !== undefined) return known;
    const isFull = this.#count >= SUMS_MAX;
    const [idc, told] = isFull
      ? [OTHER_NAME, { registry: OTHER_NAME, repository: OTHER_NAME, application: OTHER_NAME }]
      : [place, name];
    const key = JSON.stringify([hourMs, told]);
    const byKey = this.#sums.get(idc) ?? new Map<string, TrafficSum>();
    this.#sums.set(idc, byKey);
    const sum = byKey.get(key) ?? { ...emptySum(hourMs), ...told };
    if (!byKey.has(key)) this.#count++;
    byKey.set(key, sum);
    return sum;
  }
}

function emptySum(hourMs: number) {
  return {
    hour: timestampOfMs(hourMs),
    ...{ originBytes: 0, peerBytes: 0, localBytes: 0, servedBytes: 0, pulls: 0 },
  };
}
