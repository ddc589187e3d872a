/** Between the project's milliseconds and the messages google.protobuf.Duration and google.protobuf.Timestamp. */
import type { Duration } from "./gen/google/protobuf/duration.ts";
import type { Timestamp } from "./gen/google/protobuf/timestamp.ts";

const NANOS_PER_MS = 1e6;

/** A Duration of `ms` milliseconds; seconds and nanoseconds have the same sign, as protobuf wants it. */
export function durationOfMs(ms: number): Duration {
  const seconds = Math.trunc(ms / 1000);
  return { seconds, nanos: Math.trunc((ms - seconds * 1000) * NANOS_PER_MS) };
}

/** Milliseconds of a Duration, with fractions. */
export function msOfDuration(duration: Duration): number {
  return duration.seconds * 1000 + duration.nanos / NANOS_PER_MS;
}

/** The Timestamp of `ms` milliseconds since the Unix epoch; its nanoseconds are never negative, as protobuf wants it. */
export function timestampOfMs(ms: number): Timestamp {
  const seconds = Math.floor(ms / 1000);
  return { seconds, nanos: Math.trunc((ms - seconds * 1000) * NANOS_PER_MS) };
}

/** Milliseconds since the Unix epoch of a Timestamp, with fractions. */
export function msOfTimestamp(timestamp: Timestamp): number {
  return timestamp.seconds * 1000 + timestamp.nanos / NANOS_PER_MS;
}
