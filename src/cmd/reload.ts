import { errorText } from "../core/error.ts";
import type { AdjustableLog, LogLevel } from "../runtime/log.ts";

/** The keys that take effect while a component runs; a component has one of the first two. */
const LOG_LEVEL = new Set(["log.level", "server.logLevel", "verbose"]);

/** A configuration that runs, and how to read the one that should. */
export interface Reloadable<C extends object> {
  readonly running: C;
  readonly load: () => Promise<{ readonly config: C; readonly warnings: readonly string[] }>;
  /** The level that a configuration asks for; undefined when the command line has the last word. */
  readonly logLevelOf: ((config: C) => LogLevel) | undefined;
}

/**
 * Reads the configuration anew, as SIGHUP asks: the level of the log is taken over, and every other key that has
 * changed is named, for it needs a restart. One that cannot be read changes nothing. Never rejects.
 */
export async function reload<C extends object>(
  { running, load, logLevelOf }: Reloadable<C>,
  log: AdjustableLog,
): Promise<void> {
  try {
    const { config, warnings } = await load();
    for (const warning of warnings) log.warn("The configuration has a warning", { warning });
    const changed = changedKeys(running, config);
    if (logLevelOf !== undefined) log.setLevel(logLevelOf(config));
    const isTaken = (key: string) => LOG_LEVEL.has(key) && logLevelOf !== undefined;
    const needRestart = changed.filter((key) => !isTaken(key));
    const fields = { changed: changed.filter(isTaken), needRestart };
    if (needRestart.length > 0) {
      log.warn("The configuration was read anew; some keys take effect after a restart", fields);
    } else log.info("The configuration was read anew", fields);
  } catch (error) {
    log.error("The configuration cannot be read anew; the one before stays in force", { error: errorText(error) });
  }
}

/** The keys, joined by dots, whose values differ. A list is one value. */
export function changedKeys(before: unknown, after: unknown, path = ""): string[] {
  if (isSection(before) && isSection(after)) {
    const names = new Set([...Object.keys(before), ...Object.keys(after)]);
    return [...names].flatMap((name) => changedKeys(before[name], after[name], path === "" ? name : `${path}.${name}`));
  }
  return JSON.stringify(before) === JSON.stringify(after) ? [] : [path];
}

function isSection(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
