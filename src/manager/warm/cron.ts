import { Cron } from "croner";
import { DamselflyError, errorText } from "../../core/error.ts";

const FIELDS = 5;

/** The times of a cron line. */
export interface CronTimes {
  /** The first one after `wallMs`, in milliseconds as that; 0 when none will ever come. */
  after(wallMs: number): number;
}

/**
 * Parses minute, hour, day of month, month and day of week, in the time of an IANA zone. A time that the zone leaves out
 * when its clocks go forward comes as soon as they have, and one that it has twice comes once, if minute and hour are
 * single numbers; otherwise each time that there is counts. Throws `invalid_argument`.
 */
export function parseCron(text: string, timeZone: string): CronTimes {
  const fields = text.trim().split(/\s+/);
  if (fields.length !== FIELDS) {
    const message = `Cannot read cron "${text}": expected minute, hour, day of month, month and day of week`;
    throw new DamselflyError("invalid_argument", message);
  }
  if (!isTimeZone(timeZone)) {
    const message = `Cannot read time zone "${timeZone}": expected UTC or a name such as Europe/Berlin`;
    throw new DamselflyError("invalid_argument", message);
  }
  try {
    const cron = new Cron(fields.join(" "), { timezone: timeZone, paused: true, mode: "5-part" });
    return { after: (wallMs) => cron.nextRun(new Date(wallMs))?.getTime() ?? 0 };
  } catch (cause) {
    const why = errorText(cause).replace(/^CronPattern: /, "");
    throw new DamselflyError("invalid_argument", `Cannot read cron "${text}": ${why}`, { cause });
  }
}

function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat("en", { timeZone: name });
    return true;
  } catch {
    return false;
  }
}
