import { formatHostPort, type HostPort } from "../config/addresses.ts";
import { ask, type DoctorRuntime } from "./ask.ts";
import { found, type Outcome, well } from "./finding.ts";
import type { RegistriesFacts } from "./registries.ts";

/** Beyond it tokens and certificates begin to be refused. */
export const CLOCK_SKEW_MS_MAX = 60_000;
/** Where a manager's REST API is unless it is configured elsewhere; what it says over gRPC has no time. */
const REST_PORT = 8080;
const SYNCHRONIZE = "systemctl enable --now systemd-timesyncd, or chronyd";

/** What another machine's clock said, and this host's in the same moment, in milliseconds since 1970. */
export interface ClockReading {
  readonly of: string;
  readonly dateMs: number;
  readonly wallMs: number;
}

/** The clocks that could be read. */
export interface ClockFacts {
  readonly registries: readonly ClockReading[];
  /** Undefined without a manager, and where its REST API is not at the usual port. */
  readonly manager: ClockReading | undefined;
}

/** What the clocks of registries said when they answered. */
export function clocksOf({ registries }: RegistriesFacts): ClockReading[] {
  return registries.flatMap(({ namespace, answer, wallMs }) =>
    "dateMs" in answer && answer.dateMs !== undefined ? [{ of: namespace, dateMs: answer.dateMs, wallMs }] : []
  );
}

/** Reads the clock of the manager at `addr`, its gRPC address, if its REST API answers at the usual port. */
export async function readManagerClock(
  addr: HostPort | undefined,
  runtime: DoctorRuntime,
  signal: AbortSignal,
): Promise<ClockReading | undefined> {
  if (addr === undefined) return undefined;
  const at = formatHostPort({ hostname: addr.hostname, port: REST_PORT });
  const answer = await ask(`http://${at}/healthy`, {}, runtime, signal);
  const dateMs = "headers" in answer ? Date.parse(answer.headers.get("date") ?? "") : NaN;
  return Number.isNaN(dateMs) ? undefined : { of: "the manager", dateMs, wallMs: runtime.clock.wallMs() };
}

/** Whether this host's clock agrees with one of the others, and then whether the manager's does. */
export function judgeClock({ registries, manager }: ClockFacts): Outcome[] {
  const others = [...registries, ...(manager === undefined ? [] : [manager])];
  const [nearest] = others.toSorted((a, b) => Math.abs(skewMs(a)) - Math.abs(skewMs(b)));
  if (nearest === undefined) return [];
  const { seconds, word } = skewIn(nearest);
  if (isSkewed(nearest)) {
    const what = `it is ${seconds} s ${word} ${nearest.of}; tokens and certificates are refused`;
    return [found("doctor.clock.skew", "this host", what, SYNCHRONIZE)];
  }
  if (manager !== undefined && isSkewed(manager)) {
    const by = skewIn(manager);
    const what = `this host is ${by.seconds} s ${by.word} it, and agrees with ${nearest.of} to ${seconds} s`;
    return [found("doctor.clock.manager_skew", "the manager", what, `on its host: ${SYNCHRONIZE}`)];
  }
  return [well("doctor.clock", "this host", `agrees with ${nearest.of} to ${seconds} s`)];
}

/** By how much this host is ahead. */
function skewMs({ dateMs, wallMs }: ClockReading): number {
  return wallMs - dateMs;
}

function isSkewed(reading: ClockReading): boolean {
  return Math.abs(skewMs(reading)) > CLOCK_SKEW_MS_MAX;
}

function skewIn(reading: ClockReading): { readonly seconds: number; readonly word: string } {
  const ms = skewMs(reading);
  return { seconds: Math.round(Math.abs(ms) / 1000), word: ms > 0 ? "ahead of" : "behind" };
}
