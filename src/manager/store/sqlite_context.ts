import type { Clock } from "../../runtime/clock.ts";
import type { SqliteDatabase } from "./sqlite_database.ts";

/** What the parts of the store share. */
export class SqliteContext {
  readonly database: SqliteDatabase;
  readonly #clock: Clock;
  #revision = 0;

  constructor(database: SqliteDatabase, clock: Clock) {
    this.database = database;
    this.#clock = clock;
  }

  /** How often {@link changed} was called. */
  get revision(): number {
    return this.#revision;
  }

  /** Says that answers about schedulers may be other from now on. */
  changed(): void {
    this.#revision++;
  }

  /** Wall time, for the columns that hold times. */
  nowMs(): number {
    return this.#clock.wallMs();
  }

  /** Runs `work`, which SQLite does at once, behind the promise that other databases will need. */
  read<T>(work: () => T): Promise<T> {
    return new Promise((resolve) => resolve(work()));
  }

  /** Like {@link read}, as one transaction. */
  write<T>(work: () => T): Promise<T> {
    return this.read(() => this.database.transaction(work));
  }
}
