/** Calls in numbers: as many as can be, or so many a second. */
import { realClock } from "../../../src/runtime/clock.ts";

/** Calls that are under way at once when as many are made as can be. */
export const CALLS_AT_ONCE = 64;
/** The same at a steady rate; what is due beyond that waits, and the wait counts. */
const STEADY_CALLS_MAX = 1_000;
const ROUNDS = 7;
const ROUND_MS = 1_000;
const IDLE_MS = 3_000;
const clock = realClock();
const never = new AbortController().signal;

/** Makes the nth call. */
export type Call = (n: number) => Promise<void>;

/** How a server did while it got as many calls as it could answer. */
export interface Throughput {
  readonly perSecond: number;
  /** By the processor time of the server: what it would do with a core of its own. */
  readonly perCoreSecond: number;
}

/** A server under load: the processor time that it has used, and the part of a processor that it uses without calls. */
export interface Measured {
  cpuSeconds(): number;
  readonly idleShare: number;
}

/** Makes as many calls as can be answered, for `ms` milliseconds. */
export async function flood(
  call: Call,
  ms: number,
  server: Measured,
  callsAtOnce = CALLS_AT_ONCE,
): Promise<Throughput> {
  const cpuBefore = server.cpuSeconds();
  const startedAt = clock.now();
  const endsAt = startedAt + ms;
  let count = 0;
  await Promise.all(Array.from({ length: callsAtOnce }, async () => {
    while (clock.now() < endsAt) await call(count++);
  }));
  const seconds = (clock.now() - startedAt) / 1_000;
  const cpuSeconds = server.cpuSeconds() - cpuBefore - server.idleShare * seconds;
  return { perSecond: count / seconds, perCoreSecond: count / cpuSeconds };
}

/** What a server uses of a processor while nobody calls it. */
export async function measuredIdle(cpuSeconds: () => number): Promise<Measured> {
  const before = cpuSeconds();
  await clock.sleep(IDLE_MS, never);
  return { cpuSeconds, idleShare: (cpuSeconds() - before) * 1_000 / IDLE_MS };
}

/** Two servers in turns, so that what else the machine does slows both alike; the middle of the rounds of each. */
export async function floodInTurns(
  calls: readonly [Call, Call],
  servers: readonly [Measured, Measured],
  callsAtOnce = CALLS_AT_ONCE,
): Promise<[Throughput, Throughput]> {
  const rounds: [Throughput, Throughput][] = [];
  for (let round = -1; round < ROUNDS; round++) {
    const one = await flood(calls[0], ROUND_MS, servers[0], callsAtOnce);
    const other = await flood(calls[1], ROUND_MS, servers[1], callsAtOnce);
    if (round >= 0) rounds.push([one, other]); // the first one warms them up
  }
  const middle = (index: 0 | 1): Throughput => ({
    perSecond: median(rounds.map((round) => round[index].perSecond)),
    perCoreSecond: median(rounds.map((round) => round[index].perCoreSecond)),
  });
  return [middle(0), middle(1)];
}

/**
 * Makes `perSecond` calls a second until `isOver`, whether or not the earlier ones were answered; their times, sorted. A
 * time begins when the call is due, so that a caller who is late counts as well. He looks at the clock all the time: a
 * timer would add a millisecond or two to each of them.
 */
export async function steady(call: Call, perSecond: number, isOver: (sinceMs: number) => boolean): Promise<number[]> {
  const startedAt = clock.now();
  const times: Promise<number>[] = [];
  let underWay = 0;
  while (!isOver(clock.now() - startedAt)) {
    const due = Math.floor((clock.now() - startedAt) / 1_000 * perSecond);
    while (times.length < due && underWay < STEADY_CALLS_MAX) {
      const dueAt = startedAt + times.length * 1_000 / perSecond;
      underWay++;
      times.push(call(times.length).then(() => (underWay--, clock.now() - dueAt)));
    }
    await new Promise<void>((resolve) => setImmediate(resolve));
  }
  return (await Promise.all(times)).toSorted((a, b) => a - b);
}

/** The value that `percent` of the sorted values do not exceed. */
export function percentile(sorted: readonly number[], percent: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * percent / 100))] ?? NaN;
}

/** The value in the middle. */
export function median(values: readonly number[]): number {
  return percentile(values.toSorted((a, b) => a - b), 50);
}
