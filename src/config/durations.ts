import { DamselflyError } from "../core/error.ts";

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** Milliseconds of each unit, in Go's spelling and in the longer ones that Rust's humantime reads. */
const UNITS_MS: ReadonlyMap<string, number> = new Map([
  ...["ns", "nsec", "nanos"].map((unit) => [unit, 1e-6] as const),
  ...["us", "µs", "μs", "usec", "micros"].map((unit) => [unit, 1e-3] as const),
  ...["ms", "msec", "millis"].map((unit) => [unit, 1] as const),
  ...["s", "sec", "secs", "second", "seconds"].map((unit) => [unit, SECOND] as const),
  ...["m", "min", "mins", "minute", "minutes"].map((unit) => [unit, MINUTE] as const),
  ...["h", "hr", "hrs", "hour", "hours"].map((unit) => [unit, HOUR] as const),
  ...["d", "day", "days"].map((unit) => [unit, DAY] as const),
  ...["w", "week", "weeks"].map((unit) => [unit, 7 * DAY] as const),
]);

const PART = /\s*(\d+(?:\.\d+)?)\s*([a-zµμ]+)\s*/iy;
const TEXT_LENGTH_MAX = 64;

/**
 * Parses `30s`, `5m`, `1h30m`, `500ms` or `2 days 4h` to milliseconds, rounded up to a whole one so that a short wait
 * does not become none. A number without a unit is an error: nobody can tell what was meant. Throws `invalid_argument`.
 */
export function parseDuration(text: string): number {
  if (text.length > TEXT_LENGTH_MAX) throw cannotParse(text.slice(0, TEXT_LENGTH_MAX), "it is too long");
  let ms = 0;
  let position = 0;
  do {
    PART.lastIndex = position;
    const [part, amount, unit] = PART.exec(text) ?? [];
    if (part === undefined || amount === undefined || unit === undefined) {
      throw cannotParse(text, "expected amounts with units, such as 30s, 5m or 1h30m");
    }
    const unitMs = UNITS_MS.get(unit);
    if (unitMs === undefined) throw cannotParse(text, `"${unit}" is not one of the units ns us ms s m h d w`);
    ms += Number(amount) * unitMs;
    position += part.length;
  } while (position < text.length);
  const whole = Math.ceil(Number(ms.toFixed(6)));
  if (!Number.isSafeInteger(whole)) throw cannotParse(text, "it is too long a time");
  return whole;
}

/** Milliseconds as the shortest Go form that {@link parseDuration} reads back to the same number: `1h30m`, `1500ms`. */
export function formatDuration(ms: number): string {
  if (ms % SECOND !== 0) return `${ms}ms`;
  const parts = [
    [Math.floor(ms / HOUR), "h"],
    [Math.floor(ms / MINUTE) % 60, "m"],
    [Math.floor(ms / SECOND) % 60, "s"],
  ] as const;
  const text = parts.filter(([amount]) => amount > 0).map(([amount, unit]) => `${amount}${unit}`).join("");
  return text === "" ? "0s" : text;
}

function cannotParse(text: string, why: string): DamselflyError {
  return new DamselflyError("invalid_argument", `Cannot parse duration "${text}": ${why}`);
}
