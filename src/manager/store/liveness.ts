import type { SchedulerRecord, ServiceState } from "./services.ts";

/** The feature without which a scheduler is not for peers (wire.md §5.1). */
const SCHEDULE_FEATURE = "schedule";

/** How often a service that does not say sends a keep-alive; the interval of stock schedulers (wire.md §5.2). */
const KEEP_ALIVE_INTERVAL_DEFAULT_MS = 5_000;
/** Bounds of the interval that a scheduler may ask for: how fast it can vanish, and how long its death can go unseen. */
const KEEP_ALIVE_INTERVAL_MIN_MS = 1_000;
const KEEP_ALIVE_INTERVAL_MAX_MS = 10 * 60_000;
/** A service that missed this many keep-alives is not live. */
const KEEP_ALIVES_MISSED_MAX = 3;

const NANOSECONDS_PER_MS = 1e6;

/** The interval within its bounds; 0 or less stands for the default. */
export function boundedKeepAliveIntervalMs(intervalMs: number): number {
  if (!(intervalMs > 0)) return KEEP_ALIVE_INTERVAL_DEFAULT_MS;
  return Math.min(Math.max(intervalMs, KEEP_ALIVE_INTERVAL_MIN_MS), KEEP_ALIVE_INTERVAL_MAX_MS);
}

/** Go's durations are nanoseconds (wire.md §5.5). */
export function millisecondsOfNanoseconds(nanoseconds: number): number {
  return Math.round(nanoseconds / NANOSECONDS_PER_MS);
}

/** The inverse of {@link millisecondsOfNanoseconds}. */
export function nanosecondsOfMilliseconds(ms: number): number {
  return ms * NANOSECONDS_PER_MS;
}

/** The parts of a row that tell whether its service is live. */
export interface KeepAlives {
  readonly state: ServiceState;
  readonly lastKeepAliveAtMs: number;
  readonly keepAliveIntervalMs?: number;
}

/** How long a service may be silent and still count as live. */
export function silenceMaxMs(keepAliveIntervalMs: number = KEEP_ALIVE_INTERVAL_DEFAULT_MS): number {
  return KEEP_ALIVES_MISSED_MAX * keepAliveIntervalMs;
}

/** The last moment at which the service is live unless it says more, as wall time; 0 when it is not active. */
export function liveUntilMs(service: KeepAlives): number {
  if (service.state !== "active") return 0;
  return service.lastKeepAliveAtMs + silenceMaxMs(service.keepAliveIntervalMs);
}

/** The flag alone says nothing: nobody resets it when the manager dies (manager-rest.md §9, complaint 2). */
export function isLive(service: KeepAlives, nowMs: number): boolean {
  return liveUntilMs(service) >= nowMs;
}

/** Whether peers may be sent to a scheduler. */
export function servesPeers(scheduler: SchedulerRecord, nowMs: number): boolean {
  return isLive(scheduler, nowMs) && scheduler.features.includes(SCHEDULE_FEATURE);
}
