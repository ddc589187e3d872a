import type { Clock } from "../../../runtime/clock.ts";
import type { Log } from "../../../runtime/log.ts";
import type { Changes } from "../changes.ts";
import type { SqlDatabase } from "./database.ts";

/** What the repositories share. */
export interface SqlContext {
  readonly database: SqlDatabase;
  /** Its wall time goes into columns that hold times. */
  readonly clock: Clock;
  readonly log: Log;
  /** Told of each write that peers can see, once it is committed. */
  readonly changes: Changes;
}
