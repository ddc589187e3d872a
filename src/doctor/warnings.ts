import type { Log, LogFields } from "../runtime/log.ts";

/** A log that keeps what dfdaemon would warn of when it opens its files; everything else is dropped. */
export class Warnings implements Log {
  readonly all: string[] = [];

  debug(): void {}
  info(): void {}

  warn(message: string, fields: LogFields = {}): void {
    const facts = Object.entries(fields).map(([name, value]) => `${name} ${String(value)}`);
    this.all.push([message, ...facts].join("; "));
  }

  error(message: string, fields: LogFields = {}): void {
    this.warn(message, fields);
  }

  child(): Log {
    return this;
  }
}
