import { destination, type Logger, pino, stdSerializers } from "pino";

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

/** Keys whose value is a secret wherever it turns up: the last line of defence, not the first. */
const REDACTED = ["authorization", "Authorization", "cookie", "Cookie", "password", "token"];

/** A log of JSON lines on standard output or an open file, one write a line (pino, no transport threads). */
export function jsonLog(component: string, options: { level?: LogLevel; fd?: number } = {}): Log {
  const logger = pino({
    level: options.level ?? "info",
    base: { component },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
    serializers: { error: stdSerializers.errWithCause },
    redact: [...REDACTED, ...REDACTED.map((key) => `*.${key}`)],
  }, destination({ fd: options.fd ?? 1, sync: true }));
  return wrap(logger);
}

function wrap(logger: Logger): Log {
  return {
    debug: (message, fields = {}) => logger.debug(fields, message),
    info: (message, fields = {}) => logger.info(fields, message),
    warn: (message, fields = {}) => logger.warn(fields, message),
    error: (message, fields = {}) => logger.error(fields, message),
    child: (fields) => wrap(logger.child(fields)),
  };
}

/** A log that says nothing. */
export function silentLog(): Log {
  const log: Log = { debug() {}, info() {}, warn() {}, error() {}, child: () => log };
  return log;
}
