import { type Logger, pino, stdSerializers } from "pino";
import { LogLines } from "./log_lines.ts";
import { currentRequest } from "./tracing.ts";

/** Facts that go with a log line; keys in camelCase. Never credentials. */
export type LogFields = Readonly<Record<string, unknown>>;

/** The levels of a log, from most to least talkative. */
export const LOG_LEVELS = ["debug", "info", "warn", "error"] as const;
export type LogLevel = typeof LOG_LEVELS[number];

/** Where a component says what happened: a sentence, and the facts apart from it. */
export interface Log {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  /** A log whose lines all carry `fields`. */
  child(fields: LogFields): Log;
}

/** A log whose level can be changed; logs that were made from it before keep theirs. */
export interface AdjustableLog extends Log {
  readonly level: LogLevel;
  setLevel(level: LogLevel): void;
}

/** Keys whose value is a secret wherever it turns up: the last line of defence, not the first. */
const SECRET_KEY = /authorization|cookie|password|secret|token|private-?key/i;
const REDACTED = "[redacted]";
/** Deeper facts are left out. */
const DEPTH_MAX = 8;

/** The value without what stands under a secret's key, in tables, lists and errors with their causes. */
function withoutSecrets(value: unknown, depth = 0): unknown {
  if (typeof value !== "object" || value === null || ArrayBuffer.isView(value) || "toJSON" in value) return value;
  if (depth >= DEPTH_MAX) return "[too deep]";
  if (value instanceof Error) return withoutSecrets(stdSerializers.errWithCause(value), depth);
  if (Array.isArray(value)) return value.map((item) => withoutSecrets(item, depth + 1));
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [
      key,
      SECRET_KEY.test(key) ? REDACTED : withoutSecrets(item, depth + 1),
    ]),
  );
}

/**
 * A log of JSON lines on standard output or an open file, one write a line (pino, no transport threads). What stands
 * under the key of a secret, at any depth, is not written. A line that is written for a request has its id. Lines that cannot be written are lost, see {@link LogLines}.
 */
export function jsonLog(component: string, options: { level?: LogLevel; fd?: number } = {}): AdjustableLog {
  return openLog(component, options);
}

/** {@link jsonLog}, or the same in lines for people: time, level, message, and the facts behind it. */
export function openLog(
  component: string,
  options: { level?: LogLevel; fd?: number; isForPeople?: boolean } = {},
): AdjustableLog {
  const lost = (count: number) => {
    const time = new Date().toISOString();
    return `${JSON.stringify({ level: "warn", time, component, msg: "Log lines could not be written", count })}\n`;
  };
  const lines = new LogLines(options.fd ?? 1, lost);
  const logger = pino({
    level: options.level ?? "info",
    base: { component },
    mixin: requestOfLine,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }), log: (fields) => withoutSecrets(fields) as LogFields },
  }, options.isForPeople === true ? { write: (line) => lines.write(lineForPeople(line)) } : lines);
  return {
    ...wrap(logger),
    get level() {
      return logger.level as LogLevel;
    },
    setLevel(level) {
      logger.level = level;
    },
  };
}

/** `05:12:09.123 info A task is complete taskId=… durationMs=41`; texts with spaces are quoted. */
function lineForPeople(json: string): string {
  const { level, time, component: _, msg, ...facts } = JSON.parse(json) as Record<string, unknown>;
  const behind = Object.entries(facts).map(([name, value]) => ` ${name}=${plainText(value)}`).join("");
  return `${printable(`${String(time).slice(11, 23)} ${String(level).padEnd(5)} ${msg}${behind}`)}\n`;
}

/** A terminal obeys control characters, and names that come from outside may have some. */
function printable(text: string): string {
  const escaped = (character: string) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
  return text.replace(/[\p{Cc}\u2028\u2029]/gu, escaped);
}

function plainText(value: unknown): string {
  return typeof value === "string" && /^[^\s"=]+$/.test(value) ? value : JSON.stringify(value);
}

/** Lines about one request are found by its id. */
function requestOfLine(): LogFields {
  const request = currentRequest();
  return request === undefined ? {} : { requestId: request.requestId };
}

function wrap(logger: Logger): Log {
  return {
    debug: (message, fields = {}) => logger.debug(fields, message),
    info: (message, fields = {}) => logger.info(fields, message),
    warn: (message, fields = {}) => logger.warn(fields, message),
    error: (message, fields = {}) => logger.error(fields, message),
    child: (fields) => wrap(logger.child(withoutSecrets(fields) as LogFields)),
  };
}

/** A log that says nothing. */
export function silentLog(): Log {
  const log: Log = { debug() {}, info() {}, warn() {}, error() {}, child: () => log };
  return log;
}
