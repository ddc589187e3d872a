import { type Logger, pino, stdSerializers } from "pino";
import { LogLines } from "./log_lines.ts";

/** Facts that go with a log line; keys in camelCase. Never credentials. */
export type LogFields = Readonly<Record<string, unknown>>;

/** The levels of a log, from most to least talkative. */
export type LogLevel = "debug" | "info" | "warn" | "error";

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
 * under the key of a secret, at any depth, is not written. Lines that cannot be written are lost, see {@link LogLines}.
 */
export function jsonLog(component: string, options: { level?: LogLevel; fd?: number } = {}): AdjustableLog {
  const lost = (count: number) => {
    const time = new Date().toISOString();
    return `${JSON.stringify({ level: "warn", time, component, msg: "Log lines could not be written", count })}\n`;
  };
  const logger = pino({
    level: options.level ?? "info",
    base: { component },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }), log: (fields) => withoutSecrets(fields) as LogFields },
  }, new LogLines(options.fd ?? 1, lost));
  return {
    ...wrap(logger),
    setLevel(level) {
      logger.level = level;
    },
  };
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
