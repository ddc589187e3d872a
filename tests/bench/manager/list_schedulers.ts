/** ListSchedulers, as the peers of all clusters call it. */
import { ListSchedulersRequest, ManagerService, SourceType } from "../../../src/rpc/gen/manager/v2/manager.ts";
import { startBare } from "./bare.ts";
import { CLUSTERS, PEOPLE } from "./content.ts";
import { type Call, CALLS_AT_ONCE, floodInTurns, measuredIdle, median, percentile, steady } from "./load.ts";
import { RawCaller } from "./raw_caller.ts";
import { gatherPeople } from "./people.ts";
import type { Row } from "./report.ts";
import type { ShippedManager } from "./shipped.ts";

/** Hosts that ask, one after the other; they fit different clusters, and some fit none. */
const HOSTS = 2_000;
const PER_CORE_MIN = 5_000;
const STEADY_PER_SECOND_MAX = PER_CORE_MIN / 2;
/** Of what is answered beside its callers at most: above that a busy machine would only be asked how long its queue is. */
const STEADY_SHARE_MAX = 0.7;
const P99_MS_MAX = 10;
const STEADY_MS = 4_000;
/** One pause of the machine decides what 99 of 100 calls of one run took; so the median of several counts. */
const STEADY_RUNS = 5;
const IP = "127.0.0.1";
/** Less than the schedulers of one cluster take. */
const ANSWER_BYTES_MIN = 200;

const requests: readonly Uint8Array[] = Array.from(
  { length: HOSTS },
  (_, n) =>
    ManagerService.listSchedulers.requestSerialize(ListSchedulersRequest.create({
      sourceType: SourceType.PEER_SOURCE,
      hostname: n % 4 === 0 ? `rack-${n % CLUSTERS}-node-${n}` : `node-${n}`,
      ip: `10.${(n * 7) % 256}.${n % 200}.10`,
      idc: n % 3 === 0 ? `idc-${n % CLUSTERS}` : "",
      location: n % 3 === 1 ? `region-${n % 10}|zone-${n % CLUSTERS}` : "",
    })),
);

/** What the nth caller asks for. */
export function requestOf(n: number): Uint8Array {
  const request = requests[n % HOSTS];
  if (request === undefined) throw new Error("there is no such request");
  return request;
}

/** Opens connections for calls of it. */
export function openCallers(port: number, count: number): Promise<RawCaller[]> {
  const { path } = ManagerService.listSchedulers;
  return Promise.all(Array.from({ length: count }, () => RawCaller.open(IP, port, path)));
}

interface Caller extends Disposable {
  readonly call: Call;
  /** Bytes of the mean answer so far. */
  answerBytes(): number;
}

/** Calls over a connection for each call at once, as peers have one each. */
export async function openCaller(port: number): Promise<Caller> {
  const callers = await openCallers(port, CALLS_AT_ONCE);
  let bytes = 0;
  let calls = 0;
  return {
    async call(n) {
      const length = await callers[n % callers.length]?.call(requestOf(n)) ?? 0;
      if (length < ANSWER_BYTES_MIN) throw new Error(`An answer had ${length} bytes`);
      bytes += length;
      calls++;
    },
    answerBytes: () => Math.round(bytes / calls),
    [Symbol.dispose]() {
      for (const caller of callers) caller[Symbol.dispose]();
    },
  };
}

/** The rows about ListSchedulers. */
export async function measureListSchedulers(manager: ShippedManager): Promise<Row[]> {
  const idle = await measuredIdle(manager.cpuSeconds);
  using caller = await openCaller(manager.grpcPort);
  for (let n = 0; n < HOSTS; n++) await caller.call(n); // each host is ranked the first time that it asks
  await using bare = await startBare("grpc", caller.answerBytes());
  using bareCaller = await openCaller(bare.port);
  const calls = [caller.call, bareCaller.call] as const;
  const [ours, bares] = await floodInTurns(calls, [idle, { cpuSeconds: bare.cpuSeconds, idleShare: 0 }]);
  const name = `ListSchedulers, ${CLUSTERS} clusters`;
  const to = `bare gRPC, ${(caller.answerBytes() / 1000).toFixed(0)} kB`;
  return [
    {
      ...{ what: `${name}, per core`, value: ours.perCoreSecond, unit: "calls/s", target: { atLeast: PER_CORE_MIN } },
      ratio: { value: ours.perCoreSecond / bares.perCoreSecond, to },
    },
    {
      ...{ what: `${name}, beside its callers`, value: ours.perSecond, unit: "calls/s" },
      ratio: { value: ours.perSecond / bares.perSecond, to },
    },
    { what: `keep-alives of ${2 * CLUSTERS} services, of one core`, value: idle.idleShare * 100, unit: "%" },
    ...await measureTimes(manager, Math.min(STEADY_PER_SECOND_MAX, ours.perSecond * STEADY_SHARE_MAX), calls),
  ];
}

/** How long a call takes at a steady rate, half of what one core must do: by itself, and while people sign in. */
async function measureTimes(
  manager: ShippedManager,
  perSecond: number,
  [call, bareCall]: readonly [Call, Call],
): Promise<Row[]> {
  const forAWhile = (sinceMs: number) => sinceMs >= STEADY_MS;
  await using people = await gatherPeople(manager.restPort);
  const [bares, alone, beside, signIns]: [number[], number[], number[], number[][]] = [[], [], [], []];
  const waits = { alone: 0, beside: 0 };
  for (let run = 0; run < STEADY_RUNS; run++) {
    bares.push(percentile(await steady(bareCall, perSecond, forAWhile), 99));
    const begins = manager.waitedSeconds();
    alone.push(percentile(await steady(call, perSecond, forAWhile), 99));
    waits.alone += manager.waitedSeconds() - begins;
    let isSignedIn = false;
    const besideBegins = manager.waitedSeconds();
    const signedIn = people.signIn().finally(() => isSignedIn = true);
    beside.push(percentile(await steady(call, perSecond, () => isSignedIn), 99));
    waits.beside += manager.waitedSeconds() - besideBegins;
    signIns.push(await signedIn);
  }
  const bare = median(bares);
  const row = (what: string, times: readonly number[]): Row => {
    const value = median(times);
    const ratio = { value: value / bare, to: "bare gRPC" };
    return { what, value, unit: "ms", target: { atMost: P99_MS_MAX }, ratio };
  };
  const waited = (share: number): Row => {
    return { what: "its event loop waited for the processor meanwhile", value: share * 100, unit: "%" };
  };
  const signedIn = (who: string, percent: number): Row => {
    const ms = median(signIns.map((times) => percentile(times, percent)));
    return { what: `of ${PEOPLE} who sign in at once beside that, ${who} waits`, value: ms / 1_000, unit: "s" };
  };
  const rate = `at ${Math.round(perSecond)} calls/s`;
  return [
    row(`p99 ${rate}`, alone),
    waited(waits.alone / (STEADY_RUNS * STEADY_MS / 1_000)),
    row(`p99 ${rate} while ${PEOPLE} people sign in`, beside),
    waited(waits.beside / (signIns.reduce((all, times) => all + percentile(times, 100), 0) / 1_000)),
    signedIn("the middle one", 50),
    signedIn("99 of 100", 99),
  ];
}
